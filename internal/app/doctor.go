package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"taxops/internal/kernel/store"
)

// Level says how much a finding of the doctor matters.
type Level string

// Levels.
const (
	Fine     Level = "ok"
	Look     Level = "look"
	MustMend Level = "mend"
)

// Diagnosis is one thing that the doctor looked at.
type Diagnosis struct {
	Level Level  `json:"level"`
	What  string `json:"what"`
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// Space that the data directory should have free: below the first the doctor warns, below the second
// the database will soon refuse.
const (
	lookSpace = 5 << 30
	mendSpace = 500 << 20
)

// Doctor looks at this host as the platform would use it. It changes nothing but a scratch file.
func Doctor(ctx context.Context, o Options) []Diagnosis {
	dir := o.Config.Text("data.dir")
	out := []Diagnosis{dataDir(dir), freeSpace(dir), openFiles(), rights(), sandbox(), clockSane(o.Clock.Now()), port(ctx, o)}
	return append(out, database(ctx, o)...)
}

func dataDir(dir string) Diagnosis {
	d := Diagnosis{Level: Fine, What: "data directory", Says: dir + " can be written"}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		dir = filepath.Dir(filepath.Clean(dir))
		d.Says = "will be made in " + dir
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return Diagnosis{MustMend, d.What, err.Error(), "give the user that runs taxops write access, or choose another directory with --data"}
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return Diagnosis{MustMend, d.What, err.Error(), ""}
	}
	if st, err := os.Stat(dir); err == nil && st.Mode().Perm()&0o077 != 0 && d.Says != "will be made in "+dir {
		return Diagnosis{Look, d.What, fmt.Sprintf("%s can be read by others (%o)", dir, st.Mode().Perm()), "chmod 700 " + dir}
	}
	return d
}

func freeSpace(dir string) Diagnosis {
	var st syscall.Statfs_t
	for syscall.Statfs(dir, &st) != nil && dir != "/" && dir != "." {
		dir = filepath.Dir(filepath.Clean(dir))
	}
	free := st.Bavail * uint64(st.Bsize)
	d := Diagnosis{Level: Fine, What: "free space", Says: fmt.Sprintf("%.1f GB", float64(free)/1e9)}
	switch {
	case free < mendSpace:
		d.Level, d.Hint = MustMend, "the database refuses writes on a full disc: make room or move the data directory"
	case free < lookSpace:
		d.Level, d.Hint = Look, "results of a year of one machine take about 1 GB"
	}
	return d
}

func openFiles() Diagnosis {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return Diagnosis{Look, "open files", err.Error(), ""}
	}
	d := Diagnosis{Level: Fine, What: "open files", Says: fmt.Sprintf("limit %d", l.Cur)}
	if l.Cur < 4096 {
		d.Level, d.Hint = Look, "raise LimitNOFILE to 65536 in the service unit"
	}
	return d
}

func rights() Diagnosis {
	if os.Geteuid() == 0 {
		return Diagnosis{Fine, "rights", "runs as root: every check of this machine can look", ""}
	}
	return Diagnosis{Look, "rights", "does not run as root", "checks of the kernel log and of other users' processes may be UNKNOWN (denied); add the user to group adm, or accept it"}
}

func clockSane(now time.Time) Diagnosis {
	d := Diagnosis{Level: Fine, What: "clock", Says: now.Local().Format(time.RFC3339)}
	if now.Year() < 2024 {
		d.Level, d.Hint = MustMend, "set the clock: times of the journal come from it"
	}
	return d
}

func port(ctx context.Context, o Options) Diagnosis {
	addr := o.Config.Text("http.listen")
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return Diagnosis{Look, "address", err.Error(), "fine when taxops is running; else choose another with --listen"}
	}
	if err := l.Close(); err != nil {
		return Diagnosis{Look, "address", err.Error(), ""}
	}
	return Diagnosis{Fine, "address", addr + " is free", ""}
}

// integrityWithin bounds the reading of every page of the embedded database.
const integrityWithin = 2 * time.Minute

const damagedHint = "stop taxops, keep the damaged file aside, put taxops.db back from its last good backup " +
	"(copies made before upgrades lie in before-upgrade/), then run `taxops journal verify`; look for errors of the disc in the kernel log"

// integrity reads the embedded database through.
func integrity(ctx context.Context, db *store.DB, file string) Diagnosis {
	d := Diagnosis{Level: Fine, What: "integrity", Says: "every page of the database is sound"}
	bad, err := db.Integrity(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Diagnosis{Look, d.What, fmt.Sprintf("not read to the end within %s", integrityWithin), "run it again at a quiet time"}
	case err != nil:
		return Diagnosis{MustMend, d.What, file + " cannot be read: " + err.Error(), damagedHint}
	case len(bad) > 0:
		return Diagnosis{MustMend, d.What, file + " is damaged: " + strings.Join(bad, "; "), damagedHint}
	}
	return d
}

func database(ctx context.Context, o Options) []Diagnosis {
	u := databaseURL(o.Config)
	embedded := o.Config.Text("database.url") == ""
	if embedded {
		if err := madeBefore(o.Config, embeddedFile); err != nil {
			return []Diagnosis{{Look, "database", err.Error(), "nothing to mend before the first start"}}
		}
	}
	whole, cancelWhole := context.WithTimeout(ctx, integrityWithin)
	defer cancelWhole()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := store.Open(ctx, store.Options{URL: u, Log: o.Log, Clock: o.Clock})
	switch {
	case err == nil:
	case store.Damaged(err):
		return []Diagnosis{{MustMend, "database", u + " is damaged: " + err.Error(), damagedHint}}
	case embedded:
		return []Diagnosis{{MustMend, "database", err.Error(), "give the user that runs taxops read and write access to " + u + " and its directory; when the disc reports errors, see to it first"}}
	default:
		return []Diagnosis{{MustMend, "database", err.Error(), "start the database, or mend database.url"}}
	}
	defer db.Close() //nolint:errcheck // looked at only
	out := []Diagnosis{{Fine, "database", string(db.Dialect()) + " answers", ""}}
	if embedded {
		out = append(out, integrity(whole, db, u))
		if out[1].Level == MustMend {
			return out // what else it says cannot be relied on
		}
	}
	pending, err := db.PendingMigrations(ctx, Migrations())
	switch {
	case err != nil:
		out = append(out, Diagnosis{MustMend, "tables", err.Error(), ""})
	case len(pending) > 0:
		hint := "they are made at the next start, after a copy"
		if db.Dialect() == store.Postgres {
			hint = "back the database up, then run `taxops migrate`"
		}
		out = append(out, Diagnosis{Look, "tables", fmt.Sprintf("%d modules are behind", len(pending)), hint})
	default:
		out = append(out, Diagnosis{Fine, "tables", "up to date", ""})
	}
	return out
}
