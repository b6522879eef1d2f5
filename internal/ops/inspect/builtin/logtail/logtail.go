// Package logtail reads what was added to a log since the last look (日志书签).
//
// A [Mark] names the last byte that was seen by the identity of its file and by the beginning of its
// content, so that it survives what happens to logs: renaming and a new file (rotation), copying and
// emptying (copytruncate), emptying alone, files with the date in their names, and compression of the
// old file with gzip. What was written between the last look and the rotation is read from the old file.
//
// Guarantees: every complete line is given once; a line without its end is left for the next look,
// unless its file was rotated away; a line longer than [Options.MaxLine] is cut, the rest of it skipped;
// at most [Options.MaxBytes] are read a look. [Seen] says when lines may have been missed.
package logtail

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Mark is how far a log was read.
type Mark struct {
	Path   string `json:"p"`
	Inode  uint64 `json:"i"`
	Offset int64  `json:"o"`
	Head   string `json:"h,omitempty"` // hash of the first Prefix bytes
	Prefix int64  `json:"n,omitempty"`
}

// String writes a mark so that ParseMark reads it.
func (m Mark) String() string {
	b, err := json.Marshal(m)
	if err != nil {
		return "" // strings and numbers only: cannot happen
	}
	return string(b)
}

// ParseMark reads what String wrote; ok is false for anything else.
func ParseMark(s string) (m Mark, ok bool) {
	err := json.Unmarshal([]byte(s), &m)
	return m, err == nil && m.Path != "" && m.Offset >= 0 && m.Prefix >= 0
}

// Options bound a look; zero fields have the usual values.
type Options struct {
	MaxLine  int   // bytes of a line that are kept; 64 KiB
	MaxBytes int64 // bytes read a look; 64 MiB
	// First is how many bytes before the end of the log a look without a mark begins.
	First int64
}

// Seen is what a look came to.
type Seen struct {
	Mark    Mark
	Path    string // of the file that is written now
	Lines   int
	Cut     int   // lines that were longer than MaxLine
	Skipped int64 // bytes that were passed over, because there were more than MaxBytes
	Gap     bool  // the file that held the mark is gone: what it still held was not seen
	First   bool  // there was no mark
}

// headSize is how much of a file tells it from others.
const headSize = 256

// file is one file of the log.
type file struct {
	path  string
	size  int64
	mtime int64
	inode uint64
}

func (f file) compressed() bool { return strings.HasSuffix(f.path, ".gz") }

