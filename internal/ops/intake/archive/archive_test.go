package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

type entry struct{ name, body string }

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err == nil {
			_, err = io.WriteString(w, e.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, packed bool, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&b, io.NopCloser(nil)}
	if packed {
		w = gzip.NewWriter(&b)
	}
	z := tar.NewWriter(w)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatGNU}
		if strings.HasPrefix(e.body, "->") {
			h.Typeflag, h.Linkname, h.Size, e.body = tar.TypeSymlink, e.body[2:], 0, ""
		}
		if err := z.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(z, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func files(t *testing.T, f fs.FS) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			body, err := fs.ReadFile(f, p)
			if err != nil {
				return err
			}
			out = append(out, p+"="+string(body))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestArchives(t *testing.T) {
	for name, b := range map[string][]byte{
		"zip":    zipped(t, entry{"d/a.sh", "1"}, entry{"b.sh", "2"}, entry{"../../etc/c.sh", "3"}, entry{`w\d.sh`, "4"}, entry{"/b.sh", "twice"}),
		"tar":    tarred(t, false, entry{"d/a.sh", "1"}, entry{"./b.sh", "2"}, entry{"../c.sh", "3"}, entry{"w/d.sh", "4"}, entry{"link", "->/etc/passwd"}),
		"tar.gz": tarred(t, true, entry{"d/a.sh", "1"}, entry{"b.sh", "2"}, entry{"/../c.sh", "3"}, entry{"w/d.sh", "4"}),
	} {
		f, err := Open(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := files(t, f)
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasSuffix(s, "c.sh=3") && !strings.Contains(s, "..") })
		if !slices.Equal(got, []string{"b.sh=2", "d/a.sh=1", "w/d.sh=4"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	zeros := strings.Repeat("0", 8<<20)
	many := make([]entry, maxFiles+1)
	for i := range many {
		many[i] = entry{strings.Repeat("d/", i%5) + "f", ""}
	}
	encrypted := zipped(t, entry{"a", "1"})
	encrypted[6] |= 1                                                  // the flag in front of the file
	encrypted[bytes.LastIndex(encrypted, []byte("PK\x01\x02"))+8] |= 1 // and in the directory
	for name, c := range map[string]struct {
		b    []byte
		code string
	}{
		"a zip bomb":        {zipped(t, entry{"a", zeros}, entry{"b", zeros}), "too_large"},
		"a tar bomb":        {tarred(t, true, entry{"a", zeros}, entry{"b", zeros}), "too_large"},
		"too many files":    {zipped(t, many...), "too_large"},
		"too many in a tar": {tarred(t, true, many...), "too_large"},
		"cut off":           {zipped(t, entry{"a", "1"})[:40], "damaged"},
		"a tar.gz cut off":  {tarred(t, true, entry{"a", strings.Repeat("x", 3000)})[:60], "damaged"},
		"an encrypted zip":  {encrypted, "encrypted"},
		"text":              {[]byte("#!/bin/sh"), "not_an_archive"},
		"nothing":           {nil, "not_an_archive"},
		"gzip of no archive": {func() []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write([]byte("x"))
			_ = z.Close()
			return b.Bytes()
		}(), "damaged"},
	} {
		_, err := Open(c.b)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen: whatever comes is opened within bounds or refused.
func FuzzOpen(f *testing.F) {
	f.Add(zipped(f, entry{"a.sh", "1"}))
	f.Add(tarred(f, true, entry{"a.sh", "1"}))
	f.Add(tarred(f, false, entry{"a.sh", "1"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		folder, err := Open(b)
		if err != nil {
			return
		}
		n := 0
		if err := fs.WalkDir(folder, ".", func(_ string, _ fs.DirEntry, err error) error { n++; return err }); err != nil || n > 20*maxFiles {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}
