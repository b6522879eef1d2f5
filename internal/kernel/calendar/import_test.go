package calendar

import (
	"slices"
	"strings"
	"testing"
)

func TestParseDays(t *testing.T) {
	days, bad := ParseDays("\ufeff日期,类别,名称\r\n2026-12-31,放假,元旦\r\n2027/1/1 休 元旦\n2027年1月2日\t补班\t元旦\n20270103；班；\n# remark\n\n2027-02-05~2027-02-07，off，春节\n2027-05-08,workday\n", 2027)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	var got []string
	for _, d := range days {
		got = append(got, d.Date.String()+" "+string(d.Kind)+" "+d.Name)
	}
	want := []string{
		"2026-12-31 off 元旦", "2027-01-01 off 元旦", "2027-01-02 makeup 元旦", "2027-01-03 makeup ",
		"2027-02-05 off 春节", "2027-02-06 off 春节", "2027-02-07 off 春节", "2027-05-08 workday ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for text, code := range map[string]string{
		"2027-13-01,off": "not_a_day", "2027-02-30,off": "not_a_day", "tomorrow 1,off": "not_a_day", "2027-01-01,hm": "not_a_kind", "2027-01-01,调休": "not_a_kind", "2027-01-01": "not_a_kind",
		"2027-01-05~2027-01-01,off": "not_a_range", "2027-01-01~2027-06-01,off": "not_a_range", "2028-01-01,off": "other_year", "2026-11-30,off": "other_year",
		"2027-01-01,off\n2027-01-01,班": "twice", "2027-01-01,off," + strings.Repeat("长", 61): "too_long",
		strings.Repeat("\n", mostLines) + "2027-01-01,off": "too_many",
	} {
		if _, bad := ParseDays(text, 2027); len(bad) != 1 || bad[0].Code != code {
			t.Errorf("%q: %+v, want %s", text, bad, code)
		}
	}
}

func TestParsePeriods(t *testing.T) {
	got, bad := ParsePeriods("类别,起,止,名称\n征期,2027-03-01,2027-03-15\n重大活动 2027-09-01 2027-09-03 东盟博览会\n大征期,2027-04-01,2027-04-19,四月")
	if len(bad) > 0 || len(got) != 3 {
		t.Fatalf("%+v %+v", got, bad)
	}
	if got[0].Name != "3月征期" || got[0].Kind != Filing || DateOf(got[0].To).String() != "2027-03-16" || got[1].Name != "东盟博览会" || got[2].Kind != FilingMajor {
		t.Errorf("%+v", got)
	}
	for text, code := range map[string]string{
		"征期,2027-03-01,2027-04-15": "not_a_range", "征期,2027-03-15,2027-03-01": "not_a_range", "heute,2027-03-01,2027-03-15": "not_a_kind",
		"征期,2027-03-01": "not_a_day", "征期,2027-03-01,2027-03-15\n大征期,2027-03-02,2027-03-16": "twice", "活动,2027-03-01,2029-03-15": "not_a_range",
	} {
		if _, bad := ParsePeriods(text); len(bad) != 1 || bad[0].Code != code {
			t.Errorf("%q: %+v, want %s", text, bad, code)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2027-01-01~2027-01-03,off,元旦\n2027-01-04 班")
	f.Add("征期,2027-03-01,2027-03-15,x\n\x00,\xff")
	f.Fuzz(func(t *testing.T, text string) {
		days, bad := ParseDays(text, 2027)
		if len(bad) > mostLines {
			t.Fatalf("%d bad lines", len(bad))
		}
		for i, d := range days {
			if i > 0 && days[i-1].Date >= d.Date {
				t.Fatalf("%s twice or out of order", d.Date)
			}
			if y := d.Date.Year(); y != 2027 && y != 2026 {
				t.Fatalf("day of %d", y)
			}
		}
		periods, _ := ParsePeriods(text)
		for _, p := range periods {
			if !p.To.After(p.From) || p.Name == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}