// Follow gives each line after the mark to yield, the oldest first, without its end. path may hold
// wildcards: then the file that was written last is the log, and the others are those before it. The
// error is fs.ErrNotExist when no file is there.
func Follow(ctx context.Context, path string, from Mark, known bool, o Options, yield func(line []byte)) (Seen, error) {
	if o.MaxLine <= 0 {
		o.MaxLine = 64 << 10
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	files, err := list(path)
	if err != nil {
		return Seen{}, err
	}
	now := files[len(files)-1]
	seen := Seen{Path: now.path, First: !known}
	var jobs []job
	switch at := holder(files, from); {
	case !known:
		start := max(0, now.size-o.First)
		jobs = []job{{file: now, from: start, whole: start == 0}}
	case at < 0:
		seen.Gap = true
		jobs = []job{{file: now, whole: true}}
	default:
		jobs = append(jobs, job{file: files[at], from: from.Offset, whole: true})
		for _, f := range files[at+1:] {
			// A compressed one, or one that was written before, is older than the mark.
			if !f.compressed() && (f.mtime >= files[at].mtime || f.path == path) {
				jobs = append(jobs, job{file: f, whole: true})
			}
		}
	}
	// The newest bytes count most.
	left := o.MaxBytes
	for i := len(jobs) - 1; i >= 0; i-- {
		j := &jobs[i]
		if j.compressed() {
			continue // bounded while it is read
		}
		if over := j.size - j.from - left; over > 0 {
			j.from, j.whole = j.from+over, false
			seen.Skipped += over
		}
		left = max(0, left-(j.size-j.from))
	}
	offset := int64(0)
	for i, j := range jobs {
		if offset, err = j.read(ctx, i < len(jobs)-1, o, &seen, yield); err != nil {
			if i < len(jobs)-1 && errors.Is(err, fs.ErrNotExist) {
				seen.Gap = true // removed meanwhile
				continue
			}
			return seen, err
		}
	}
	seen.Mark = Mark{Path: now.path, Inode: now.inode, Offset: offset}
	seen.Mark.Prefix = min(offset, headSize)
	if seen.Mark.Head, err = head(now, seen.Mark.Prefix); err != nil {
		return seen, err
	}
	return seen, nil
}

// list returns the files of the log, the one that is written now last.
func list(path string) ([]file, error) {
	wild := strings.ContainsAny(path, "*?[")
	names := []string{path}
	if wild {
		var err error
		if names, err = filepath.Glob(path); err != nil {
			return nil, fmt.Errorf("pattern of the log: %w", err)
		}
	} else if entries, err := os.ReadDir(filepath.Dir(path)); err == nil {
		base := filepath.Base(path)
		stem := strings.TrimSuffix(base, filepath.Ext(base))
		for _, e := range entries {
			if n := e.Name(); n != base && rotated(n, base, stem) {
				names = append(names, filepath.Join(filepath.Dir(path), n))
			}
		}
	}
	var files []file
	for _, n := range names {
		info, err := os.Stat(n)
		if err != nil || !info.Mode().IsRegular() {
			if n == path && err != nil {
				return nil, fmt.Errorf("look at the log: %w", err)
			}
			continue
		}
		f := file{path: n, size: info.Size(), mtime: info.ModTime().UnixNano()}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			f.inode = s.Ino
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int {
		// The named file is written now, whatever the times say; a compressed one never is.
		return cmp.Or(cmp.Compare(rank(a, path), rank(b, path)), cmp.Compare(a.mtime, b.mtime), cmp.Compare(a.path, b.path))
	})
	if len(files) == 0 || files[len(files)-1].compressed() {
		return nil, fmt.Errorf("no file of the log: %w", fs.ErrNotExist)
	}
	const most = 64
	return files[max(0, len(files)-most):], nil
}

func rank(f file, path string) int {
	switch {
	case f.path == path:
		return 2
	case f.compressed():
		return 0
	}
	return 1
}

// rotated reports whether a name is that of an older file of the log: app.log.1, app.log-20261124,
// app-2026-11-24.log, app.log.2.gz; other compressions cannot be read.
func rotated(name, base, stem string) bool {
	for _, ext := range []string{".bz2", ".xz", ".zst", ".lz4", ".Z", ".swp"} {
		if strings.HasSuffix(name, ext) {
			return false
		}
	}
	rest, ok := strings.CutPrefix(name, base)
	if !ok {
		if rest, ok = strings.CutPrefix(name, stem); !ok || stem == "" {
			return false
		}
	}
	return rest != "" && strings.ContainsAny(rest[:1], ".-_") && strings.ContainsAny(rest, "0123456789")
}

// holder returns the file that holds the mark, -1 when none does. The same inode with another
// beginning is a file that was emptied; the same beginning in another file is a copy of it.
func holder(files []file, m Mark) int {
	fits := func(f file) bool {
		if f.compressed() {
			h, err := head(f, m.Prefix)
			return m.Prefix > 0 && err == nil && h == m.Head
		}
		if f.size < m.Offset {
			return false
		}
		h, err := head(f, m.Prefix)
		return err == nil && h == m.Head
	}
	for i := len(files) - 1; i >= 0; i-- {
		if files[i].inode == m.Inode && !files[i].compressed() && fits(files[i]) {
			return i
		}
	}
	if m.Prefix == 0 { // nothing was seen of it: an empty file tells nothing
		if files[len(files)-1].path == m.Path {
			return len(files) - 1
		}
		return -1
	}
	for i := len(files) - 1; i >= 0; i-- {
		if files[i].inode != m.Inode && fits(files[i]) {
			return i
		}
	}
	return -1
}

// open opens a file of the log for reading its content.
func open(f file) (io.ReadCloser, error) {
	// Without waiting: a pipe of that name must not hold the look.
	raw, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if !f.compressed() {
		return raw, nil
	}
	z, err := gzip.NewReader(bufio.NewReader(raw))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("compressed log: %w", err), raw.Close())
	}
	return both{z, raw}, nil
}

type both struct {
	*gzip.Reader
	raw io.Closer
}

// Close closes the file below.
func (b both) Close() error { return errors.Join(b.Reader.Close(), b.raw.Close()) }

func head(f file, n int64) (string, error) {
	if n == 0 {
		return "", nil
	}
	r, err := open(f)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b := make([]byte, min(n, headSize))
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("beginning of the log: %w", err)
	}
	h := fnv.New128a()
	h.Write(b) // a hash never fails
	return hex.EncodeToString(h.Sum(nil)), nil
}

// job is a part of the log that is read in one go.
type job struct {
	file
	from  int64
	whole bool // it begins where a line does
}

// read gives the lines from j.from on to yield, and returns where the next look begins. closed says that
// nothing more will be written: then a last line without its end counts.
func (j job) read(ctx context.Context, closed bool, o Options, seen *Seen, yield func([]byte)) (int64, error) {
	r, err := open(j.file)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if s, ok := r.(io.Seeker); ok && !j.compressed() {
		if _, err := s.Seek(j.from, io.SeekStart); err != nil {
			return 0, fmt.Errorf("seek in the log: %w", err)
		}
	} else if _, err := io.CopyN(io.Discard, r, j.from); err != nil {
		return 0, fmt.Errorf("skip in the log: %w", err)
	}
	buf := bufio.NewReaderSize(io.LimitReader(r, o.MaxBytes), 64<<10)
	offset, drop := j.from, !j.whole
	var line []byte
	cut := false
	length := int64(0)
	for {
		if ctx.Err() != nil {
			return offset, fmt.Errorf("read the log: %w", ctx.Err())
		}
		part, err := buf.ReadSlice('\n')
		length += int64(len(part))
		if room := o.MaxLine - len(line); len(part) > room+1 {
			line, cut = append(line, part[:max(0, room)]...), true
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return offset, fmt.Errorf("read the log: %w", err)
		case err != nil && (len(line) == 0 || !closed):
			// A line that goes on for ever would be read again and again: it is passed over once it is too long.
			if cut {
				seen.Cut++
				offset += length
			}
			return offset, nil
		}
		offset += length
		if !drop {
			seen.Lines++
			if cut {
				seen.Cut++
			}
			yield(bytes.TrimRight(line, "\r\n"))
		}
		line, cut, length, drop = line[:0], false, 0, false
		if err != nil {
			return offset, nil
		}
	}
}
