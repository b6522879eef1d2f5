package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

func TestCheckSQL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"SELECT 1", " select count(*) from t; ", "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT 'a; DROP TABLE t' AS \"update\" -- ; delete",
		"SELECT /* into */ 1", "SELECT `delete` FROM t", "SELECT updated_at, created, 'it''s' FROM t", "SELECT share FROM holders", "SELECT 发票 FROM 表",
	} {
		if err := checkSQL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "  ", ";", "UPDATE t SET a = 1", "SELECT 1; SELECT 2", "SELECT 1;; ", "SELECT * INTO x FROM t", "SELECT a FROM t INTO OUTFILE '/x'",
		"WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR SHARE", "SELECT * FROM t LOCK IN SHARE MODE",
		"SELECT 1 /*!50000 INTO OUTFILE '/x' */", "SELECT 1 /*M! ; */", "SELECT 'a\\'; DROP TABLE t; -- '", "SELECT $$ ; $$", "SELECT $a$;$a$", "SELECT 1 # ; x",
		"SELECT 'open", "SELECT 1 /* open", "SELECT 1 /* a /* b */ c */", "SELECT 1\x00", "COPY t TO PROGRAM 'x'", "CALL p()", "BEGIN; SELECT 1", "SELECT " + strings.Repeat("a", maxSQL),
	} {
		if err := checkSQL(bad); err == nil {
			t.Errorf("%.60q was taken", bad)
		}
	}
}

func FuzzCheckSQL(f *testing.F) {
	f.Add("SELECT 'x' -- y\n; /* z */ \"q\"")
	f.Fuzz(func(t *testing.T, s string) {
		if checkSQL(s) != nil {
			return
		}
		// What was taken has no second statement outside quotes and comments, however it is cut.
		if words, err := sqlWords(strings.TrimRight(strings.TrimSpace(s), "; \n\t")); err != nil || len(words) == 0 {
			t.Errorf("%q: %v, %v", s, words, err)
		}
	})
}

// answer makes an answer; nil is NULL.
func answer(rows ...[]any) [][]datum {
	out := make([][]datum, len(rows))
	for i, r := range rows {
		for _, v := range r {
			out[i] = append(out[i], datumOf(v))
		}
	}
	return out
}

func askedSQL(t *testing.T, kind string, params map[string]any, memory probe.Memory, now time.Time, columns []string, rows [][]datum) probe.Result {
	t.Helper()
	for _, q := range sqlQuestions() {
		if q.kind != kind {
			continue
		}
		p := map[string]any{"sql": "SELECT 1"}
		for k, v := range params {
			p[k] = v
		}
		tg := target(t, q.builtin(), p, memory, now)
		r := tg.Report()
		figures, bad := q.judge(tg, r, columns, rows)
		if bad != nil {
			return probe.Unknowable("bad_answer", bad.Error())
		}
		return titled(t, kind, r.Result(figures))
	}
	t.Fatalf("no kind %s", kind)
	return probe.Result{}
}

