package builtin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// Bounds of a comparison.
const (
	differenceRows   = 2_000_000
	differenceChunks = 10_000
)

// chunk is what rows with the same first column come to: how many, and a sum over their hashes that
// does not depend on their order.
type chunk struct {
	rows int64
	sum  [4]uint64
}

func (c *chunk) add(values []datum) {
	h := sha256.New()
	for _, v := range values {
		text := normal(v.text)
		var head [9]byte
		if v.null {
			head[0] = 1
			text = ""
		}
		binary.BigEndian.PutUint64(head[1:], uint64(len(text)))
		h.Write(head[:])
		h.Write([]byte(text))
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	for i := range c.sum {
		c.sum[i] += binary.BigEndian.Uint64(sum[8*i:]) // a sum, since equal rows would cancel each other out in an XOR
	}
	c.rows++
}

// normal writes the same value of two engines in the same way: blanks at the end of fixed-width text,
// zeros behind the point, fractions of a second that are zero.
func normal(s string) string {
	s = strings.TrimRight(s, " ")
	if len(s) > 1 && strings.IndexByte(s, '.') > 0 && strings.Trim(s, "0123456789.-") == "" && strings.Count(s, ".") == 1 {
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if len(s) >= 19 && s[4] == '-' && s[7] == '-' {
		if t, ok := (datum{text: s}).time(); ok {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return s
}

func (h host) dataDifference() probe.Builtin {
	return probe.Builtin{
		Kind: "data.difference", Class: probe.Data, TitleZH: "两库数据比对", TitleEN: "Difference of two sources",
		HelpZH: "在两个数据库各执行一条查询，按第一列（如日期、机关代码）分块，比较每块的行数与内容哈希（与行序无关），报告不一致与单边存在的块。两库可为不同类型；列数、次序与格式须一致，数值与时间由程序归一。每侧至多 200 万行、1 万块，限时 60 秒；语句在只读事务中执行。例：SELECT to_char(day, 'YYYY-MM-DD'), id, amount FROM invoice WHERE day >= current_date - 7。" +
			"变红时：对不一致的块在两库分别查询并逐行比较，先查同步任务在该时段的日志，再决定重推或补数。",
		HelpEN: "Runs one statement in each of two databases, parts the rows by their first column (a day, an office) and compares count and content hash of each part, whatever the order of rows. The engines may differ; columns must agree in number, order and form, while numbers and times are brought into one form. At most two million rows and ten thousand parts a side within 60 seconds, in read-only transactions. " +
			"When red: query the parts that differ on both sides, read the log of the synchronisation for that span, then decide whether to push again or repair.",
		Params: append(sqlParams("", "甲库：", "First: "), sqlParams("b_", "乙库：", "Second: ")...),
		Check:  checkSQLParams("", "b_"),
		Target: func(p map[string]any) string {
			return sqlTarget("")(p) + " ⇄ " + sqlTarget("b_")(p)
		},
		Thresholds: []probe.Threshold{{Metric: "different_chunks", Crit: "0"}},
		Verified:   verifiedTested, VerifiedOn: "PostgreSQL 15, MariaDB 10.11, 2026-11", Timeout: sqlTimeout,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, sqlAnswer+5*time.Second)
			defer cancel()
			a, rowsA, failed := sqlChunks(ctx, sqlSettings(t.Params, ""), "甲库")
			if failed != nil {
				return *failed
			}
			b, rowsB, failed := sqlChunks(ctx, sqlSettings(t.Params, "b_"), "乙库")
			if failed != nil {
				return *failed
			}
			return judgeDifference(t, a, b, rowsA, rowsB)
		},
	}
}

func sqlChunks(ctx context.Context, p map[string]any, side string) (map[string]*chunk, int64, *probe.Result) {
	chunks := make(map[string]*chunk)
	var all int64
	began := time.Now()
	err := sqlEach(ctx, p, differenceRows, func(columns []string, values []datum) error {
		if len(columns) < 2 {
			return fmt.Errorf("%w: 查询应至少返回两列", errBadAnswer)
		}
		key := normal(values[0].text)
		c, known := chunks[key]
		if !known {
			if len(chunks) >= differenceChunks {
				return fmt.Errorf("%w: 第一列的不同值超过 %d 个", errBadAnswer, differenceChunks)
			}
			c = &chunk{}
			chunks[key] = c
		}
		c.add(values)
		all++
		return nil
	})
	if err != nil {
		r := sqlProblem(p, err, time.Since(began))
		r.Summary = side + "：" + r.Summary
		return nil, 0, &r
	}
	return chunks, all, nil
}

func judgeDifference(t probe.Target, a, b map[string]*chunk, rowsA, rowsB int64) probe.Result {
	var different []string
	missing := 0
	r := t.Report()
	for key, x := range a {
		y, both := b[key]
		switch {
		case !both:
			missing++
			different = append(different, fmt.Sprintf("%s：乙库没有，甲库 %d 行", key, x.rows))
		case *x != *y:
			different = append(different, fmt.Sprintf("%s：甲库 %d 行，乙库 %d 行%s", key, x.rows, y.rows, map[bool]string{true: "，内容不同"}[x.rows == y.rows]))
		}
	}
	for key, y := range b {
		if _, both := a[key]; !both {
			missing++
			different = append(different, fmt.Sprintf("%s：甲库没有，乙库 %d 行", key, y.rows))
		}
	}
	slices.Sort(different)
	for i, d := range different {
		if i == 100 {
			r.Detail(fmt.Sprintf("…另有 %d 块", len(different)-i))
			break
		}
		r.Detail(d)
	}
	r.Measure("different_chunks", "不一致的块", float64(len(different)), "")
	r.Record("rows_a", float64(rowsA), "")
	r.Record("rows_b", float64(rowsB), "")
	figures := fmt.Sprintf("甲库 %d 行 %d 块，乙库 %d 行 %d 块", rowsA, len(a), rowsB, len(b))
	if len(different) > 0 {
		figures += fmt.Sprintf("，不一致 %d 块（其中单边存在 %d 块），如 %s", len(different), missing, different[0])
	} else {
		figures += "，全部一致"
	}
	if rowsA == 0 && rowsB == 0 {
		r.Raise(probe.Unknown, "nothing_compared", "两侧都没有数据，未能比对")
	}
	return r.Result(figures)
}
