// Package boundaries checks what the compiler does not: which room of the house may know which, what
// kind of file may ask the database or speak HTTP, who may ask for the time. The rules are those of
// docs/architecture.md; each violation names its rule, its place and what to do.
//
// The rules read syntax only, so they work while something else does not compile. That they can fail
// is proved on testdata/bad, a small module with one violation of each.
package boundaries

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Config says what to check.
type Config struct {
	Dir    string // of the module
	Module string // import path of the module
	// MaxFileLines bounds each file, MaxCommandLines the command line as a whole.
	MaxFileLines, MaxCommandLines int
	// Layers are the packages of the kernel, the highest line first; each imports lower lines only.
	Layers [][]string
	// TimeAllowed names files, or folders ending in "/", that may call time.Now, each with the reason.
	TimeAllowed map[string]string
	// SQLAllowed names files that build SQL from strings, each with the reason.
	SQLAllowed map[string]string
}

// Violation is one broken rule.
type Violation struct {
	Rule string
	File string // slash-separated, below Config.Dir
	Line int
	Why  string
}

// String shows the violation as compilers do.
func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", v.File, v.Line, v.Rule, v.Why)
}

// The rooms below internal/ that hold modules.
var rooms = []string{"systems", "ops", "data", "govern"}

const (
	bunPath  = "github.com/uptrace/bun"
	humaPath = "github.com/danielgtaylor/huma/v2"
)

// checker collects violations.
type checker struct {
	Config
	found     []Violation
	usedTime  map[string]bool
	usedSQL   map[string]bool
	constants map[string]map[string]bool // folder → names of its constants
	flattened map[*ast.BinaryExpr]bool
}

// Check reads every package of the module, with its tests, and returns what breaks a rule, in order
// of place.
func Check(c Config) ([]Violation, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("module folder: %w", err)
	}
	c.Dir = dir
	fset := token.NewFileSet()
	loaded, err := packages.Load(&packages.Config{
		Dir: dir, Fset: fset, Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedSyntax | packages.NeedForTest,
	}, "./...")
	if err != nil {
		return nil, fmt.Errorf("load the packages of %s: %w", dir, err)
	}
	if len(loaded) == 0 {
		return nil, fmt.Errorf("no packages in %s", dir)
	}
	k := &checker{
		Config: c, usedTime: map[string]bool{}, usedSQL: map[string]bool{},
		constants: map[string]map[string]bool{}, flattened: map[*ast.BinaryExpr]bool{},
	}
	sources := sourcesOf(loaded, fset, dir)
	for _, s := range sources {
		if k.constants[s.folder] == nil {
			k.constants[s.folder] = map[string]bool{}
		}
		constantsOf(s.file, k.constants[s.folder])
	}
	documented, first := map[string]bool{}, map[string]source{}
	for _, s := range sources {
		k.source(s)
		if !s.test {
			documented[s.folder] = documented[s.folder] || s.file.Doc != nil
			if _, ok := first[s.folder]; !ok {
				first[s.folder] = s
			}
		}
	}
	for folder, s := range first {
		if !documented[folder] {
			k.add("package-comment", s, s.file.Package, "say what the package is for, in doc.go")
		}
	}
	if err := k.files(); err != nil {
		return nil, err
	}
	k.unused("time", k.TimeAllowed, k.usedTime)
	k.unused("sql-text", k.SQLAllowed, k.usedSQL)
	slices.SortFunc(k.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return k.found, nil
}

// source is one Go file.
type source struct {
	file   *ast.File
	fset   *token.FileSet
	rel    string
	folder string
	test   bool
}

// sourcesOf lists each file of the module once, whether it was read for the package or for its test.
func sourcesOf(loaded []*packages.Package, fset *token.FileSet, dir string) []source {
	var out []source
	seen := map[string]bool{}
	for _, p := range loaded {
		for _, f := range p.Syntax {
			rel, err := filepath.Rel(dir, fset.Position(f.FileStart).Filename)
			if err != nil || strings.HasPrefix(rel, "..") || seen[rel] {
				continue // made by the go command, or listed already
			}
			seen[rel] = true
			s := source{file: f, fset: fset, rel: filepath.ToSlash(rel)}
			s.folder = path.Dir(s.rel)
			s.test = strings.HasSuffix(s.rel, "_test.go")
			out = append(out, s)
		}
	}
	return out
}