func TestJudgeData(t *testing.T) {
	t.Parallel()
	type rows = []any
	for _, tt := range []struct {
		judgment
		params map[string]any
		rows   [][]datum
	}{
		{judgment{"sql_number", "figures", probe.OK, "", []string{"a 3", "b 4"}}, nil, answer(rows{"3", "4"})},
		{judgment{"sql_number", "two rows", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"3"}, rows{"4"})},
		{judgment{"sql_number", "no number", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"x", nil})},
		{judgment{"orphans", "none", probe.OK, "", []string{"0 条"}}, nil, answer(rows{"0"})},
		{judgment{"orphans", "some", probe.Warning, probe.ReasonThreshold, nil}, nil, answer(rows{"7"})},
		{judgment{"orphans", "NULL", probe.Unknown, "bad_answer", nil}, nil, answer(rows{nil})},
		{judgment{"orphans", "nothing", probe.Unknown, "bad_answer", nil}, nil, nil},
		{judgment{"serial_gaps", "whole", probe.OK, "", []string{"断号 0 个"}}, nil, answer(rows{"A", "1", "100", "100", "100"})},
		{judgment{"serial_gaps", "gap", probe.Warning, probe.ReasonThreshold, []string{"断号 2", "如序列 B"}}, nil, answer(rows{"A", "1", "3", "3"}, rows{"B", "1", "10", "8"})},
		{judgment{"serial_gaps", "double", probe.Critical, probe.ReasonThreshold, []string{"重号 1"}}, nil, answer(rows{"A", "1", "3", "3", "4"})},
		{judgment{"serial_gaps", "impossible", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"A", "1", "3", "9"})},
		{judgment{"serial_gaps", "too narrow", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"A", "1", "3"})},
		{judgment{"serial_gaps", "no series", probe.OK, "", nil}, nil, nil},
		{judgment{"push_oldest", "none", probe.OK, "", []string{"没有未确认"}}, nil, answer(rows{nil})},
		{judgment{"push_oldest", "seconds", probe.Warning, probe.ReasonThreshold, []string{"11.7 分钟"}}, nil, answer(rows{"700"})},
		{judgment{"push_oldest", "time with zone", probe.Critical, probe.ReasonThreshold, []string{"60 分钟"}}, nil, answer(rows{"2026-11-24 08:00:00+00"})},
		{judgment{"push_oldest", "time of Shanghai", probe.Critical, probe.ReasonThreshold, []string{"60 分钟"}}, nil, answer(rows{"2026-11-24 16:00:00"})},
		{judgment{"push_oldest", "text", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"soon"})},
		{judgment{"push_failures", "good", probe.OK, "", []string{"失败 1 次（0.1%）"}}, nil, answer(rows{"1", "1000"})},
		{judgment{"push_failures", "bad", probe.Critical, probe.ReasonThreshold, nil}, nil, answer(rows{"10", "100"})},
		{judgment{"push_failures", "none pushed", probe.OK, "", []string{"没有推送"}}, nil, answer(rows{"0", "0"})},
		{judgment{"push_failures", "the wrong way round", probe.Unknown, "bad_answer", nil}, nil, answer(rows{"100", "10"})},
		{judgment{"dead_letters", "one", probe.Warning, probe.ReasonThreshold, nil}, nil, answer(rows{"1"})},
		{judgment{"dead_letters", "ten", probe.Critical, probe.ReasonThreshold, nil}, nil, answer(rows{"10"})},
		{judgment{"extract_deadline", "done", probe.OK, "", []string{"最近完成于 11-24 07:10"}}, nil, answer(rows{"2026-11-24 07:10:00"})},
		{judgment{"extract_deadline", "late", probe.Critical, probe.ReasonThreshold, []string{"9 小时"}}, nil, answer(rows{"2026-11-23 07:10:00"})},
		{judgment{"extract_deadline", "never", probe.Critical, probe.ReasonThreshold, []string{"从未完成过"}}, nil, answer(rows{nil})},
		{judgment{"extract_deadline", "not due yet", probe.OK, "", []string{"时限 11-23 18:00"}}, map[string]any{"deadline": "18:00"}, answer(rows{"2026-11-23 17:10:00"})},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			wants(t, askedSQL(t, tt.kind, tt.params, nil, at, []string{"a", "b", "c", "d", "e"}, tt.rows), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		now, done, deadline, window string
		weekdays                    bool
		late                        time.Duration
		due                         string
	}{
		{"2026-11-24 07:59", "2026-11-23 06:00", "08:00", "00:00", false, 0, "2026-11-23 08:00"},
		{"2026-11-24 08:00", "2026-11-23 06:00", "08:00", "00:00", false, 0, "2026-11-24 08:00"},
		{"2026-11-24 09:00", "2026-11-23 06:00", "08:00", "00:00", false, time.Hour, "2026-11-24 08:00"},
		{"2026-11-24 09:00", "2026-11-24 08:30", "08:00", "00:00", false, 0, "2026-11-24 08:00"},
		{"2026-11-24 09:00", "2026-11-23 22:30", "08:00", "20:00", false, 0, "2026-11-24 08:00"},            // a window that begins the evening before
		{"2026-11-22 12:00", "2026-11-20 07:00", "08:00", "00:00", true, 0, "2026-11-20 08:00"},             // Sunday: Friday counts
		{"2026-11-23 07:00", "2026-11-20 07:00", "08:00", "00:00", true, 0, "2026-11-20 08:00"},             // Monday before the deadline
		{"2026-11-23 10:00", "2026-11-20 07:00", "08:00", "00:00", true, 2 * time.Hour, "2026-11-23 08:00"}, // and after it
	} {
		late, due := overdue(day(tt.now), day(tt.done), tt.deadline, tt.window, tt.weekdays)
		if late != tt.late || !due.Equal(day(tt.due)) {
			t.Errorf("%+v: late %s, due %s", tt, late, due)
		}
	}
}

