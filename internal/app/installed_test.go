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

// A command that looks at a platform makes none: in a mistyped directory an empty journal is whole.
func TestMistypedDirectory(t *testing.T) {
	for _, url := range []string{"", storetest.URL(t, store.Postgres)} {
		dir := filepath.Join(t.TempDir(), "typo")
		err := With(t.Context(), optionsFor(t, dir, url), ok)
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--data") {
			t.Errorf("got %v", err)
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
			if err := Migrate(t.Context(), o, io.Discard); err != nil {
				t.Fatal(err)
			}
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
