package builtin

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/probe"
)

// pgDatabasesMost is how many databases of an instance are looked into, the largest first.
const pgDatabasesMost = 20

// pgDatabase is what was found inside one database; each database is a session of its own.
type pgDatabase struct {
	name        string
	err         error
	dead        part[[]pgDead]
	invalid     part[[]string]
	sequences   part[[]pgSequence]
	unvalidated part[[]string]
}

type (
	pgDead struct {
		table      string
		live, dead float64
		vacuumed   *float64 // seconds ago
	}
	pgSequence struct {
		name    string
		used    float64 // percent
		allowed bool
	}
)

// pgDatabases is what a look into all databases brought back.
type pgDatabases struct {
	where string
	about pgAbout
	list  []pgDatabase
	more  int // databases that were left out
}

// pgDatabaseKinds are the questions that need a session in each database. They share one look.
func (h host) pgDatabaseKinds(overview engine[*pgState]) []probe.Builtin {
	shared := &share[*pgDatabases]{}
	e := engine[*pgDatabases]{
		params: overview.params, check: overview.check, target: overview.target, overview: overview.overview, overviewZH: overview.overviewZH,
		verified: overview.verified, verifiedOn: overview.verifiedOn, discover: overview.discover,
		facts: func(ctx context.Context, t probe.Target) (*pgDatabases, *probe.Result) {
			s, failed := overview.facts(ctx, t)
			if failed != nil {
				return nil, failed
			}
			ctx, cancel := answerBy(ctx, instanceAnswer)
			defer cancel()
			key := shareKey(t.Params, "host", "port", "socket", "user", "password", "database", "sslmode")
			d, _, err := shared.get(ctx, t.Since, key, func(ctx context.Context) (*pgDatabases, error) { return pgLookInside(ctx, t, s) })
			if err != nil {
				r := pgWords(s, err)
				return nil, &r
			}
			return d, nil
		},
		name: func(_ probe.Target, d *pgDatabases) string { return d.about.product + " " + d.where },
	}
	return e.all(pgDatabaseQuestions())
}

func pgLookInside(ctx context.Context, t probe.Target, s *pgState) (*pgDatabases, error) {
	if s.sizes.err != nil {
		return nil, s.sizes.err
	}
	d := &pgDatabases{where: s.where, about: s.about}
	for i, n := range s.sizes.v {
		if i == pgDatabasesMost {
			d.more = len(s.sizes.v) - i
			break
		}
		d.list = append(d.list, pgLookInto(ctx, t, s.about, n.name))
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("look into the databases: %w", ctx.Err())
	}
	return d, nil
}

func pgLookInto(ctx context.Context, t probe.Target, about pgAbout, name string) pgDatabase {
	params := make(map[string]any, len(t.Params))
	for k, v := range t.Params {
		params[k] = v
	}
	params["database"] = name
	d := pgDatabase{name: name}
	conn, err := signIn(ctx, t.String("user"), pgDefaults(), func(ctx context.Context, user string) (*pgx.Conn, error) {
		return pgConnect(ctx, params, user)
	}, pgRefused)
	if err != nil {
		d.err = err
		return d
	}
	defer pgClose(ctx, t, conn)
	q := pgQuery{conn: conn, about: about}
	d.dead = pgPart(ctx, q, askPgDead)
	d.invalid = pgPart(ctx, q, askPgInvalid)
	d.sequences = pgPart(ctx, q, askPgSequences)
	d.unvalidated = pgPart(ctx, q, askPgUnvalidated)
	return d
}

// pgDeadFloor is how many dead rows a table needs to be spoken of.
const pgDeadFloor = 10_000

func askPgDead(ctx context.Context, q pgQuery) ([]pgDead, error) {
	return many(ctx, q, `SELECT schemaname || '.' || relname, n_live_tup::float8, n_dead_tup::float8,
		extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum))::float8
		FROM pg_stat_user_tables WHERE n_dead_tup >= 10000 ORDER BY n_dead_tup DESC LIMIT 20`,
		func(r pgx.Rows, d *pgDead) error { return r.Scan(&d.table, &d.live, &d.dead, &d.vacuumed) })
}

func scanText(r pgx.Rows, s *string) error { return r.Scan(s) }

// askPgInvalid asks for indexes that no query uses, without those that are being built right now.
func askPgInvalid(ctx context.Context, q pgQuery) ([]string, error) {
	sql := `SELECT n.nspname || '.' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE NOT i.indisvalid AND c.relkind = 'i' AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) ORDER BY 1 LIMIT 20`
	if q.about.number < 120000 {
		sql = `SELECT n.nspname || '.' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1 LIMIT 20`
	}
	return many(ctx, q, sql, scanText)
}

