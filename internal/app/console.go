package app

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"taxops/internal/kernel/api"
)

// console serves the built console: files by their name, and the page itself for every other path
// that a browser asks for, since the routes of the console live in the browser.
type console struct {
	files fs.FS
	index string
	mu    sync.Mutex
	kept  map[string]*asset
}

type asset struct {
	plain, packed []byte
	contentType   string
}

func newConsole(files fs.FS) *console {
	index := "index.html"
	if _, err := fs.Stat(files, index); err != nil {
		index = "placeholder.html" // built without Node
	}
	return &console{files: files, index: index, kept: map[string]*asset{}}
}

// ServeHTTP implements http.Handler.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if strings.HasPrefix(r.URL.Path, api.Prefix) {
		http.NotFound(w, r) // an operation that does not exist is not a page
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	a, err := c.load(name)
	if err != nil {
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r) // a file of an older build: the page must not answer as a script
			return
		}
		name = c.index
		if a, err = c.load(name); err != nil {
			http.Error(w, "the console is missing from this build", http.StatusInternalServerError)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Vary", "Accept-Encoding")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the name holds a hash
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	body := a.plain
	if a.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the reader may have gone
	}
}

// load reads a file once. The set of files is fixed at build time, so it needs no bound.
func (c *console) load(name string) (*asset, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.kept[name]; a != nil {
		return a, nil
	}
	if !fs.ValidPath(name) || name == "." {
		return nil, fs.ErrNotExist
	}
	b, err := fs.ReadFile(c.files, name)
	if err != nil {
		return nil, fmt.Errorf("console file: %w", err)
	}
	a := &asset{plain: b, contentType: mime.TypeByExtension(path.Ext(name))}
	if a.contentType == "" {
		a.contentType = "application/octet-stream"
	}
	// The build packs what is worth it; the few files without a packed one are small or packed by nature.
	switch packed, err := fs.ReadFile(c.files, name+".gz"); {
	case err == nil:
		a.packed = packed
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("packed console file: %w", err)
	}
	c.kept[name] = a
	return a, nil
}