func (k *checker) add(rule string, s source, at token.Pos, format string, args ...any) {
	k.found = append(k.found, Violation{Rule: rule, File: s.rel, Line: s.fset.Position(at).Line, Why: fmt.Sprintf(format, args...)})
}

func (k *checker) unused(rule string, allowed map[string]string, used map[string]bool) {
	for name, reason := range allowed {
		if !used[name] {
			k.found = append(k.found, Violation{Rule: rule, File: name, Why: "is allowed (" + reason + ") but does not need to be: take it off the list"})
		}
	}
}

func (k *checker) source(s source) {
	k.imports(s)
	k.layers(s)
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			k.call(s, n)
		case *ast.BinaryExpr:
			k.concatenation(s, n)
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				k.add("no-init", s, n.Pos(), "nothing happens by importing: call it from package app")
			}
		}
		return true
	})
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if unfinished.MatchString(c.Text) {
				k.add("unfinished", s, c.Pos(), "finish it, or leave it out")
			}
		}
	}
}

// unfinished marks work that was left; split so that this file does not name itself.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

// moduleOf returns the module that a folder belongs to, "internal/ops/fleet", or "".
func moduleOf(folder string) string {
	parts := strings.Split(folder, "/")
	if len(parts) >= 3 && parts[0] == "internal" && slices.Contains(rooms, parts[1]) {
		return strings.Join(parts[:3], "/")
	}
	return ""
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// ofTheWhole reports folders that test or measure several rooms together.
func ofTheWhole(folder string) bool { return within(folder, "test") || within(folder, "bench") }

// imports: the kernel knows no module; a module knows the kernel and itself; only app knows all.
func (k *checker) imports(s source) {
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !within(imported, k.Module) {
			continue
		}
		target := strings.TrimPrefix(strings.TrimPrefix(imported, k.Module), "/")
		own := moduleOf(s.folder)
		k.kernelLayers(s, target, spec.Pos())
		switch {
		case within(target, "internal/app") && !within(s.folder, "internal/app"):
			if !within(s.folder, "cmd/taxops") && !ofTheWhole(s.folder) {
				k.add("app-knows-all", s, spec.Pos(), "only the command line and tests of the whole import %s", target)
			}
		case within(s.folder, "internal/kernel") && within(target, "internal") && !within(target, "internal/kernel"):
			k.add("kernel-knows-no-module", s, spec.Pos(), "the kernel may not import %s: declare an interface and let app hand it in", target)
		case own != "" && within(target, "internal") && !within(target, "internal/kernel") && !within(target, own):
			k.add("module-knows-itself", s, spec.Pos(), "%s may not import %s: declare an interface and let app hand it in, or subscribe", own, target)
		case own == "" && moduleOf(target) != "" && !within(s.folder, "internal/app") && !ofTheWhole(s.folder):
			k.add("app-knows-all", s, spec.Pos(), "only internal/app imports modules, not %s", s.folder)
		}
	}
}

// kernelLayers: the kernel has an order, so that no circle can grow in it.
func (k *checker) kernelLayers(s source, target string, at token.Pos) {
	line := func(folder string) int {
		rest, ok := strings.CutPrefix(folder, "internal/kernel/")
		if !ok {
			return -1
		}
		top, _, _ := strings.Cut(rest, "/")
		return slices.IndexFunc(k.Layers, func(l []string) bool { return slices.Contains(l, top) })
	}
	from, to := line(s.folder), line(target)
	switch {
	case s.test || within(s.folder, target) || within(target, s.folder) || !within(target, "internal/kernel") || !within(s.folder, "internal/kernel"):
	case from < 0:
		k.add("kernel-layers", s, at, "%s is not in the table of layers", s.folder)
	case to <= from:
		k.add("kernel-layers", s, at, "%s stands above %s, or beside it", target, s.folder)
	}
}

