package probe_test

import (
	"math"
	"testing"

	"taxops/internal/kernel/probe"
)

func TestRangeAlerts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		alerts []float64
		quiet  []float64
	}{
		{"10", []float64{-0.1, 10.1}, []float64{0, 5, 10}},
		{"10:", []float64{9.9, -5}, []float64{10, 1e12}},
		{"~:10", []float64{10.01}, []float64{-1e9, 10}},
		{"10:20", []float64{9, 21}, []float64{10, 15, 20}},
		{"@10:20", []float64{10, 15, 20}, []float64{9, 21}},
		{"@5", []float64{0, 5}, []float64{-1, 6}},
		{":10", []float64{11, -1}, []float64{0, 10}},
		{"-20:-10", []float64{0, -21}, []float64{-15}},
		{"0", []float64{1, -1}, []float64{0}},
		{"~:", nil, []float64{-1e9, 0, 1e9}},
		{"@~:", []float64{-1e9, 0}, nil},
		{"0.5:1.5e3", []float64{0.4, 1501}, []float64{0.5, 1500}},
		{"50", []float64{math.Inf(1)}, []float64{math.NaN()}},
	}
	for _, tt := range tests {
		r, err := probe.ParseRange(tt.text)
		if err != nil {
			t.Errorf("ParseRange(%q): %v", tt.text, err)
			continue
		}
		for _, v := range tt.alerts {
			if !r.Alerts(v) {
				t.Errorf("%q does not alert at %v", tt.text, v)
			}
		}
		for _, v := range tt.quiet {
			if r.Alerts(v) {
				t.Errorf("%q alerts at %v", tt.text, v)
			}
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "@", "x", "10:x", "20:10", "1:2:3", "~", "10:~", "0x10", "1_000", "inf", "NaN", " 10", "1e999", "--1", ".", "@@1"} {
		if r, err := probe.ParseRange(text); err == nil {
			t.Errorf("ParseRange(%q) = %v, want an error", text, r)
		}
	}
}

func TestRangeString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10": "10", "0:10": "10", ":10": "10", "10:": "10:", "~:10": "~:10", "@1:2": "@1:2", "~:": "~:", "0:": "0:", "1e3": "1000", "-0": "0", "0.50": "0.5",
	} {
		r, err := probe.ParseRange(text)
		if err != nil {
			t.Errorf("ParseRange(%q): %v", text, err)
		} else if got := r.String(); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value   float64
		limit   probe.Limit
		want    probe.State
		wantErr bool
	}{
		{79, probe.Limit{Warn: "80", Crit: "90"}, probe.OK, false},
		{81, probe.Limit{Warn: "80", Crit: "90"}, probe.Warning, false},
		{91, probe.Limit{Warn: "80", Crit: "90"}, probe.Critical, false},
		{91, probe.Limit{Crit: "90"}, probe.Critical, false},
		{1e9, probe.Limit{}, probe.OK, false},
		{4, probe.Limit{Warn: "10:", Crit: "5:"}, probe.Critical, false},
		{math.NaN(), probe.Limit{}, probe.Unknown, true},
		{1, probe.Limit{Warn: "bad"}, probe.Unknown, true},
	}
	for _, tt := range tests {
		got, err := probe.Evaluate(tt.value, tt.limit)
		if got != tt.want || (err != nil) != tt.wantErr {
			t.Errorf("Evaluate(%v, %+v) = %v, %v", tt.value, tt.limit, got, err)
		}
	}
}

func TestRangeWords(t *testing.T) {
	t.Parallel()
	percent := func(v float64) string { return probe.Humanize(v, "%") }
	for text, want := range map[string]string{
		"80": ">80%", "~:80": ">80%", "10:": "<10%", "10:20": "10%～20% 之外", "@10:20": "10%～20% 之内", "@~:0": "≤0%", "@9:": "≥9%",
	} {
		r, err := probe.ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Words(percent); got != want {
			t.Errorf("%q in words is %q, want %q", text, got, want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"10", "@10:20", "~:5", "5:", ":", "1e-300:1e300", "-1.5:~", "@~:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := probe.ParseRange(s)
		if err != nil {
			return
		}
		again, err := probe.ParseRange(r.String())
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", s, r.String(), err)
		}
		if again != r {
			t.Fatalf("%q reads as %+v, its text %q as %+v", s, r, r.String(), again)
		}
		if !r.Inside && !r.Alerts(math.Nextafter(r.End, math.Inf(1))) && !math.IsInf(r.End, 1) {
			t.Fatalf("%q does not alert just above its end", s)
		}
	})
}
