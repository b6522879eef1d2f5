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

// Mark is how far a log was read: one place for a log, one for each file of a pattern.
type Mark struct {
	Places []Place `json:"f"`
	// Newest is the time of the last change of any file at the last look, in nanoseconds: a file that a mark
	// does not know and that changed before it was there already and has no place for want of room.
	Newest int64 `json:"t,omitempty"`
}

// Place is how far a file was read.
type Place struct {
	Path   string `json:"p"`
	Inode  uint64 `json:"i"`
	Offset int64  `json:"o"`
	Head   string `json:"h,omitempty"` // hash of the first Prefix bytes
	Prefix int64  `json:"n,omitempty"`
}

// maxMark is how long a written mark may be; the places of the oldest files are left out beyond it.
const maxMark = 3500

// String writes a mark so that ParseMark reads it.
func (m Mark) String() string {
	for {
		b, err := json.Marshal(m)
		if err != nil {
			return "" // strings and numbers only: cannot happen
		}
		if len(b) <= maxMark || len(m.Places) < 2 {
			return string(b)
		}
		m.Places = m.Places[:len(m.Places)-1]
	}
}

// ParseMark reads what String wrote; ok is false for anything else.
func ParseMark(s string) (m Mark, ok bool) {
	if err := json.Unmarshal([]byte(s), &m); err != nil || len(m.Places) == 0 {
		return Mark{}, false
	}
	for _, p := range m.Places {
		if p.Path == "" || p.Offset < 0 || p.Prefix < 0 {
			return Mark{}, false
		}
	}
	return m, true
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
// wildcards: then each file that fits is followed, several that are written at the same time as well as
// one after the other with the date in their names. The error is fs.ErrNotExist when no file is there.
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
	seen := Seen{Path: files[len(files)-1].path, First: !known}
	var jobs []job
	switch {
	case !known:
		jobs = begin(files, path, o.First)
	case wild(path):
		jobs = several(files, from, &seen)
	default:
		jobs = one(files, from.Places[0], path, &seen)
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
	for i := range jobs {
		if err := jobs[i].read(ctx, o, &seen, yield); err != nil {
			if !jobs[i].goesOn && errors.Is(err, fs.ErrNotExist) {
				seen.Gap = true // removed meanwhile
				continue
			}
			return seen, err
		}
	}
	for _, j := range slices.Backward(jobs) {
		if !j.goesOn {
			continue
		}
		p := Place{Path: j.path, Inode: j.inode, Offset: j.from, Prefix: min(j.from, headSize)}
		if p.Head, err = head(j.file, p.Prefix); err != nil {
			return seen, err
		}
		seen.Mark.Places = append(seen.Mark.Places, p)
	}
	for _, f := range files {
		seen.Mark.Newest = max(seen.Mark.Newest, f.mtime)
	}
	return seen, nil
}

func wild(path string) bool { return strings.ContainsAny(path, "*?[") }

// begin is a look without a mark: the end of the log, or of each file of a pattern.
func begin(files []file, path string, first int64) []job {
	now := files[len(files)-1]
	start := max(0, now.size-first)
	jobs := []job{{file: now, from: start, whole: start == 0, goesOn: true}}
	if wild(path) {
		for _, f := range slices.Backward(files[:len(files)-1]) {
			if !f.compressed() {
				jobs = slices.Insert(jobs, 0, job{file: f, from: f.size, whole: true, goesOn: true})
			}
		}
	}
	return jobs
}

// one follows a log through its rotation: the rest of the file that holds the mark, and all that came after.
func one(files []file, from Place, path string, seen *Seen) []job {
	now := files[len(files)-1]
	at := holder(files, from, nil)
	if at < 0 {
		seen.Gap = true
		return []job{{file: now, whole: true, goesOn: true}}
	}
	jobs := []job{{file: files[at], from: from.Offset, whole: true, goesOn: at == len(files)-1}}
	for i, f := range files {
		// A compressed one, or one that was written before, is older than the mark.
		if i > at && !f.compressed() && (f.mtime >= files[at].mtime || f.path == path) {
			jobs = append(jobs, job{file: f, whole: true, goesOn: i == len(files)-1})
		}
	}
	return jobs
}

// several follows each file of a pattern: those with a place from there, new ones from their beginning.
func several(files []file, from Mark, seen *Seen) []job {
	taken := map[int]int64{}
	for i, p := range from.Places {
		at := holder(files, p, taken)
		switch {
		case at >= 0:
			taken[at] = p.Offset
		case i == 0: // of the others some were deleted for their age
			seen.Gap = true
		}
	}
	var jobs []job
	for i, f := range files {
		offset, known := taken[i]
		switch {
		case known && f.compressed():
			jobs = append(jobs, job{file: f, from: offset, whole: true})
		case known:
			jobs = append(jobs, job{file: f, from: offset, whole: true, goesOn: true})
		case !f.compressed() && f.mtime > from.Newest:
			jobs = append(jobs, job{file: f, whole: true, goesOn: true})
		}
	}
	return jobs
}

// list returns the files of the log, the one that is written now last.
func list(path string) ([]file, error) {
	names := []string{path}
	if wild(path) {
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
// beginning is a file that was emptied; the same beginning in another file is a copy of it. Files that hold
// another mark are left out.
func holder(files []file, m Place, taken map[int]int64) int {
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
	free := func(i int) bool { _, other := taken[i]; return !other }
	for i := len(files) - 1; i >= 0; i-- {
		if free(i) && files[i].inode == m.Inode && !files[i].compressed() && fits(files[i]) {
			return i
		}
	}
	if m.Prefix == 0 { // nothing was seen of it: an empty file tells nothing
		return slices.IndexFunc(files, func(f file) bool { return f.path == m.Path })
	}
	for i := len(files) - 1; i >= 0; i-- {
		if free(i) && files[i].inode != m.Inode && fits(files[i]) {
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
	from   int64
	whole  bool // it begins where a line does
	goesOn bool // more may be written to it: a last line without its end is left for the next look
}

// read gives the lines from j.from on to yield, and moves it to where the next look begins.
func (j *job) read(ctx context.Context, o Options, seen *Seen, yield func([]byte)) error {
	r, err := open(j.file)
	if err != nil {
		return err
	}
	defer r.Close()
	if s, ok := r.(io.Seeker); ok && !j.compressed() {
		if _, err := s.Seek(j.from, io.SeekStart); err != nil {
			return fmt.Errorf("seek in the log: %w", err)
		}
	} else if _, err := io.CopyN(io.Discard, r, j.from); err != nil {
		return fmt.Errorf("skip in the log: %w", err)
	}
	buf := bufio.NewReaderSize(io.LimitReader(r, o.MaxBytes), 64<<10)
	drop := !j.whole
	var line []byte
	cut := false
	length := int64(0)
	for {
		if ctx.Err() != nil {
			return fmt.Errorf("read the log: %w", ctx.Err())
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
			return fmt.Errorf("read the log: %w", err)
		case err != nil && (len(line) == 0 || j.goesOn):
			// A line that goes on for ever would be read again and again: it is passed over once it is too long.
			if cut {
				seen.Cut++
				j.from += length
			}
			return nil
		}
		j.from += length
		if !drop {
			seen.Lines++
			if cut {
				seen.Cut++
			}
			yield(bytes.TrimRight(line, "\r\n"))
		}
		line, cut, length, drop = line[:0], false, 0, false
		if err != nil {
			return nil
		}
	}
}
