package segment

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"taxops/internal/kernel/probe"
)

func drawPerf(t *rapid.T) []probe.Perf {
	value := rapid.OneOf(
		rapid.Float64(), rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-500, 99_999).Draw(t, "n")) / 100 }),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e300, math.NaN(), math.Inf(1), 1 << 53, 1<<53 - 1, 0.1, 42.1, 1e-12, 1e-13}),
	)
	out := []probe.Perf{}
	for range rapid.IntRange(0, 7).Draw(t, "values") {
		p := probe.Perf{
			Label: rapid.SampledFrom([]string{"time", "used_percent /var", "", "数"}).Draw(t, "label"), Value: value.Draw(t, "value"),
			UOM: rapid.SampledFrom([]string{"", "%", "s"}).Draw(t, "unit"), Warn: rapid.SampledFrom([]string{"", "80", "@1:2"}).Draw(t, "warn"),
		}
		if rapid.Bool().Draw(t, "bounded") {
			top := value.Draw(t, "max")
			p.Max = &top
		}
		out = append(out, p)
	}
	return out
}

func drawRow(t *rapid.T) Row {
	perf := drawPerf(t)
	word := rapid.SampledFrom([]string{"已用 ", "42.1", "%，", "007", "0", "113.9 GiB", "10.1.7.9:8080", "\x00", "\x00\x01", "99999999999999999999999", ".", "5", "耗时 ", "-3", "1.50", "\xff"})
	text := func(name string) string {
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, name) {
			if len(perf) > 0 && rapid.IntRange(0, 2).Draw(t, "of a value") == 0 {
				b.WriteString(shown(perf[0].Value, rapid.IntRange(0, len(scales)-1).Draw(t, "scale"), rapid.IntRange(0, 9).Draw(t, "digits")))
			}
			b.WriteString(word.Draw(t, "word"))
		}
		return b.String()
	}
	r := Row{
		Series:  rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "series"),
		RoundID: rapid.SampledFrom([]string{"r1", "", "0198f6a0-0000-7000-8000-000000000001", "0198F6A0-0000-7000-8000-000000000001"}).Draw(t, "round"),
		RanAt:   rapid.OneOf(rapid.Int64Range(0, 1e6), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "at"),
		Took:    rapid.OneOf(rapid.Int64Range(0, 5000), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "took"),
		Summary: text("summary"), Details: text("details"), Perf: perf,
		Sum: strings.Repeat(rapid.SampledFrom([]string{"00", "ab"}).Draw(t, "sum"), 32),
	}
	if rapid.Bool().Draw(t, "own id") {
		r.ID = uuid.NewSHA1(uuid.Nil, []byte(fmt.Sprint(r.RanAt))).String()
	}
	return r
}

// Whatever is written is read again, row by row.
func TestReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 20).Draw(t, "rows")
		o := Options{Sums: rapid.Bool().Draw(t, "sums"), Fast: rapid.Bool().Draw(t, "fast")}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.RanAt, b.RanAt)) })
		b, err := Encode(rows, o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(b)
		if err != nil {
			t.Fatal(err)
		}
		if s.Len() != len(want) {
			t.Fatalf("%d rows, want %d", s.Len(), len(want))
		}
		for i, w := range want {
			if !o.Sums {
				w.Sum = ""
			}
			got, err := s.Row(i)
			if err != nil {
				t.Fatal(err)
			}
			if !Equal(got, w) || got.Sum != w.Sum {
				t.Fatalf("row %d:\n got %+v\nwant %+v", i, got, w)
			}
			if from, to := s.Find(w.Series); i < from || i >= to || s.Series(i) != w.Series || s.RanAt(i) != w.RanAt {
				t.Fatalf("row %d of series %d is not in %d…%d", i, w.Series, from, to)
			}
		}
	})
}

func TestDurationsOfTwoDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.OneOf(rapid.Int64Range(-10, 5000), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "µs")
		if got := unpackTook(packTook(us)); got != us {
			t.Fatalf("%d became %d", us, got)
		}
	})
	for us, most := range map[int64]int64{0: 0, 9: 18, 99: 198, 1200: 404, 3_400_000: 2*(90*5+34) + 10} {
		if got := packTook(us); got > most {
			t.Errorf("%d µs is kept as %d", us, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, row := range map[string]Row{
		"series":     {Series: -1},
		"time":       {RanAt: math.MaxInt64},
		"duration":   {Took: math.MinInt64},
		"id":         {ID: "7"},
		"id of caps": {ID: "0198F6A0-0000-7000-8000-000000000001"},
		"hash":       {Sum: "x"},
		"values":     {Perf: make([]probe.Perf, maxValues+1)},
	} {
		if b, err := Encode([]Row{row}, Options{Sums: name == "hash"}); err == nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
	if _, err := Encode(make([]Row, MaxRows+1), Options{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many rows: %v", err)
	}
}

// Each byte that is changed is noticed, and each that is cut off.
func TestDamageIsNoticed(t *testing.T) {
	b, err := Encode(day(20, 3), Options{Sums: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		bad := slices.Clone(b)
		bad[i] ^= 0x10
		if _, err := Open(bad); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if _, err := Open(b[:i]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}
