// Package inspecttest fills the tables of the inspection with as many rows as years of use leave, for
// benchmarks and for tests of query plans.
package inspecttest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/grams"
)

// Start is the time of the first row; Fill spreads rows over 90 days from there.
func Start() time.Time { return time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC) }

const chunk = 50_000

// Fill adds n results, n findings and n items, with the rounds and gaps that go with them. Of 100
// results 90 are OK; of 100 findings 5 are not closed. They lie in 14 areas and belong to 3 systems.
func Fill(ctx context.Context, db *store.DB, n int) error {
	step := (90 * 24 * time.Hour).Microseconds() / int64(n)
	id := "printf('%08x-0000-7000-8000-%012x', i, i)"
	text := func(prefix, expr string) string { return "'" + prefix + "' || (" + expr + ")" }
	area := "'/45/45' || printf('%02d', 1 + i % 14) || '/'"
	system := text("s", "i % 3")
	if db.Dialect() == store.Postgres {
		id = "lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0')"
		area = "'/45/45' || lpad((1 + i % 14)::text, 2, '0') || '/'"
	}
	class := "CASE i % 6 WHEN 0 THEN 'os_log' WHEN 1 THEN 'hardware' WHEN 2 THEN 'service' WHEN 3 THEN 'performance' WHEN 4 THEN 'instance' ELSE 'data' END"
	state := "CASE WHEN i % 100 < 5 THEN 'WARNING' WHEN i % 100 < 8 THEN 'CRITICAL' WHEN i % 100 < 10 THEN 'UNKNOWN' ELSE 'OK' END"
	at := fmt.Sprintf("%d + i * %d", Start().UnixMicro(), step)
	for _, s := range []string{
		`INSERT INTO inspect_plan (id, name, interval_seconds, enabled, next_due_at, classes, host_id, area_path, system_id, created_at, updated_at, version)
			SELECT 'p' || i, '计划', 300, 1, 0, '["service"]', 'none', '/45/', '', i, i, 1 FROM numbers`,
	} {
		if err := insert(ctx, db, 10, s); err != nil {
			return err
		}
	}
	if err := insert(ctx, db, max(n/40, 10), fmt.Sprintf(`INSERT INTO inspect_round (id, number, plan_id, plan_name, host_id, started_how, started_by, state, due_at,
			started_at, finished_at, planned, ran, missed, missed_reason, ok, warning, critical, unknown, no_source, worst_state, tree_root, owner, lease_until, area_path, system_id)
			SELECT %s, 'RND-' || i, 'p' || (i %% 10), '计划', 'none', CASE i %% 50 WHEN 0 THEN 'manual' WHEN 1 THEN 'start' ELSE 'schedule' END, '', 'finished', %s,
			%s, %s, 40, 40, 0, '', 40, 0, 0, 0, 0, %s, '', '', 0, %s, '' FROM numbers`, id, at, at, at, state, area)); err != nil {
		return err
	}
	if err := insert(ctx, db, max(n/1000, 10), fmt.Sprintf(`INSERT INTO inspect_gap (id, plan_id, from_at, to_at, missed_rounds, reason, noted_at, area_path, system_id)
			SELECT %s, 'p' || (i %% 10), %s, %s, 1, 'server_stopped', %s, %s, '' FROM numbers`, id, at, at, at, area)); err != nil {
		return err
	}
	if err := insert(ctx, db, n, `INSERT INTO inspect_item (round_id, check_id, position, state, missed_reason)
			SELECT 'r' || (i / 40), 'c' || (i % 1000), i % 40, 'ran', '' FROM numbers`); err != nil {
		return err
	}
	if err := insert(ctx, db, n, fmt.Sprintf(`INSERT INTO inspect_result (id, round_id, check_id, asset_id, kind, class, target, state, not_ok, reason, summary, details, perf,
			ran_at, duration_us, sha256, area_path, system_id)
			SELECT %s, 'r' || (i / 40), 'c' || (i %% 1000), 'a' || (i %% 200), 'perf.disk', %s, '/var', %s, CASE WHEN i %% 100 < 10 THEN 1 ELSE 0 END, '',
			'已用 42.1%%，剩余 113.9 GiB', '', '[{"label":"used_percent /var","value":42.1,"uom":"%%","warn":"80","crit":"90"}]',
			%s, 1200, '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', %s, %s FROM numbers`, id, class, state, at, area, system)); err != nil {
		return err
	}
	return findings(ctx, db, n, step)
}

