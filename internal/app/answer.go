package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"taxops/internal/kernel/config"
	"taxops/internal/kernel/journal"
)

// Printer gives the answers of the command line: text for people, JSON for scripts.
type Printer struct {
	Out  io.Writer
	JSON bool
}

// Value prints v as JSON.
func (p Printer) Value(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Journal prints what a verification found.
func (p Printer) Journal(r journal.Report) error {
	if p.JSON {
		return p.Value(r)
	}
	for _, b := range r.Bad {
		if _, err := fmt.Fprintf(p.Out, "row %d: %s\n", b.Seq, b.Why); err != nil {
			return err
		}
	}
	word := "whole"
	if !r.OK {
		word = fmt.Sprintf("NOT whole: %d bad", len(r.Bad))
	}
	_, err := fmt.Fprintf(p.Out, "journal %s: %d rows, head %s\n", word, r.Rows, r.Head)
	return err
}

// Diagnoses prints what the doctor found.
func (p Printer) Diagnoses(found []Diagnosis) error {
	if p.JSON {
		return p.Value(found)
	}
	w := tabwriter.NewWriter(p.Out, 0, 4, 2, ' ', 0)
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.What, f.Says) // Flush tells
		if f.Hint != "" {
			_, _ = fmt.Fprintf(w, "\t\t→ %s\n", f.Hint)
		}
	}
	return w.Flush()
}

// Settings prints each setting with its value and where that came from.
func (p Printer) Settings(settings []config.Explained) error {
	if p.JSON {
		return p.Value(settings)
	}
	w := tabwriter.NewWriter(p.Out, 0, 4, 2, ' ', 0)
	for _, x := range settings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t(%s)\t%s\n", x.Name, x.Value, x.Source, x.DocEN) // Flush tells
	}
	return w.Flush()
}

// Lines prints one a line.
func (p Printer) Lines(lines []string) error {
	if p.JSON {
		return p.Value(lines)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(p.Out, l); err != nil {
			return err
		}
	}
	return nil
}

// Link prints a link that works once.
func (p Printer) Link(link string, expires time.Time) error {
	if p.JSON {
		return p.Value(map[string]any{"link": link, "expires_at": expires})
	}
	_, err := fmt.Fprintf(p.Out, "%s\nsingle use, until %s\n", link, expires.Local().Format(time.DateTime))
	return err
}

// ToFile has write write to the file at path, or to stdout when path is "" or "-". The file is written
// beside its place and renamed: an answer that was cut must not look like a whole one.
func ToFile(path string, stdout io.Writer, write func(io.Writer) error) (err error) {
	if path == "" || path == "-" {
		return write(stdout)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".taxops-*")
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	defer func() {
		if rerr := os.Remove(tmp.Name()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) { // renamed by now
			err = errors.Join(err, rerr)
		}
	}()
	if err := write(tmp); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// VerifyExport verifies an export in a file, or on standard input when path is "-". It needs neither
// database nor keys.
func VerifyExport(ctx context.Context, path string) (journal.Report, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return journal.Report{}, fmt.Errorf("export: %w", err)
		}
		defer f.Close() //nolint:errcheck // read only
		in = f
	}
	return journal.VerifyExport(ctx, in, journal.ExportOptions{})
}

// With opens the platform without running it, has f use it, and closes it. It makes no new platform:
// in a directory that was mistyped everything would look whole, and empty.
func With(ctx context.Context, o Options, f func(*App) error) (err error) {
	if err := installed(o.Config); err != nil {
		return err
	}
	o.baseURL = servedAt(o.Config)
	a, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return f(a)
}

func installed(c *config.Config) error {
	if c.Text("database.url") == "" {
		if err := madeBefore(c, embeddedFile); err != nil {
			return err
		}
	}
	return madeBefore(c, filepath.Join("keys", "ring.json"))
}

// madeBefore refuses a data directory without a file that serve makes there.
func madeBefore(c *config.Config, name string) error {
	dir := c.Text("data.dir")
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	switch _, err := os.Stat(filepath.Join(dir, name)); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no taxops has run with the data directory %s, which lacks %s: name the right one with --data; "+
			"a new platform is made by `taxops serve --data %s`", dir, name, dir)
	case err != nil:
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}
