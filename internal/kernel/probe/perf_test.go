package probe_test

import (
	"math"
	"reflect"
	"testing"

	"taxops/internal/kernel/probe"
)

func ptr(v float64) *float64 { return &v }

func TestParsePerf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text    string
		want    []probe.Perf
		wantErr bool
	}{
		{"", nil, false},
		{"time=0.002s;1;3;0;10", []probe.Perf{{Label: "time", Value: 0.002, UOM: "s", Warn: "1", Crit: "3", Min: ptr(0), Max: ptr(10)}}, false},
		{"'/ used'=12.5%;80;90 load1=0.3;;;0", []probe.Perf{
			{Label: "/ used", Value: 12.5, UOM: "%", Warn: "80", Crit: "90"},
			{Label: "load1", Value: 0.3, Min: ptr(0)},
		}, false},
		{"'it''s'=1c", []probe.Perf{{Label: "it's", Value: 1, UOM: "c"}}, false},
		{"a=-5;@1:2;~:9", []probe.Perf{{Label: "a", Value: -5, Warn: "@1:2", Crit: "~:9"}}, false},
		{"温度=41.5°C", []probe.Perf{{Label: "温度", Value: 41.5, UOM: "°C"}}, false},
		{"gone=U;1;2 here=1", []probe.Perf{{Label: "here", Value: 1}}, false},
		{"bad=x good=2", []probe.Perf{{Label: "good", Value: 2}}, true},
		{"nonsense good=2", []probe.Perf{{Label: "good", Value: 2}}, true},
		{"a=1;zz;5", []probe.Perf{{Label: "a", Value: 1, Crit: "5"}}, true},
		{"a=1;;;;;;", []probe.Perf{{Label: "a", Value: 1}}, true},
		{"'open=1", nil, true},
		{"=1", nil, true},
		{"a=1,5", nil, true},
		{"a=1e3ms", []probe.Perf{{Label: "a", Value: 1000, UOM: "ms"}}, false},
	}
	for _, tt := range tests {
		got, err := probe.ParsePerf(tt.text)
		if !reflect.DeepEqual(got, tt.want) || (err != nil) != tt.wantErr {
			t.Errorf("ParsePerf(%q) = %+v, %v; want %+v, error %v", tt.text, got, err, tt.want, tt.wantErr)
		}
	}
}

func TestFormatPerf(t *testing.T) {
	t.Parallel()
	got := probe.FormatPerf([]probe.Perf{
		{Label: "used_percent /", Value: 12.5, UOM: "%", Warn: "80", Crit: "90", Min: ptr(0), Max: ptr(100)},
		{Label: "it's", Value: 1, UOM: "c"},
		{Label: "a\nb", Value: math.NaN(), Crit: "5"},
		{Label: "odd", Value: 3, UOM: "9;x"},
	})
	want := `'used_percent /'=12.5%;80;90;0;100 'it''s'=1c 'a b'=U;;5 'odd'=3x`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzParsePerf(f *testing.F) {
	for _, s := range []string{"a=1", "'a b'=1.5%;80;@90:95;0;100", "'it''s'=1c x=U", "''='", "a=1e5E;~:", "'\x80'=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, _ := probe.ParsePerf(s)
		text := probe.FormatPerf(list)
		again, err := probe.ParsePerf(text)
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", s, text, err)
		}
		if len(list) != len(again) || (len(list) > 0 && !reflect.DeepEqual(list, again)) {
			t.Fatalf("%q reads as %+v, its text %q as %+v", s, list, text, again)
		}
	})
}