func askPgSequences(ctx context.Context, q pgQuery) ([]pgSequence, error) {
	if !q.about.modern() {
		return nil, errNone("此版本没有 pg_sequences 视图（需要 10 及以上版本）")
	}
	// What a cycling sequence does at its end is to begin again: it never runs out.
	return many(ctx, q, `SELECT schemaname || '.' || sequencename,
		coalesce(CASE WHEN increment_by > 0 THEN 100.0 * (last_value::numeric - min_value) / nullif(max_value::numeric - min_value, 0)
			ELSE 100.0 * (max_value::numeric - last_value) / nullif(max_value::numeric - min_value, 0) END, 0)::float8,
		has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT, USAGE')
		FROM pg_sequences WHERE NOT cycle ORDER BY 2 DESC LIMIT 50`,
		func(r pgx.Rows, s *pgSequence) error { return r.Scan(&s.name, &s.used, &s.allowed) })
}

func askPgUnvalidated(ctx context.Context, q pgQuery) ([]string, error) {
	return many(ctx, q, `SELECT conrelid::regclass::text || ' ' || conname FROM pg_constraint WHERE NOT convalidated AND contype IN ('f', 'c') ORDER BY 1 LIMIT 50`, scanText)
}

func pgDatabaseQuestions() []question[*pgDatabases] {
	return []question[*pgDatabases]{
		{
			kind: "postgresql_dead_rows", zh: "PostgreSQL 死元组", en: "PostgreSQL dead rows",
			helpZH:     "查询各库 pg_stat_user_tables：死元组达一万行的表中死元组所占比例（表膨胀的来源）与上次清理时间。变红时：查阻止清理的长事务与复制槽，再执行 VACUUM；经常出现时调小该表的 autovacuum_vacuum_scale_factor。",
			helpEN:     "Reads pg_stat_user_tables of each database: the share of dead rows in tables with at least ten thousand, which is where bloat comes from, and the last vacuum. When red: look for long transactions and slots that hold vacuum up, then VACUUM; if it recurs lower autovacuum_vacuum_scale_factor of that table.",
			thresholds: []probe.Threshold{{Metric: "dead_percent", Warn: "20", Crit: "40", Unit: "%"}},
			judge: pgInside(func(d pgDatabase) part[[]pgDead] { return d.dead }, func(r *probe.Report, all []inDatabase[pgDead]) string {
				for _, x := range all {
					percent := 100 * x.v.dead / (x.v.dead + x.v.live)
					r.Measure("dead_percent "+x.in+" "+x.v.table, x.in+" 库 "+x.v.table+" 死元组", percent, "%")
					line := fmt.Sprintf("%s %s：死元组 %.0f，活元组 %.0f", x.in, x.v.table, x.v.dead, x.v.live)
					if x.v.vacuumed != nil {
						line += "，上次清理 " + probe.Humanize(*x.v.vacuumed, "s") + "前"
					}
					r.Detail(line)
				}
				r.Record("tables", float64(len(all)), "")
				return fmt.Sprintf("死元组达 %d 行的表 %d 个", pgDeadFloor, len(all))
			}),
		},
		{
			kind: "postgresql_invalid_indexes", zh: "PostgreSQL 失效索引", en: "PostgreSQL invalid indexes",
			helpZH:     "查询各库 pg_index：建立失败而失效的索引（正在建立的不算），查询不会使用、写入却仍要维护。变红时：确认无人在建后 DROP INDEX CONCURRENTLY 并重建，或 REINDEX INDEX CONCURRENTLY；唯一索引失效时先查重复数据。",
			helpEN:     "Reads pg_index of each database: indexes whose building failed; queries do not use them and writes still maintain them. When red: drop and build them again concurrently; for a unique one look for duplicates first.",
			thresholds: []probe.Threshold{{Metric: "invalid_indexes", Warn: "0"}},
			judge: pgInside(func(d pgDatabase) part[[]string] { return d.invalid }, func(r *probe.Report, all []inDatabase[string]) string {
				r.Measure("invalid_indexes", "失效索引", float64(len(all)), "")
				return listed(r, "失效索引", all)
			}),
		},
		{
			kind: "postgresql_sequences", class: probe.Data, zh: "PostgreSQL 序列用量", en: "PostgreSQL sequences",
			helpZH:     "查询各库 pg_sequences：不循环的序列已用掉取值范围的比例；用尽时插入即失败（凭证号、流水号最常见）。需要的权限：" + pgGrantData + " 变红时：与开发方确认列类型，改为 bigint 后放大 MAXVALUE；改列类型会重写全表，安排停机窗口。",
			helpEN:     "Reads pg_sequences of each database: how much of its range each sequence that does not cycle has used; at the end inserts fail. Needs: " + pgGrantData + " When red: ask the developers about the column's type, make it bigint and raise MAXVALUE; that rewrites the table, so plan a window.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "75", Crit: "90", Unit: "%"}},
			judge:      pgInside(func(d pgDatabase) part[[]pgSequence] { return d.sequences }, judgePgSequences),
		},
		{
			kind: "postgresql_unvalidated", class: probe.Data, zh: "PostgreSQL 未验证约束", en: "PostgreSQL constraints not validated",
			helpZH:     "查询各库 pg_constraint：以 NOT VALID 建立而从未验证的外键与检查约束，已有数据可能不满足（孤儿记录）。变红时：在低峰执行 ALTER TABLE … VALIDATE CONSTRAINT；报错即有不一致数据，交数据组核对。",
			helpEN:     "Reads pg_constraint of each database: foreign keys and checks made NOT VALID and never validated, so that rows from before may break them. When red: VALIDATE CONSTRAINT off-peak; an error means inconsistent data.",
			thresholds: []probe.Threshold{{Metric: "unvalidated", Warn: "0"}},
			judge: pgInside(func(d pgDatabase) part[[]string] { return d.unvalidated }, func(r *probe.Report, all []inDatabase[string]) string {
				r.Measure("unvalidated", "未验证的约束", float64(len(all)), "")
				return listed(r, "未验证的约束", all)
			}),
		},
	}
}

