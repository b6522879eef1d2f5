// Package archive opens what people pack their scripts into: zip, tar and tar.gz. It writes nothing to
// disc, follows no link, and holds within bounds whatever the archive says of itself.
package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Bounds of an archive.
const (
	MaxPacked  = 64 << 20
	maxFiles   = 4000
	maxTotal   = 96 << 20 // bytes unpacked
	maxEntry   = 16 << 20 // bytes of one file
	maxFactor  = 200      // how much larger the whole may be than the archive
	freeFactor = 1 << 20  // below which its factor does not matter
)

// Refusal says why an archive is not opened.
type Refusal struct{ Code, Says string }

// Error implements error.
func (r *Refusal) Error() string { return r.Says }

func refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Says: fmt.Sprintf(format, args...)}
}

func tooMuch() error {
	return refuse("too_large", "the archive holds more than %d files or %d MiB, or unfolds out of all proportion", maxFiles, maxTotal>>20)
}

// Open reads an archive into memory and returns its files.
func Open(b []byte) (fs.FS, error) {
	switch {
	case len(b) > MaxPacked:
		return nil, tooMuch()
	case bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return openZip(b)
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, refuse("damaged", "the archive is damaged: %v", err)
		}
		return openTar(z, len(b))
	case len(b) > 262 && string(b[257:262]) == "ustar":
		return openTar(bytes.NewReader(b), len(b))
	}
	return nil, refuse("not_an_archive", "a zip, a tar or a tar.gz")
}

// measure adds up what is unpacked.
type measure struct {
	files  int
	total  int64
	packed int64
}

func (m *measure) add(n int64) error {
	m.total += n
	if m.files > maxFiles || m.total > maxTotal || m.total > freeFactor && m.total > maxFactor*m.packed {
		return tooMuch()
	}
	return nil
}

// tidy is the name of a file within the archive, "" for one that lies outside or has none.
func tidy(name string) string {
	name = path.Clean(strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/"))
	if !fs.ValidPath(name) || name == "." {
		return ""
	}
	return name
}

// openZip unpacks what a zip really holds, whatever its directory says of sizes.
func openZip(b []byte) (fs.FS, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, refuse("damaged", "the archive is damaged: %v", err)
	}
	out := newFolder()
	m := measure{packed: int64(len(b))}
	for _, f := range z.File {
		if m.files++; m.files > maxFiles {
			return nil, tooMuch()
		}
		name := tidy(f.Name)
		if name == "" || !f.Mode().IsRegular() {
			continue
		}
		if f.Flags&1 != 0 {
			return nil, refuse("encrypted", "the archive is encrypted: pack it without a password")
		}
		r, err := f.Open()
		if err != nil {
			return nil, refuse("damaged", "%s cannot be unpacked: %v", f.Name, err)
		}
		err = out.take(name, r, &m)
		_ = r.Close() // only read
		if err != nil {
			return nil, err
		}
	}
	return out.open()
}

func openTar(r io.Reader, packed int) (fs.FS, error) {
	out := newFolder()
	m := measure{packed: int64(packed)}
	bounded := io.LimitReader(r, maxTotal+maxFiles*1024)
	for t := tar.NewReader(bounded); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out.open()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, refuse("damaged", "the archive is damaged: %v", err)
		}
		if m.files++; m.files > maxFiles {
			return nil, tooMuch()
		}
		name := tidy(h.Name)
		if name == "" || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := out.take(name, t, &m); err != nil {
			return nil, err
		}
	}
}

// folder gathers files as an uncompressed zip in memory, which can be read as a file system.
type folder struct {
	b    bytes.Buffer
	z    *zip.Writer
	seen map[string]bool
}

func newFolder() *folder {
	f := &folder{seen: map[string]bool{}}
	f.z = zip.NewWriter(&f.b)
	return f
}

func (f *folder) take(name string, r io.Reader, m *measure) error {
	body, err := io.ReadAll(io.LimitReader(r, maxEntry+1))
	if err != nil {
		return refuse("damaged", "%s cannot be unpacked: %v", name, err)
	}
	if err := m.add(int64(len(body))); err != nil {
		return err
	}
	if len(body) > maxEntry {
		return tooMuch()
	}
	if f.seen[name] {
		return nil // the first of a name counts
	}
	f.seen[name] = true
	w, err := f.z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		return fmt.Errorf("gather %s: %w", name, err)
	}
	return nil
}

func (f *folder) open() (fs.FS, error) {
	if err := f.z.Close(); err != nil {
		return nil, fmt.Errorf("gather the archive: %w", err)
	}
	z, err := zip.NewReader(bytes.NewReader(f.b.Bytes()), int64(f.b.Len()))
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return z, nil
}