func TestRowBandLearnsAndJudges(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	ask := func(days int, n float64) probe.Result {
		return askedSQL(t, "row_band", nil, memory, at.AddDate(0, 0, days), []string{"n"}, answer([]any{n}))
	}
	wants(t, ask(0, 1000), probe.OK, "", "正在积累历史")
	wants(t, ask(0, 1010), probe.OK, "", "正在积累历史") // the same day only counts once
	wants(t, ask(1, 1000), probe.OK, "", "已有 1 天")
	wants(t, ask(2, 1000), probe.OK, "", "已有 2 天")
	wants(t, ask(3, 350), probe.Critical, probe.ReasonThreshold, "最近 3 天的中位数", "-65.0%")
	for d := 4; d < 70; d++ {
		n := 1000.0
		if d%7 == 5 { // one weekday is always quiet
			n = 100
		}
		ask(d, n)
	}
	wants(t, ask(75, 100), probe.OK, "", "偏离 +0.0%", "个同日")
	wants(t, ask(76, 100), probe.Critical, probe.ReasonThreshold, "偏离 -90.0%")
	wants(t, ask(76, 1400), probe.Warning, probe.ReasonThreshold, "偏离 +40.0%")
	if memory.Err() != nil {
		t.Error(memory.Err())
	}
	text, _ := memory.Get("days")
	var days map[string]float64
	if err := json.Unmarshal([]byte(text), &days); err != nil || len(days) > bandDays {
		t.Errorf("%d days are remembered, %v", len(days), err)
	}
}

func chunksOf(rows ...[]any) map[string]*chunk {
	out := make(map[string]*chunk)
	for _, r := range answer(rows...) {
		k := normal(r[0].text)
		if out[k] == nil {
			out[k] = &chunk{}
		}
		out[k].add(r)
	}
	return out
}