func judgePgSequences(r *probe.Report, all []inDatabase[pgSequence]) string {
	worst, hidden := 0.0, 0
	for _, x := range all {
		if !x.v.allowed {
			hidden++
			continue
		}
		worst = math.Max(worst, x.v.used)
		if x.v.used >= 50 {
			r.Measure("used_percent "+x.in+" "+x.v.name, x.in+" 库序列 "+x.v.name+" 已用", x.v.used, "%")
		}
	}
	r.Record("highest_percent", worst, "%")
	if hidden > 0 {
		partlyDenied(r, fmt.Sprintf(" %d 个序列", hidden), pgGrantData)
	}
	return fmt.Sprintf("序列 %d 个，用量最高 %s", len(all)-hidden, probe.Humanize(worst, "%"))
}

// inDatabase is something found, with the name of the database that it lies in.
type inDatabase[V any] struct {
	in string
	v  V
}

// pgInside makes a judge over what all databases answered. Databases that could not be looked into
// are named: what was not seen is not good.
func pgInside[V any](pick func(pgDatabase) part[[]V], judge func(*probe.Report, []inDatabase[V]) string) func(probe.Target, *probe.Report, *pgDatabases) (string, *probe.Result) {
	return func(_ probe.Target, r *probe.Report, s *pgDatabases) (string, *probe.Result) {
		var all []inDatabase[V]
		looked, none := 0, ""
		for _, d := range s.list {
			p := pick(d)
			err := d.err
			if err == nil {
				err = p.err
			}
			switch {
			case err != nil:
				why := pgWords(&pgState{where: s.where, about: s.about}, err)
				r.Raise(probe.Unknown, why.Reason, d.name+" 库未能查询："+why.Summary)
				continue
			case p.none != "":
				none = p.none
				continue
			}
			looked++
			for _, v := range p.v {
				all = append(all, inDatabase[V]{d.name, v})
			}
		}
		if looked == 0 && none != "" {
			return nothing(s.about.product + " " + s.where + " " + none)
		}
		figures := judge(r, all)
		figures += fmt.Sprintf("（查看了 %d 个库", looked)
		if s.more > 0 {
			figures += fmt.Sprintf("，另有 %d 个较小的库未看", s.more)
		}
		return figures + "）", nil
	}
}

// listed says how many things were found and names them below.
func listed(r *probe.Report, what string, all []inDatabase[string]) string {
	for _, x := range all {
		r.Detail(x.in + " " + x.v)
	}
	if len(all) == 0 {
		return "没有" + what
	}
	return fmt.Sprintf("%s %d 个，如 %s 库的 %s", what, len(all), all[0].in, all[0].v)
}
