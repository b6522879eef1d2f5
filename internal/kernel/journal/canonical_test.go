package journal

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The writers' encoder gives what the general one gives.
func TestRecordIsCanonical(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"\u2028<>&\u007f", "\x00\b\t\n\f\r\"\\/", "𠮷野家 税", "\ufffd\xff"}))
	var value *rapid.Generator[any]
	leaf := rapid.OneOf(rapid.Just[any](nil), rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64(), func(n int64) any { return safeInt(n) }), rapid.Map(rapid.Float64Range(-1e308, 1e308), func(f float64) any { return f }))
	value = rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(leaf, 0, 3), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(text, leaf, 0, 4), func(m map[string]any) any { return m }))
	rapid.Check(t, func(t *rapid.T) {
		r := record{
			Version: 1, ID: text.Draw(t, "id"), Type: text.Draw(t, "type"), At: text.Draw(t, "at"), Actor: recordRef{text.Draw(t, "kind"), text.Draw(t, "actor")},
			AreaPath: text.Draw(t, "area"), SystemID: text.Draw(t, "system"), Request: text.Draw(t, "request"),
			Fields: rapid.MapOfN(text, value, 0, 5).Draw(t, "fields"), Private: rapid.MapOfN(rapid.StringN(1, 4, -1), text, 0, 3).Draw(t, "private"),
		}
		if rapid.Bool().Draw(t, "has subject") {
			r.Subject = &recordRef{text.Draw(t, "subject kind"), text.Draw(t, "subject")}
		}
		got, err := r.bytes()
		if err != nil {
			t.Fatal(err)
		}
		want, err := canonical(r)
		if err != nil {
			return // two names that are the same once they are UTF-8: the general one refuses
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	r := record{
		Version: 1, ID: "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234", Type: "bench.finding.opened", At: time.Now().UTC().Format(timeLayout),
		Actor: recordRef{"account", "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234"}, Subject: &recordRef{"finding", "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234"},
		AreaPath: "/45/4501/", SystemID: "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234",
		Fields: map[string]any{"number": "FND-2026-0001", "severity": "critical", "summary": "磁盘 /data 已用 96%，超过阈值 95%", "seen": int64(7)},
	}
	b.ReportAllocs()
	for b.Loop() {
		out, err := r.bytes()
		if err != nil {
			b.Fatal(err)
		}
		_ = digest(out)
	}
}
