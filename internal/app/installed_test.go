package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

func optionsFor(t *testing.T, dir, url string) Options {
	t.Helper()
	c, err := config.Load(ConfigKeys(), "", nil, map[string]string{"data.dir": dir, "database.url": url})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Config: c, Log: slog.New(slog.DiscardHandler), Clock: clock.System{}, Version: "test"}
}

func ok(*App) error { return nil }

// run makes a platform, as its first start does.
func run(t *testing.T, o Options) {
	t.Helper()
	if o.Config.Text("database.url") != "" {
		if err := Migrate(t.Context(), o, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A command that looks at a platform makes none: in a mistyped directory an empty journal is whole.
func TestMistypedDirectory(t *testing.T) {
	for _, url := range []string{"", storetest.URL(t, store.Postgres)} {
		dir := filepath.Join(t.TempDir(), "typo")
		o := optionsFor(t, dir, url)
		refused := []error{With(t.Context(), o, ok)}
		if url == "" { // a PostgreSQL is migrated before anything was ever served
			refused = append(refused, Migrate(t.Context(), o, io.Discard))
		}
		for _, err := range refused {
			if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--data") || !strings.Contains(err.Error(), "taxops serve") {
				t.Errorf("got %v", err)
			}
		}
		if _, err := InspectOnce(t.Context(), o, "json", io.Discard); err != nil {
			t.Errorf("an inspection without a platform: %v", err)
		}
		if url == "" {
			d := diagnosis(Doctor(t.Context(), o), "database")
			if d.Level != Look || !strings.Contains(d.Says, dir) || !strings.Contains(d.Says, "taxops serve") {
				t.Errorf("the doctor says %+v", d)
			}
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("something was made in %s: %v", dir, err)
		}
	}
}

// A database in use never gets a second key ring, which could open nothing that the first sealed.
func TestLostKeyRing(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := ""
			if engine == store.Postgres {
				url = storetest.URL(t, engine)
			}
			dir := t.TempDir()
			o := optionsFor(t, dir, url)
			run(t, o)
			if err := With(t.Context(), o, func(a *App) error { return a.RegisterLocalHost(t.Context()) }); err != nil {
				t.Fatal(err)
			}
			keys := filepath.Join(dir, "keys")
			if err := os.Rename(keys, keys+".away"); err != nil {
				t.Fatal(err)
			}
			if a, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key ring") {
				t.Errorf("opened %v without its keys: %v", a != nil, err)
			}
			if _, err := os.Stat(keys); !os.IsNotExist(err) {
				t.Errorf("a new ring was made: %v", err)
			}
			if err := os.Rename(keys+".away", keys); err != nil {
				t.Fatal(err)
			}
			if err := With(t.Context(), o, ok); err != nil {
				t.Errorf("with its keys again: %v", err)
			}
		})
	}
}

// The tables of a running server do not change below it.
func TestTablesOfARunningServerStay(t *testing.T) {
	o := optionsFor(t, t.TempDir(), "")
	if err := os.WriteFile(databaseURL(o.Config), nil, 0o600); err != nil { // without any tables
		t.Fatal(err)
	}
	unlock, err := lockData(o.Config)
	if err != nil {
		t.Fatal(err)
	}
	migrate := func() error { return Migrate(context.WithoutCancel(t.Context()), o, io.Discard) }
	if err := migrate(); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("migrated below a server: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := migrate(); err != nil {
		t.Error(err)
	}
}

// A link made on the host names the address of the server, which may stand on its command line only.
func TestLinksNameTheServersAddress(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c, err := config.Load(ConfigKeys(), "", nil, map[string]string{"data.dir": dir, "http.listen": "127.0.0.1:0", "http.public_url": "https://ops.example"})
	if err != nil {
		t.Fatal(err)
	}
	greeting, printed := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, Options{Config: c, Log: slog.New(slog.DiscardHandler), Clock: clock.System{}, Version: "test"}, printed)
	}()
	if _, err := greeting.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, greeting) }()
	err = With(t.Context(), optionsFor(t, dir, ""), func(a *App) error {
		if a.baseURL != "https://ops.example" {
			t.Errorf("links begin with %q", a.baseURL)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func diagnosis(all []Diagnosis, what string) Diagnosis {
	for _, d := range all {
		if d.What == what {
			return d
		}
	}
	return Diagnosis{}
}

// A damaged file is called damaged, with the step that helps, whichever part of it is.
func TestDoctorOnADamagedDatabase(t *testing.T) {
	for name, damage := range map[string]struct {
		what string
		do   func(b []byte, page int) []byte // page is where a table begins
	}{
		"another file":  {"database", func([]byte, int) []byte { return []byte(strings.Repeat("not a database ", 4096)) }},
		"an empty page": {"integrity", func(b []byte, page int) []byte { clear(b[(page-1)*4096 : page*4096]); return b }}, // opens as if nothing were wrong
		"cut in half":   {"database", func(b []byte, _ int) []byte { return b[:len(b)/2/4096*4096] }},
		"nothing wrong": {"", func(b []byte, _ int) []byte { return b }},
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsFor(t, t.TempDir(), "")
			run(t, o)
			file := databaseURL(o.Config)
			page := 0
			if err := With(t.Context(), o, func(a *App) error {
				return a.db.Read().NewRaw("SELECT rootpage FROM sqlite_schema WHERE name = 'access_installation'").Scan(t.Context(), &page)
			}); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage.do(b, page), 0o600); err != nil {
				t.Fatal(err)
			}
			found := Doctor(t.Context(), o)
			if damage.what == "" {
				if d := diagnosis(found, "integrity"); d.Level != Fine {
					t.Errorf("a sound database: %+v", d)
				}
				return
			}
			d := diagnosis(found, damage.what)
			if d.Level != MustMend || !strings.Contains(d.Says, file) || !strings.Contains(d.Says, "damaged") || !strings.Contains(d.Hint, "backup") {
				t.Errorf("the doctor says %+v of all of %+v", d, found)
			}
		})
	}
}

// An area that is none is refused at the start, by a message that lists those there are.
func TestUnknownAreaIsRefusedAtTheStart(t *testing.T) {
	c, err := config.Load(ConfigKeys(), "", nil, map[string]string{"data.dir": t.TempDir(), "installation.area": "/99/"})
	if err != nil {
		t.Fatal(err)
	}
	err = Serve(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler), Clock: clock.System{}, Version: "test"}, io.Discard)
	for _, want := range []string{"installation.area", `"/99/"`, "/45/ ", "/45/4501/"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}
