package scripts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of a folder.
const (
	MaxFiles = 2000
	MaxFile  = 1 << 20  // bytes of one script
	MaxTotal = 64 << 20 // bytes of all
	maxLevel = 12
)

// ErrTooMuch: the folder holds more than this package reads.
var ErrTooMuch = errors.New("more than 2000 files or 64 MiB: choose the folder of the scripts themselves")

// Why a file is no script; for machines.
const (
	WhyBinary   = "binary"
	WhyLarge    = "too_large"
	WhyNotPlain = "not_a_file" // a link, a pipe, a device
	WhyNoShell  = "not_a_script"
	WhyEmpty    = "empty"
)

// Script is one script of a folder.
type Script struct {
	Path        string   // in the folder
	Name        string   // of the file without its ending
	Interpreter []string // argument vector, without the script
	Body        []byte
	SHA256      string
	Uses        []Use // by cron
}

// Use is one line of a crontab that runs a script.
type Use struct {
	Job     Job
	Command Command
}

// Skipped is a file that is no script.
type Skipped struct {
	Path, Why string
}

// Folder is what was found.
type Folder struct {
	Scripts []Script
	Skipped []Skipped
	Unused  []Job     // lines of the crontab that run nothing of the folder
	Bad     []BadLine // lines that are not understood
}

// Scan reads a folder and, from the crontab texts, how its scripts were run. Links are not followed.
func Scan(ctx context.Context, folder fs.FS, crontabs ...Crontab) (*Folder, error) {
	f := new(Folder)
	var total int64
	files := 0
	err := fs.WalkDir(folder, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.IsDir() {
			if base := path.Base(p); p != "." && (strings.HasPrefix(base, ".") || strings.Count(p, "/") >= maxLevel) {
				return fs.SkipDir
			}
			return nil
		}
		if files++; files > MaxFiles {
			return ErrTooMuch
		}
		if !d.Type().IsRegular() {
			f.Skipped = append(f.Skipped, Skipped{p, WhyNotPlain})
			return nil
		}
		body, err := read(folder, p)
		if errors.Is(err, errLarge) {
			f.Skipped = append(f.Skipped, Skipped{p, WhyLarge})
			return nil
		}
		if err != nil {
			return err
		}
		if total += int64(len(body)); total > MaxTotal {
			return ErrTooMuch
		}
		s, why := identify(p, body)
		if why != "" {
			f.Skipped = append(f.Skipped, Skipped{p, why})
			return nil
		}
		f.Scripts = append(f.Scripts, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range crontabs {
		jobs, bad := ParseCrontab(c.Text, c.System)
		f.Bad = append(f.Bad, bad...)
		for _, j := range jobs {
			if !f.use(j) {
				f.Unused = append(f.Unused, j)
			}
		}
	}
	return f, nil
}

// Crontab is the text of one crontab; that of the system names the user of each line.
type Crontab struct {
	Text   string
	System bool
}

var errLarge = errors.New("too large")

func read(folder fs.FS, p string) ([]byte, error) {
	file, err := folder.Open(p)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	if len(b) > MaxFile {
		return nil, errLarge
	}
	return b, nil
}

var byEnding = map[string]string{".sh": "/bin/sh", ".bash": "/bin/bash", ".py": "/usr/bin/python3", ".pl": "/usr/bin/perl"}

// identify tells what a file is run with: its first line, else its ending.
func identify(p string, body []byte) (Script, string) {
	if len(bytes.TrimSpace(body)) == 0 {
		return Script{}, WhyEmpty
	}
	if bytes.IndexByte(body, 0) >= 0 {
		return Script{}, WhyBinary
	}
	ending := strings.ToLower(path.Ext(p))
	s := Script{Path: p, Name: strings.TrimSuffix(path.Base(p), path.Ext(p)), Body: body}
	sum := sha256.Sum256(body)
	s.SHA256 = hex.EncodeToString(sum[:])
	first, _, _ := strings.Cut(string(bytes.TrimPrefix(body[:min(len(body), 512)], []byte("\xef\xbb\xbf"))), "\n")
	if line, ok := strings.CutPrefix(strings.TrimSuffix(first, "\r"), "#!"); ok {
		s.Interpreter = strings.Fields(line)
		if len(s.Interpreter) >= 2 && path.Base(s.Interpreter[0]) == "env" {
			rest := s.Interpreter[1:]
			if rest[0] == "-S" {
				rest = rest[1:]
			}
			s.Interpreter = slices.Clone(rest)
		}
	}
	if len(s.Interpreter) == 0 {
		usual, known := byEnding[ending]
		if !known {
			return Script{}, WhyNoShell
		}
		s.Interpreter = []string{usual}
	}
	return s, ""
}

// use finds the script that a line of cron runs.
func (f *Folder) use(j Job) bool {
	c, ok := ParseCommand(j.Command)
	if !ok {
		return false
	}
	best := -1
	for i, s := range f.Scripts {
		if path.Base(s.Path) != path.Base(c.Program) {
			continue
		}
		// Of scripts of one name the one in the same place: most names at the end shared, least other ones.
		if best < 0 || alike(s.Path, c.Program) > alike(f.Scripts[best].Path, c.Program) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	f.Scripts[best].Uses = append(f.Scripts[best].Uses, Use{j, c})
	return true
}

// alike ranks how well the path of a script in a folder fits the path that a command names.
func alike(script, named string) int {
	x, y := strings.Split(path.Clean(script), "/"), strings.Split(path.Clean(named), "/")
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n*maxLevel - len(x)
}

// IsCrontab reports whether a file of a folder is taken for a crontab by its name.
func IsCrontab(p string) bool {
	base := strings.ToLower(path.Base(p))
	ending := path.Ext(base)
	return path.Base(path.Dir(p)) == "cron.d" || base == "crontab" || base == "crontab.txt" || ending == ".cron" || ending == ".crontab"
}

// Crontabs finds the crontabs that lie in a folder: files called crontab, crontab.txt, or with the ending
// .cron or .crontab, and those of a folder cron.d, which name the user of each line.
func Crontabs(folder fs.FS) ([]Crontab, error) {
	var out []Crontab
	files := 0
	err := fs.WalkDir(folder, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		if files++; files > MaxFiles {
			return fs.SkipAll // Scan says so
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if !IsCrontab(p) {
			return nil
		}
		body, err := read(folder, p)
		if errors.Is(err, errLarge) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, Crontab{Text: string(body), System: path.Base(path.Dir(p)) == "cron.d"})
		return nil
	})
	return out, err
}