// localName returns the name under which a file knows an import, "" when it does not import it.
func localName(f *ast.File, imported string) (string, token.Pos) {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && p == imported {
			if spec.Name != nil {
				return spec.Name.Name, spec.Pos()
			}
			name := path.Base(p)
			if strings.HasPrefix(name, "v") && len(name) == 2 {
				name = path.Base(path.Dir(p))
			}
			return name, spec.Pos()
		}
	}
	return "", token.NoPos
}

// kindOf returns what a file of a module is by its name: "store" for store.go and store_round.go.
func kindOf(rel string) string {
	kind, _, _ := strings.Cut(strings.TrimSuffix(path.Base(rel), ".go"), "_")
	return kind
}

// layers: in a module's own folder, store*.go asks the database, api*.go speaks HTTP, and files of
// rules do neither. bun.BaseModel, which only names a table, may stand with the type it belongs to.
func (k *checker) layers(s source) {
	if s.test || moduleOf(s.folder) != s.folder {
		return
	}
	kind := kindOf(s.rel)
	if kind != "api" {
		for _, p := range []string{"net/http", humaPath} {
			if name, at := localName(s.file, p); name != "" {
				k.add("http-in-api", s, at, "%s belongs in api*.go", p)
			}
		}
	}
	if kind == "store" {
		return
	}
	if name, at := localName(s.file, "database/sql"); name != "" {
		k.add("sql-in-store", s, at, "database/sql belongs in store*.go")
	}
	bun, _ := localName(s.file, bunPath)
	mayQuery := slices.Contains([]string{"service", "jobs", "subs"}, kind)
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && bun != "" && x.Name == bun && sel.Sel.Name != "BaseModel" {
			k.add("sql-in-store", s, sel.Pos(), "bun.%s belongs in store*.go", sel.Sel.Name)
		}
		if !mayQuery && slices.Contains([]string{"NewSelect", "NewInsert", "NewUpdate", "NewDelete", "NewRaw"}, sel.Sel.Name) {
			k.add("sql-in-store", s, sel.Pos(), "%s belongs in store*.go", sel.Sel.Name)
		}
		return true
	})
}

func (k *checker) call(s source, c *ast.CallExpr) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return
	}
	timeName, _ := localName(s.file, "time")
	fmtName, _ := localName(s.file, "fmt")
	switch {
	case timeName != "" && x.Name == timeName && sel.Sel.Name == "Sleep":
		k.add("time", s, c.Pos(), "nothing sleeps: wait for what is to happen (a channel, a ticker, testing/synctest)")
	case timeName != "" && x.Name == timeName && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name):
		if s.test || within(s.folder, "test") || within(s.folder, "internal/kernel/clock") {
			return
		}
		if name, ok := allowedBy(k.TimeAllowed, s.rel); ok {
			k.usedTime[name] = true
			return
		}
		k.add("time", s, c.Pos(), "time.%s: ask the clock that was passed in", sel.Sel.Name)
	case s.test && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name):
		k.add("no-skip", s, c.Pos(), "a test that cannot run fails and says what helps")
	case fmtName != "" && x.Name == fmtName && strings.HasPrefix(sel.Sel.Name, "Sprint") && len(c.Args) > 0:
		if lit, ok := c.Args[0].(*ast.BasicLit); ok && len(c.Args) > 1 {
			k.sqlText(s, lit)
		}
	}
}

func allowedBy(list map[string]string, rel string) (string, bool) {
	for name := range list {
		if name == rel || (strings.HasSuffix(name, "/") && strings.HasPrefix(rel, name)) {
			return name, true
		}
	}
	return "", false
}

var sqlStart = regexp.MustCompile(`(?is)^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|TRIGGER|VIEW|DATABASE|ROLE|USER)\s|PRAGMA\s|WITH\s+\S+\s+AS\s)`)

func (k *checker) sqlText(s source, lit *ast.BasicLit) {
	text, err := strconv.Unquote(lit.Value)
	if err != nil || lit.Kind != token.STRING || !sqlStart.MatchString(text) {
		return
	}
	if s.test || strings.HasSuffix(s.folder, "test") { // what a test does to its own database harms nobody
		return
	}
	if name, ok := allowedBy(k.SQLAllowed, s.rel); ok {
		k.usedSQL[name] = true
		return
	}
	k.add("sql-text", s, lit.Pos(), "SQL is never put together from strings: use arguments, or bun.Ident for names")
}

