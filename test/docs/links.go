// Package docs checks what the documentation promises: links that lead somewhere, and a Chinese twin
// that has the parts of the English page.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	link    = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} .+$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
)

// Broken lists, for every Markdown page below dir, the links to files or headings that are not there.
// Links to other sites are not followed: tests need no network.
func Broken(dir string) ([]string, error) {
	var broken []string
	err := pages(dir, func(page string, text string) error {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			b, err := os.ReadFile(target)
			if st, serr := os.Stat(target); serr == nil && st.IsDir() {
				continue
			}
			if err != nil || (anchor != "" && !slices.Contains(anchors(string(b)), anchor)) {
				broken = append(broken, fmt.Sprintf("%s: %s", page, m[1]))
			}
		}
		return nil
	})
	return broken, err
}

// Twins lists pages whose Chinese twin has other parts: another number of headings at any level, of
// code blocks, or of rows in tables.
func Twins(dir string) ([]string, error) {
	var differ []string
	err := pages(dir, func(page string, zh string) error {
		english, ok := strings.CutSuffix(page, ".zh-CN.md")
		if !ok {
			return nil
		}
		en, err := os.ReadFile(english + ".md")
		if err != nil {
			return fmt.Errorf("%s has no English twin: %w", page, err)
		}
		if a, b := shape(string(en)), shape(zh); a != b {
			differ = append(differ, fmt.Sprintf("%s: %s; in English: %s", page, b, a))
		}
		return nil
	})
	return differ, err
}

func shape(text string) string {
	levels := map[int]int{}
	blocks := len(fence.FindAllString(text, -1))
	text = fence.ReplaceAllString(text, "")
	for _, h := range heading.FindAllString(text, -1) {
		levels[strings.IndexByte(h, ' ')]++
	}
	rows := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			rows++
		}
	}
	return fmt.Sprintf("headings by level %v, %d code blocks, %d rows of tables", levels, blocks, rows)
}

// anchors are the names that headings get on a rendered page.
func anchors(text string) []string {
	var out []string
	for _, h := range heading.FindAllString(fence.ReplaceAllString(text, ""), -1) {
		_, title, _ := strings.Cut(h, " ")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case strings.ContainsRune("`.,:;?!()/'\"*&", r):
				return -1
			}
			return r
		}, strings.ToLower(title))
		out = append(out, name)
	}
	return out
}

func pages(dir string, f func(page, text string) error) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "dist", "bin", "data", "testdata"}, d.Name()) && name != dir {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".md") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return f(name, string(b))
	})
}
