package docs_test

import (
	"os"
	"path/filepath"
	"testing"

	"taxops/test/docs"
)

func TestDocumentation(t *testing.T) {
	for what, check := range map[string]func(string) ([]string, error){"leads nowhere": docs.Broken, "differs from its twin": docs.Twins} {
		found, err := check("../..")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Errorf("%s: %s", what, f)
		}
	}
}

func TestTheChecksCanFail(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.md":       "# One\n\n[b](b.md) [gone](gone.md) [part](b.md#two-parts) [no part](b.md#three) [site](https://example.org/x)\n",
		"a.zh-CN.md": "# 一\n\n## 多出来的\n",
		"b.md":       "# B\n\n## Two parts\n\n```\n# not a heading\n```\n",
		"b.zh-CN.md": "# 乙\n\n## 两部分\n\n```\n代码\n```\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken, err := docs.Broken(dir)
	if err != nil || len(broken) != 2 {
		t.Errorf("broken: %q, %v", broken, err)
	}
	differ, err := docs.Twins(dir)
	if err != nil || len(differ) != 1 {
		t.Errorf("twins that differ: %q, %v", differ, err)
	}
}