// concatenation finds "SELECT …" + x, where x is neither a literal nor a constant of the package.
func (k *checker) concatenation(s source, b *ast.BinaryExpr) {
	if b.Op != token.ADD {
		return
	}
	var operands []ast.Expr
	var flatten func(e ast.Expr)
	flatten = func(e ast.Expr) {
		if inner, ok := e.(*ast.BinaryExpr); ok && inner.Op == token.ADD {
			k.flattened[inner] = true
			flatten(inner.X)
			flatten(inner.Y)
			return
		}
		operands = append(operands, e)
	}
	if k.flattened[b] {
		return // part of a longer one, which was looked at
	}
	flatten(b)
	lit, ok := operands[0].(*ast.BasicLit)
	if !ok {
		return
	}
	for _, o := range operands[1:] {
		switch o := o.(type) {
		case *ast.BasicLit:
			continue
		case *ast.Ident:
			if k.constants[s.folder][o.Name] {
				continue
			}
		}
		k.sqlText(s, lit)
		return
	}
}

// constantsOf lists the names of a file's package-level constants.
func constantsOf(f *ast.File, into map[string]bool) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				into[name.Name] = true
			}
		}
	}
}

// files checks what is about files rather than packages: their length, and the migrations.
func (k *checker) files() error {
	commandLines := 0
	migrations := map[string]map[string][]string{} // folder → dialect → versions
	err := filepath.WalkDir(k.Dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(k.Dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "dist", "testdata", "bin"}, d.Name()) && rel != "." {
				return filepath.SkipDir
			}
			return nil
		}
		switch {
		case strings.HasSuffix(rel, ".sql") && path.Base(path.Dir(path.Dir(rel))) == "migrations":
			folder, dialect := path.Dir(path.Dir(rel)), path.Base(path.Dir(rel))
			if migrations[folder] == nil {
				migrations[folder] = map[string][]string{}
			}
			version, _, _ := strings.Cut(path.Base(rel), "_")
			migrations[folder][dialect] = append(migrations[folder][dialect], version)
			return k.collation(name, rel, dialect)
		case !slices.Contains([]string{".go", ".ts", ".tsx", ".css"}, path.Ext(rel)) || strings.HasSuffix(rel, "schema.d.ts"):
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lines := strings.Count(string(b), "\n")
		if lines > k.MaxFileLines {
			k.found = append(k.found, Violation{Rule: "file-length", File: rel, Line: 1, Why: fmt.Sprintf("%d lines, at most %d: one idea a file", lines, k.MaxFileLines)})
		}
		if path.Dir(rel) == "cmd/taxops" && !strings.HasSuffix(rel, "_test.go") {
			commandLines += lines
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("walk %s: %w", k.Dir, err)
	}
	if commandLines > k.MaxCommandLines {
		k.found = append(k.found, Violation{Rule: "command-length", File: "cmd/taxops", Why: fmt.Sprintf("%d lines, at most %d: flags in, calls out; the rest belongs to internal/app", commandLines, k.MaxCommandLines)})
	}
	for folder, dialects := range migrations {
		if a, b := dialects["sqlite"], dialects["postgres"]; !slices.Equal(a, b) {
			k.found = append(k.found, Violation{Rule: "both-dialects", File: folder, Why: fmt.Sprintf("sqlite has %v, postgres %v", a, b)})
		}
	}
	return nil
}

var textColumn = regexp.MustCompile(`(?i)^\s*(ADD COLUMN\s+)?"?(id|\w*_id|\w*area_path|path|number)"?\s+(text|varchar)\b`)

// collation: PostgreSQL orders text by the language of its cluster, SQLite by bytes. Ranges over area
// paths, and keys that break ties in a list, must mean the same on both.
func (k *checker) collation(name, rel, dialect string) error {
	if dialect != "postgres" {
		return nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(b), "\n") {
		if textColumn.MatchString(line) && !strings.Contains(line, `COLLATE "C"`) {
			k.found = append(k.found, Violation{Rule: "collation", File: rel, Line: i + 1, Why: `write COLLATE "C", or its order differs from SQLite's`})
		}
	}
	return nil
}