// insert runs a statement over the numbers 0…n-1, a part at a time.
func insert(ctx context.Context, db *store.DB, n int, statement string) error {
	for from := 0; from < n; from += chunk {
		to := min(from+chunk, n)
		numbers := fmt.Sprintf("(WITH RECURSIVE c (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM c WHERE i + 1 < %d) SELECT i FROM c) AS numbers", from, to)
		if db.Dialect() == store.Postgres {
			numbers = fmt.Sprintf("generate_series(%d::bigint, %d) AS numbers (i)", from, to-1)
		}
		text := strings.ReplaceAll(strings.Replace(statement, "FROM numbers", "FROM "+numbers, 1), "?", `\?`)
		if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw(text).Exec(ctx)
			return err
		}); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// words of which titles are made, so that a search finds some of them often and some seldom.
func title(i int) string {
	kinds := []string{"端口无响应", "磁盘空间不足", "发票寄递积压", "证书即将到期", "数据库连接过多", "内核日志报错", "电子签章服务缓慢"}
	return fmt.Sprintf("%s 10.%d.%d.%d:%d", kinds[i%len(kinds)], i%3, i/251%256, i%251, 1000+i%5000)
}

func findings(ctx context.Context, db *store.DB, n int, step int64) error {
	const rows = 2000
	classes := []string{"os_log", "hardware", "service", "performance", "instance", "data"}
	for from := 0; from < n; from += rows {
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			var ins, fts strings.Builder
			columns := "id, number, state, active, severity, title, summary, check_id, asset_id, asset_name, kind, class, opened_at, last_seen_at, seen_count, closed_at, assignee_id, due_at, previous_id, first_result_id, last_result_id, area_path, system_id, version"
			if tx.Engine() == store.Postgres {
				columns += ", grams"
			} else {
				columns += ", seq"
			}
			ins.WriteString("INSERT INTO inspect_finding (" + columns + ") VALUES ")
			fts.WriteString("INSERT INTO inspect_finding_text (rowid, grams) VALUES ")
			for i := from; i < min(from+rows, n); i++ {
				if i > from {
					ins.WriteByte(',')
					fts.WriteByte(',')
				}
				state, active, check := "closed", 0, i%1000
				if i%100 < 5 {
					state, active, check = []string{"open", "open", "assigned", "assigned", "repaired"}[i%100], 1, 1000+i
				}
				severity := []string{"warning", "warning", "critical", "unknown"}[i%4]
				assignee := ""
				if i%10 == 2 {
					assignee = fmt.Sprintf("u%d", i%7)
				}
				at := Start().UnixMicro() + int64(i)*step
				number := fmt.Sprintf("FND-2026-%d", i)
				words := grams.Cut(number + " " + title(i) + " tax-app")
				fmt.Fprintf(&ins, "('%08x-0000-7000-8000-%012x','%s','%s',%d,'%s','%s','连接被拒绝','c%d','a%d','tax-app','service.tcp','%s',%d,%d,3,%d,'%s',NULL,'','','','/45/45%02d/','s%d',1,",
					i, i, number, state, active, severity, title(i), check, i%200, classes[i%6], at, at, at, assignee, 1+i%14, i%3)
				if tx.Engine() == store.Postgres {
					fmt.Fprintf(&ins, "'%s'::tsvector)", grams.TSVector(words))
				} else {
					fmt.Fprintf(&ins, "%d)", i+1)
					fmt.Fprintf(&fts, "(%d,'%s')", i+1, strings.Join(words, " "))
				}
			}
			if _, err := tx.NewRaw(ins.String()).Exec(ctx); err != nil {
				return err
			}
			if tx.Engine() == store.SQLite {
				_, err := tx.NewRaw(fts.String()).Exec(ctx)
				return err
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fill findings: %w", err)
		}
	}
	return nil
}
