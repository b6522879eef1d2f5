package journal

import (
	"testing"
	"time"
)

func BenchmarkCanonical(b *testing.B) {
	r := record{
		Version: 1, ID: "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234", Type: "bench.finding.opened", At: time.Now().UTC().Format(timeLayout),
		Actor: recordRef{"account", "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234"}, Subject: &recordRef{"finding", "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234"},
		AreaPath: "/45/4501/", SystemID: "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234",
		Fields: map[string]any{"number": "FND-2026-0001", "severity": "critical", "summary": "磁盘 /data 已用 96%，超过阈值 95%", "seen": 7},
	}
	b.ReportAllocs()
	for b.Loop() {
		out, err := canonical(r)
		if err != nil {
			b.Fatal(err)
		}
		_ = digest(out)
	}
}
