package builtin

import (
	"fmt"
	"strconv"
	"strings"
)

// pressure is one line of a pressure file (PSI, 压力停滞信息): the share of time in which tasks waited.
type pressure struct {
	avg10, avg60, avg300 float64
}

// parsePressure reads "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the "full" line.
func parsePressure(b []byte) (some, full pressure, err error) {
	seen := false
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		var p pressure
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			to := map[string]*float64{"avg10": &p.avg10, "avg60": &p.avg60, "avg300": &p.avg300}[key]
			if to == nil {
				continue
			}
			if *to, err = strconv.ParseFloat(value, 64); err != nil {
				return some, full, fmt.Errorf("pressure file: %s: %w", key, err)
			}
		}
		switch fields[0] {
		case "some":
			some, seen = p, true
		case "full":
			full = p
		}
	}
	if !seen {
		return some, full, fmt.Errorf("pressure file has no line \"some\"")
	}
	return some, full, nil
}