func TestDifference(t *testing.T) {
	t.Parallel()
	type rows = []any
	b := newHost(Deps{}).dataDifference()
	tg := target(t, b, map[string]any{"sql": "SELECT 1", "b_sql": "SELECT 1"}, nil, at)
	a := chunksOf(rows{"01", "1", "9.50"}, rows{"01", "2", "8"}, rows{"02", "3", nil})
	same := chunksOf(rows{"02", "3", nil}, rows{"01", "2", "8.00"}, rows{"01 ", "1", "9.5"}) // another order, another engine's form
	wants(t, judgeDifference(tg, a, same, 3, 3), probe.OK, "", "全部一致")
	for name, other := range map[string]map[string]*chunk{
		"a value":                 chunksOf(rows{"01", "1", "9.51"}, rows{"01", "2", "8"}, rows{"02", "3", nil}),
		"NULL is not empty":       chunksOf(rows{"01", "1", "9.50"}, rows{"01", "2", "8"}, rows{"02", "3", ""}),
		"a row twice":             chunksOf(rows{"01", "1", "9.50"}, rows{"01", "2", "8"}, rows{"02", "3", nil}, rows{"02", "3", nil}),
		"text moved to a column":  chunksOf(rows{"01", "19", ".50"}, rows{"01", "2", "8"}, rows{"02", "3", nil}),
		"a chunk is missing":      chunksOf(rows{"01", "1", "9.50"}, rows{"01", "2", "8"}),
		"two equal pairs instead": chunksOf(rows{"01", "1", "9.50"}, rows{"01", "1", "9.50"}, rows{"02", "3", nil}),
	} {
		r := judgeDifference(tg, a, other, 3, 3)
		if r.State != probe.Critical || value(t, r, "different_chunks") != 1 {
			t.Errorf("%s: %s %s", name, r.State, r.Summary)
		}
	}
	wants(t, judgeDifference(tg, nil, nil, 0, 0), probe.Unknown, "nothing_compared")
	for in, want := range map[string]string{"1.00": "1", "1.50 ": "1.5", "-0.10": "-0.1", "100": "100", "1.2.3": "1.2.3", "abc ": "abc", ".5": ".5",
		"2026-11-24 16:00:00": "2026-11-24T08:00:00Z", "2026-11-24T08:00:00.000Z": "2026-11-24T08:00:00Z", "2026-11-24": "2026-11-24"} {
		if got := normal(in); got != want {
			t.Errorf("normal(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestSQLOnThisHost runs statements against the databases the tests run beside: the numbers come
// through, and nothing is written however the statement tries.
func TestSQLOnThisHost(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	engines := map[string]probe.Builtin{"postgresql": h.postgresql()[0], "mysql": h.mysql()[0]}
	for name, b := range engines {
		for _, f := range b.Discover(t.Context()) {
			params := map[string]any{"engine": name}
			for _, k := range []string{"host", "port", "socket"} {
				if v, ok := f.Params[k]; ok {
					params[k] = v
				}
			}
			ask := func(sql string) ([][]datum, error) {
				p := map[string]any{"tls": "prefer", "sql": sql}
				for k, v := range params {
					p[k] = v
				}
				var rows [][]datum
				err := sqlEach(t.Context(), sqlSettings(p, ""), 10, func(_ []string, v []datum) error {
					rows = append(rows, v)
					return nil
				})
				return rows, err
			}
			rows, err := ask("SELECT 42 AS n, NULL AS nothing, 'x;y' AS t, 1.50 AS d;")
			if err != nil && sqlProblem(sqlSettings(params, ""), err, 0).Reason == probe.ReasonDenied {
				continue // somebody else's instance
			}
			if err != nil || len(rows) != 1 || rows[0][0].text != "42" || !rows[0][1].null || rows[0][2].text != "x;y" || normal(rows[0][3].text) != "1.5" {
				t.Errorf("%s: %v, %v", name, rows, err)
			}
			if _, err := ask("SELECT 1 FROM no_such_table_here"); err == nil {
				t.Errorf("%s: a table that is not there was found", name)
			}
			if _, err := ask("SELECT a.n FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) a CROSS JOIN (SELECT 1 AS m UNION ALL SELECT 2 UNION ALL SELECT 3) b"); err == nil {
				t.Errorf("%s: twelve rows came through a limit of ten", name)
			}
			if name == "postgresql" { // a function that writes, in a statement that looks harmless
				if _, err := ask("SELECT nextval('no_such_sequence')"); err == nil {
					t.Error("a sequence moved")
				}
				if _, err := ask("SELECT setval(oid::regclass, 1) FROM pg_class WHERE relkind = 'S' LIMIT 1"); err != nil && !strings.Contains(err.Error(), "read-only") {
					t.Errorf("setval: %v", err)
				}
			}
		}
	}
}

func folderOf(t *testing.T, h host, dir string, files map[string]time.Duration, size int) {
	t.Helper()
	for name, ago := range files {
		path := filepath.Join(h.at(dir), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at.Add(-ago), at.Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{Root: t.TempDir()})
	folderOf(t, h, "/backup", map[string]time.Duration{"full_20261123.dmp": 27 * time.Hour, "full_20261122.dmp": 51 * time.Hour, "notes.txt": time.Minute}, 100)
	folderOf(t, h, "/small", map[string]time.Duration{"b.dmp": time.Hour}, 10)
	folderOf(t, h, "/small", map[string]time.Duration{"a.dmp": 25 * time.Hour}, 100)
	folderOf(t, h, "/drill", map[string]time.Duration{"2026-10.pdf": 40 * 24 * time.Hour}, 1)
	folderOf(t, h, "/in", map[string]time.Duration{"tax_20261124_1.csv": 10 * time.Hour, "tax_20261124_2.csv": 10 * time.Second, "tax_20261123_1.csv": 34 * time.Hour}, 50)
	folderOf(t, h, "/out", map[string]time.Duration{"a.xml": 12 * time.Minute, "b.xml": time.Minute}, 1)
	if err := os.MkdirAll(h.at("/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	arrival := func(more map[string]any) map[string]any {
		p := map[string]any{"dir": "/in", "pattern": "tax_{yyyy}{MM}{dd}_*.csv"}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	for _, tt := range []struct {
		judgment
		kind   probe.Builtin
		params map[string]any
	}{
		{judgment{"", "backup a day old", probe.Warning, probe.ReasonThreshold, []string{"full_20261123.dmp", "27 小时", "共 2 份"}}, h.backupAge(), map[string]any{"dir": "/backup", "pattern": "full_*.dmp"}},
		{judgment{"", "backup fresh", probe.OK, "", nil}, h.backupAge(), map[string]any{"dir": "/backup"}},
		{judgment{"", "backup shrank", probe.Warning, "shrunk", []string{"不足上一份"}}, h.backupAge(), map[string]any{"dir": "/small"}},
		{judgment{"", "no backup", probe.Critical, "missing", nil}, h.backupAge(), map[string]any{"dir": "/empty"}},
		{judgment{"", "no folder", probe.Critical, "missing", []string{"不存在"}}, h.backupAge(), map[string]any{"dir": "/gone"}},
		{judgment{"", "drill due", probe.Warning, probe.ReasonThreshold, nil}, h.restoreDrill(), map[string]any{"dir": "/drill"}},
		{judgment{"", "no drill", probe.Critical, "missing", nil}, h.restoreDrill(), map[string]any{"dir": "/empty"}},
		{judgment{"", "arrived", probe.OK, "", []string{"应到 1 个，已到 1 个", "仍在写入"}}, h.fileArrival(), arrival(nil)},
		{judgment{"", "one missing", probe.Critical, probe.ReasonThreshold, []string{"应到 2 个，已到 1 个", "9 小时"}}, h.fileArrival(), arrival(map[string]any{"count": 2})},
		{judgment{"", "too small", probe.Critical, probe.ReasonThreshold, []string{"过小"}}, h.fileArrival(), arrival(map[string]any{"min_bytes": 60})},
		{judgment{"", "of the day before", probe.OK, "", []string{"tax_20261123_"}}, h.fileArrival(), arrival(map[string]any{"lag_days": 1})},
		{judgment{"", "not due", probe.OK, "", []string{"tax_20261123_"}}, h.fileArrival(), arrival(map[string]any{"deadline": "18:00"})},
		{judgment{"", "spool", probe.Warning, probe.ReasonThreshold, []string{"待发文件 2 个", "a.xml"}}, h.spoolAge(), map[string]any{"dir": "/out"}},
		{judgment{"", "spool empty", probe.OK, "", []string{"没有待发文件"}}, h.spoolAge(), map[string]any{"dir": "/empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wants(t, run(t, tt.kind, tt.params, nil), tt.state, tt.reason, tt.words...)
		})
	}
	if found := h.discoverBackups(t.Context()); len(found) != 1 || found[0].Params["dir"] != "/backup" {
		t.Errorf("%v", found)
	}
	for _, p := range []map[string]any{{}, {"dir": "x"}, {"dir": "/a/../b"}, {"dir": "/a", "pattern": "b/c"}, {"dir": "/a", "pattern": "["}} {
		if _, err := h.backupAge().CheckParams(p); err == nil {
			t.Errorf("%v was taken", p)
		}
	}
}

// brokerSays is a management interface that answers one path.
func brokerSays(t *testing.T, path string, status int, body string) map[string]any {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"host": "127.0.0.1", "port": port}
}

func TestBrokers(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	rabbit := string(testdata(t, "rabbitmq_queues.json"))
	nats := string(testdata(t, "nats_jsz.json"))
	for _, tt := range []struct {
		judgment
		kind   probe.Builtin
		path   string
		status int
		body   string
		params map[string]any
	}{
		{judgment{"", "queues", probe.Critical, probe.ReasonThreshold, []string{"队列 push.tax 有 12000 条消息而没有消费者", "队首已等待"}}, h.rabbitQueues(), "/api/queues", 200, rabbit, nil},
		{judgment{"", "queues ignored", probe.OK, "", []string{"队列 1 个"}}, h.rabbitQueues(), "/api/queues", 200, rabbit, map[string]any{"ignore": []string{"push.tax", "quorum*"}}},
		{judgment{"", "queue stopped", probe.Critical, "not_running", []string{"down"}}, h.rabbitQueues(), "/api/queues", 200, rabbit, map[string]any{"queues": []string{"quorum*"}}},
		{judgment{"", "dead letters", probe.Warning, probe.ReasonThreshold, []string{"push.tax.dlq"}}, h.rabbitDeadLetters(), "/api/queues", 200, rabbit, nil},
		{judgment{"", "no dead letters", probe.Unknown, probe.ReasonNoSource, nil}, h.rabbitDeadLetters(), "/api/queues", 200, "[]", nil},
		{judgment{"", "denied", probe.Unknown, probe.ReasonDenied, []string{"monitoring"}}, h.rabbitQueues(), "/api/queues", 401, `{"error":"not_authorised"}`, nil},
		{judgment{"", "not RabbitMQ", probe.Unknown, "status", []string{"404"}}, h.rabbitQueues(), "/", 200, "", nil},
		{judgment{"", "not JSON", probe.Unknown, "bad_answer", nil}, h.rabbitQueues(), "/api/queues", 200, "<html>", nil},
		{judgment{"", "streams", probe.Critical, probe.ReasonThreshold, []string{"PUSH/ack 待投递", "流 2 个"}}, h.natsStreams(), "/jsz", 200, nats, nil},
		{judgment{"", "streams ignored", probe.OK, "", []string{"流 1 个"}}, h.natsStreams(), "/jsz", 200, nats, map[string]any{"ignore": []string{"PUSH"}}},
		{judgment{"", "no JetStream", probe.Unknown, probe.ReasonNoSource, nil}, h.natsStreams(), "/jsz", 200, `{"disabled":true}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := brokerSays(t, tt.path, tt.status, tt.body)
			for k, v := range tt.params {
				p[k] = v
			}
			wants(t, run(t, tt.kind, p, nil), tt.state, tt.reason, tt.words...)
		})
	}
	wants(t, run(t, h.rabbitQueues(), map[string]any{"port": closedPort(t)}, nil), probe.Critical, "refused")
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	b := h.natsStreams()
	wants(t, b.Run(ctx, target(t, b, map[string]any{"port": peer(t, silent)}, nil, at)), probe.Critical, probe.ReasonTimeout)
}
