package builtin

import (
	"encoding/json"

	"taxops/internal/kernel/probe"
)

// usageHistory is the series of every file system by mount point, as kept in the memory of the check.
type usageHistory map[string]series

const historyKey = "samples"

// loadHistory returns what was remembered; what cannot be read is forgotten, which only delays the
// next forecast.
func loadHistory(m probe.Memory) usageHistory {
	text, _ := m.Get(historyKey)
	var raw map[string][][2]int64
	if json.Unmarshal([]byte(text), &raw) != nil {
		return usageHistory{}
	}
	h := make(usageHistory, len(raw))
	for point, list := range raw {
		for _, x := range list {
			h[point] = append(h[point], sample{x[0], x[1]})
		}
	}
	return h
}

// save keeps as many samples of each file system as fit into one value.
func (h usageHistory) save(m probe.Memory) {
	for most := sampleMax; most >= 1; most /= 2 {
		raw := make(map[string][][2]int64, len(h))
		for point, s := range h {
			if most < 2 && len(s) > 1 {
				s = s[len(s)-1:] // enough to know that it was writable
			}
			for _, x := range s.thin(most) {
				raw[point] = append(raw[point], [2]int64{x.minute, x.mib})
			}
		}
		b, err := json.Marshal(raw)
		if err == nil && len(b) <= probe.MaxMemoryValue {
			m.Set(historyKey, string(b))
			return
		}
	}
	m.Set(historyKey, "")
}
