package fault_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect/segment"
	"taxops/test/program"
)

// kills is how often the program is killed on each engine.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TAXOPS_KILLS")
	if text == "" {
		return 6
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("TAXOPS_KILLS=%q is not a number of kills", text)
	}
	return n
}

// site is one installation: a data directory and a database that outlive the processes.
type site struct {
	program.Options
	db *store.DB
}

func newSite(t *testing.T, binary string, engine store.Dialect) *site {
	t.Helper()
	s := &site{Options: program.Options{Binary: binary, Data: t.TempDir(), Env: []string{"TAXOPS_LOG_LEVEL=warn"}}}
	url := s.Data + "/taxops.db"
	if engine == store.Postgres {
		url = storetest.URL(t, engine)
		s.Env = append(s.Env, "TAXOPS_DATABASE_URL="+url)
	}
	if engine == store.SQLite { // migrate makes no database, but an empty file is one without tables
		if err := os.WriteFile(url, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.command("migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	db, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	s.db = db
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.Binary, append([]string{"--data", s.Data}, args...)...) //nolint:noctx // short
	cmd.Env = append(os.Environ(), s.Env...)
	return cmd
}

// count returns one number from the database; -1 while it cannot be had.
func (s *site) count(ctx context.Context, query string, args ...any) int {
	n := -1
	if err := s.db.Read().NewRaw(query, args...).Scan(ctx, &n); err != nil {
		return -1
	}
	return n
}

// hurry makes the plan due at once, segments ripe to be joined and a day ripe to be closed, so that each
// start has a round, a compaction and a closing to be killed in.
func (s *site) hurry(t *testing.T) {
	t.Helper()
	if err := s.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw("UPDATE inspect_plan SET next_due_at = ?", store.At(time.Now())).Exec(ctx); err != nil {
			return err
		}
		// What was stored so far is old enough to be joined, and the rounds are those of a day to be closed.
		if _, err := tx.NewRaw("UPDATE inspect_segment SET created_at = 0 WHERE level = 0").Exec(ctx); err != nil {
			return err
		}
		today := time.Now().In(clock.Shanghai())
		day := time.Date(today.Year(), today.Month(), today.Day()-2, 12, 0, 0, 0, today.Location())
		_, err := tx.NewRaw("UPDATE inspect_round SET started_at = ? WHERE state = 'finished'", store.At(day)).Exec(ctx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// settled reports that no round runs and, on PostgreSQL, that every row of the journal is chained: a
// row is written with its change and chained a moment later.
func (s *site) settled(ctx context.Context) bool {
	return s.count(ctx, "SELECT count(*) FROM inspect_round WHERE state = 'running'") == 0 &&
		s.count(ctx, "SELECT count(*) FROM journal_pending") <= 0
}

// covered reports that the coverage of the day to which finished rounds were moved says what they say.
func (s *site) covered(ctx context.Context) bool {
	const moved = "FROM inspect_round WHERE started_at < (SELECT max(started_at) FROM inspect_round) - 86400000000"
	ran := s.count(ctx, "SELECT coalesce(sum(ran), 0) "+moved)
	missed := s.count(ctx, "SELECT coalesce(sum(missed), 0) "+moved)
	return ran+missed > 0 && ran == s.count(ctx, "SELECT coalesce(sum(ran), 0) FROM inspect_coverage WHERE current = 1") &&
		missed == s.count(ctx, "SELECT coalesce(sum(missed), 0) FROM inspect_coverage WHERE current = 1")
}

// whole checks what must hold after any history of kills, once the last process has tidied up.
func (s *site) whole(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for what, query := range map[string]string{
		"rounds left running":                   "SELECT count(*) FROM inspect_round WHERE state <> 'finished'",
		"rounds whose items do not add up":      "SELECT count(*) FROM inspect_round WHERE planned <> ran + missed OR planned = 0",
		"items left planned":                    "SELECT count(*) FROM inspect_item WHERE state = 'planned'",
		"rounds whose items differ from missed": "SELECT count(*) FROM inspect_round r WHERE missed <> (SELECT count(*) FROM inspect_item i WHERE i.round_id = r.id)",
		"checks with two open findings":         "SELECT count(*) FROM (SELECT check_id FROM inspect_finding WHERE active = 1 GROUP BY check_id HAVING count(*) > 1) AS twice",
	} {
		if n := s.count(ctx, query); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	results := s.results(t)
	rounds := s.count(ctx, "SELECT count(*) FROM inspect_round")
	for _, kind := range []string{"inspect.round.started", "inspect.round.finished"} {
		if n := s.count(ctx, "SELECT count(*) FROM journal_chain WHERE type = ?", kind); n != rounds {
			t.Errorf("%d rounds, but %d rows %s", rounds, n, kind)
		}
	}
	closed := s.count(ctx, "SELECT count(*) FROM (SELECT DISTINCT day_at, revision, area_path, system_id FROM inspect_coverage) AS closings")
	if n := s.count(ctx, "SELECT count(*) FROM journal_chain WHERE type = 'inspect.coverage.closed'"); n != closed {
		t.Errorf("%d closings of days, but %d rows in the journal", closed, n)
	}
	cmd := s.command("journal", "verify")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("journal verify: %v\n%s", err, out.String())
	}
	t.Logf("%d rounds, %d results, %d of them rows, %d segments, %d missed items; %s", rounds, results, s.count(ctx, "SELECT count(*) FROM inspect_result"),
		s.count(ctx, "SELECT count(*) FROM inspect_segment"),
		s.count(ctx, "SELECT count(*) FROM inspect_item WHERE state = 'missed'"), bytes.TrimSpace(out.Bytes()))
}

// results counts the results, rows and those in segments, and fails when a round has others than it says
// or a check has two of them in one round.
func (s *site) results(t *testing.T) int {
	t.Helper()
	ctx := t.Context()
	type key struct{ RoundID, CheckID string }
	seen := map[key]int{}
	var rows []key
	if err := s.db.Read().NewRaw("SELECT round_id, check_id FROM inspect_result").Scan(ctx, &rows); err != nil {
		t.Fatal(err)
	}
	for _, k := range rows {
		seen[k]++
	}
	checks := map[int64]string{}
	var series []struct {
		No      int64
		CheckID string
	}
	if err := s.db.Read().NewRaw("SELECT no, check_id FROM inspect_series").Scan(ctx, &series); err != nil {
		t.Fatal(err)
	}
	for _, x := range series {
		checks[x.No] = x.CheckID
	}
	var bodies [][]byte
	if err := s.db.Read().NewRaw("SELECT body FROM inspect_segment").Scan(ctx, &bodies); err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		seg, err := segment.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range seg.Len() {
			seen[key{seg.RoundID(i), checks[seg.Series(i)]}]++
		}
	}
	perRound := map[string]int{}
	for k, n := range seen {
		if perRound[k.RoundID]++; n > 1 || k.CheckID == "" {
			t.Errorf("%d results of check %q in round %s", n, k.CheckID, k.RoundID)
		}
	}
	var rounds []struct {
		ID  string
		Ran int
	}
	if err := s.db.Read().NewRaw("SELECT id, ran + late AS ran FROM inspect_round").Scan(ctx, &rounds); err != nil {
		t.Fatal(err)
	}
	for _, r := range rounds {
		if perRound[r.ID] != r.Ran {
			t.Errorf("round %s: %d results, ran %d", r.ID, perRound[r.ID], r.Ran)
		}
	}
	return len(seen)
}

func TestKilledInRounds(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, binary, engine)
			for i := range kills(t) {
				if i > 0 {
					s.hurry(t)
				}
				p := program.Start(t, s.Options)
				// Once its round is born, at any moment of the round or just after.
				err := p.Until(time.Minute, func(ctx context.Context) bool {
					return s.count(ctx, "SELECT count(*) FROM inspect_round WHERE owner <> '' OR state = 'finished'") > 0 &&
						s.count(ctx, "SELECT count(*) FROM inspect_round") > i
				})
				moment := time.NewTimer(rand.N(500 * time.Millisecond))
				<-moment.C
				if err != nil {
					t.Fatalf("kill %d: %v", i+1, err)
				}
				_ = p.Kill() // it ends by the signal
			}
			s.hurry(t)
			p := program.Start(t, s.Options)
			if err := p.Until(3*time.Minute, func(ctx context.Context) bool {
				return s.settled(ctx) && s.covered(ctx) && s.count(ctx, "SELECT count(*) FROM inspect_round") > kills(t)
			}); err != nil {
				t.Fatalf("the last start did not tidy up: %v", err)
			}
			if err := p.Ready(time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(); err != nil {
				t.Errorf("stop: %v\n%s", err, p.Output())
			}
			s.whole(t)
		})
	}
}
