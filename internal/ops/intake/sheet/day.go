package sheet

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	dayParts = regexp.MustCompile(`^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?$`)
	dayTight = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	months   = regexp.MustCompile(`^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?$`)
)

// Day reads a day as people and spreadsheets write it (2027-03-31, 2027/3/31, 2027年3月31日, 20270331, the
// number 46477, or a month, which ends with its last day) and returns it as 2027-03-31.
func Day(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if m := dayParts.FindStringSubmatch(s); m != nil {
		return day(m[1], m[2], m[3])
	}
	if m := dayTight.FindStringSubmatch(s); m != nil {
		return day(m[1], m[2], m[3])
	}
	if m := months.FindStringSubmatch(s); m != nil {
		first, ok := day(m[1], m[2], "1")
		if !ok {
			return "", false
		}
		t, err := time.Parse(time.DateOnly, first)
		return t.AddDate(0, 1, -1).Format(time.DateOnly), err == nil
	}
	// Days since 1899-12-30, as spreadsheets count; from 1954 to 2119, lest an amount be taken for a day.
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 20_000 && n < 80_000 {
		return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n)).Format(time.DateOnly), true
	}
	return "", false
}

func day(y, m, d string) (string, bool) {
	if len(m) == 1 {
		m = "0" + m
	}
	if len(d) == 1 {
		d = "0" + d
	}
	s := y + "-" + m + "-" + d
	_, err := time.Parse(time.DateOnly, s)
	return s, err == nil
}
