package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/runner"
	"taxops/internal/ops/inspect/selfcheck"
)

// onceAtOnce is how many checks of a one-shot round run at the same time.
const onceAtOnce = 8

// InspectOnce runs one round on this machine without a server and a database, and returns the gravest
// state as a number of the plug-in convention.
func InspectOnce(ctx context.Context, o Options, format string, w io.Writer) (worst int, err error) {
	host, err := os.Hostname()
	if err != nil {
		return 0, fmt.Errorf("name of this machine: %w", err)
	}
	program, err := executableHash()
	if err != nil {
		return 0, err
	}
	kinds := builtin.All(builtin.Deps{Targets: targets(o.Config)})
	// Where the platform has a database, it is part of this machine and inspects itself too.
	if a, err := openBeside(ctx, o); err != nil {
		o.Log.WarnContext(ctx, "the platform's own database is left out", "error", err)
	} else if a != nil {
		defer func() { err = errors.Join(err, a.Close()) }()
		kinds = append(kinds, selfcheck.Kinds(a.db, a.journal, work{a})...)
		kinds = append(kinds, selfcheck.CalendarKind(a.calendar, o.Clock.Now))
	}
	r := runner.New(runner.Limits{}, o.Log)
	state, items := runner.OneShot(ctx, r, host, kinds, onceAtOnce, o.Clock.Now, nil)
	report := runner.NewReport(state, items, program)
	if format == "json" {
		err = report.WriteJSON(w)
	} else {
		err = report.WriteTable(w, isTerminal(w))
	}
	return int(state), err
}

// openBeside opens the platform for a look, beside a server that may be running; nil when it was never
// started here.
func openBeside(ctx context.Context, o Options) (*App, error) {
	if o.Config.Text("database.url") == "" {
		if _, err := os.Stat(databaseURL(o.Config)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err := installed(o.Config); err != nil { // opening it would make keys
		return nil, err
	}
	return open(ctx, o, never)
}

// executableHash says which program looked: the checks are part of it.
func executableHash() (string, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("hash of the program: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash of the program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}
