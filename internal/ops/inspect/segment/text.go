package segment

import (
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

// Kinds of holes in a template, after a byte 0.
const (
	holeNul    = 0
	holeNumber = 1
	holePadded = 2
	holeValue  = 3
)

// maxDigits is the longest whole number that a hole holds.
const maxDigits = 18

// scales by which texts show values: seconds as milliseconds, bytes as GiB, ratios as percent.
var scales = [...]struct{ times, over float64 }{
	{1, 1}, {1e3, 1}, {1e6, 1}, {1, 1 << 10}, {1, 1 << 20}, {1, 1 << 30}, {1, 1 << 40}, {100, 1},
	{1, 60}, {1, 3600}, {1, 86400}, {1, 1e3}, {1, 1e4}, {1, 1e6}, {1, 1e8},
}

func shown(v float64, scale, digits int) string {
	return strconv.FormatFloat(v*scales[scale].times/scales[scale].over, 'f', digits, 64)
}

// template makes the template of a text, with its figures.
func template(text string, perf []probe.Perf, figures []int64) (string, []int64) {
	var out strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		if c == 0 {
			out.WriteString("\x00\x00")
			i++
			continue
		}
		if !digit(c) {
			out.WriteByte(c)
			i++
			continue
		}
		whole := i
		for whole < len(text) && digit(text[whole]) {
			whole++
		}
		end, decimals := whole, 0
		if whole+1 < len(text) && text[whole] == '.' && digit(text[whole+1]) {
			end = whole + 1
			for end < len(text) && digit(text[end]) {
				end++
			}
			decimals = end - whole - 1
		}
		if place, scale, ok := valueOf(text[i:end], decimals, perf); ok {
			out.Write([]byte{0, holeValue, byte(place), byte(scale), byte(decimals)})
			i = end
			continue
		}
		n := text[i:whole]
		switch {
		case len(n) > maxDigits:
			out.WriteString(n)
		case n[0] == '0' && len(n) > 1:
			out.Write([]byte{0, holePadded, byte(len(n))})
			figures = append(figures, number(n))
		default:
			out.Write([]byte{0, holeNumber})
			figures = append(figures, number(n))
		}
		i = whole
	}
	return out.String(), figures
}

// valueOf finds a measured value that a number in a text shows. Numbers of one digit show anything.
func valueOf(token string, decimals int, perf []probe.Perf) (place, scale int, ok bool) {
	if len(token) < 2 || decimals > 9 {
		return 0, 0, false
	}
	for p := range min(len(perf), 8) {
		for s := range scales {
			if shown(perf[p].Value, s, decimals) == token {
				return p, s, true
			}
		}
	}
	return 0, 0, false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func number(digits string) int64 {
	var n int64
	for i := range len(digits) {
		n = n*10 + int64(digits[i]-'0')
	}
	return n
}

// match takes a text apart by a template; false when it is not of that form.
func match(tmpl, text string, perf []probe.Perf, figures []int64) ([]int64, bool) {
	i := 0
	for t := 0; t < len(tmpl); {
		if tmpl[t] != 0 {
			if i >= len(text) || text[i] != tmpl[t] {
				return nil, false
			}
			i, t = i+1, t+1
			continue
		}
		switch tmpl[t+1] {
		case holeNul:
			if i >= len(text) || text[i] != 0 {
				return nil, false
			}
			i, t = i+1, t+2
		case holeValue:
			place, scale, digits := int(tmpl[t+2]), int(tmpl[t+3]), int(tmpl[t+4])
			if place >= len(perf) {
				return nil, false
			}
			s := shown(perf[place].Value, scale, digits)
			if !strings.HasPrefix(text[i:], s) || (i+len(s) < len(text) && digit(text[i+len(s)])) {
				return nil, false
			}
			i, t = i+len(s), t+5
		default:
			end := i
			for end < len(text) && digit(text[end]) {
				end++
			}
			n := text[i:end]
			padded := tmpl[t+1] == holePadded
			switch {
			case n == "" || len(n) > maxDigits, padded && len(n) != int(tmpl[t+2]), !padded && len(n) > 1 && n[0] == '0':
				return nil, false
			}
			figures = append(figures, number(n))
			i = end
			if t += 2; padded {
				t++
			}
		}
	}
	return figures, i == len(text)
}

// holes counts the figures that a template wants; false when it is none.
func holes(tmpl string) (int, bool) {
	n := 0
	for t := 0; t < len(tmpl); t++ {
		if tmpl[t] != 0 {
			continue
		}
		if t++; t == len(tmpl) {
			return 0, false
		}
		switch tmpl[t] {
		case holeNul:
		case holeNumber:
			n++
		case holePadded:
			if t++; t == len(tmpl) || tmpl[t] == 0 || tmpl[t] > maxDigits {
				return 0, false
			}
			n++
		case holeValue:
			if t+3 >= len(tmpl) || int(tmpl[t+2]) >= len(scales) || tmpl[t+3] > 9 {
				return 0, false
			}
			t += 3
		default:
			return 0, false
		}
	}
	return n, true
}

// fill makes the text of a template that holes has accepted. It returns the figures that are left.
func fill(tmpl string, perf []probe.Perf, figures []int64) (string, []int64, bool) {
	if strings.IndexByte(tmpl, 0) < 0 {
		return tmpl, figures, true
	}
	out := make([]byte, 0, len(tmpl)+16)
	for t := 0; t < len(tmpl); t++ {
		if tmpl[t] != 0 {
			out = append(out, tmpl[t])
			continue
		}
		t++
		switch tmpl[t] {
		case holeNul:
			out = append(out, 0)
		case holeNumber:
			out = strconv.AppendInt(out, figures[0], 10)
			figures = figures[1:]
		case holePadded:
			t++
			n := strconv.FormatInt(figures[0], 10)
			for range int(tmpl[t]) - len(n) {
				out = append(out, '0')
			}
			out = append(out, n...)
			figures = figures[1:]
		case holeValue:
			place := int(tmpl[t+1])
			if place >= len(perf) {
				return "", nil, false
			}
			out = append(out, shown(perf[place].Value, int(tmpl[t+2]), int(tmpl[t+3]))...)
			t += 3
		}
	}
	return string(out), figures, true
}
