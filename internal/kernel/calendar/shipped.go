package calendar

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"
	lunar "github.com/6tail/lunar-go/calendar"
)

// shippedVersion names where the national lists come from.
const shippedVersion = "lunar-go 1.4.6"

// notices are the documents behind the national lists.
var notices = map[int]string{
	2016: "国办发明电〔2015〕18号", 2017: "国办发明电〔2016〕17号", 2018: "国办发明电〔2017〕12号", 2019: "国办发明电〔2018〕15号",
	2020: "国办发明电〔2019〕16号", 2021: "国办发明电〔2020〕27号", 2022: "国办发明电〔2021〕11号", 2023: "国办发明电〔2022〕16号",
	2024: "国办发明电〔2023〕7号", 2025: "国办发明电〔2024〕12号", 2026: "国办发明电〔2025〕7号",
}

// firstShipped is the first year whose list is shipped.
const firstShipped = 2016

// ShippedLists are the lists that the program brings along: the national ones, and for Guangxi 三月三
// by notice where there is one and by rule, provisionally, where there is none.
var ShippedLists = sync.OnceValue(func() []List {
	var out []List
	for year := firstShipped; ; year++ {
		days := nationalDays(year)
		if len(days) == 0 {
			break
		}
		source := fmt.Sprintf("国务院办公厅关于%d年部分节假日安排的通知", year)
		if number := notices[year]; number != "" {
			source += "（" + number + "）"
		}
		out = append(out,
			List{ID: fmt.Sprintf("national-%d", year), Layer: National, Year: year, Source: source, Version: shippedVersion, Days: days},
			regionalList(year))
	}
	return out
})

// nationalDays reads the days of the list of a year, some of which lie in the December before.
func nationalDays(year int) []ListDay {
	var out []ListDay
	for y := year - 1; y <= year; y++ {
		for e := HolidayUtil.GetHolidaysByYear(y).Front(); e != nil; e = e.Next() {
			h, ok := e.Value.(*HolidayUtil.Holiday)
			if !ok {
				continue
			}
			target, err := ParseDate(h.GetTarget())
			if err != nil || target.Year() != year {
				continue
			}
			d, err := ParseDate(h.GetDay())
			if err != nil {
				continue
			}
			kind := Off
			if h.IsWork() {
				kind = Makeup
			}
			out = append(out, ListDay{Date: d, Kind: kind, Name: h.GetName()})
		}
	}
	return out
}

// Guangxi's rule: two days off for 三月三, when exactly is told each spring.
const (
	regionRule   = "广西壮族自治区少数民族习惯节日放假办法（自治区人民政府令第98号，按规则推算）"
	regionNotice = "广西壮族自治区人民政府办公厅关于%d年“壮族三月三”放假的通知"
	regionName   = "壮族三月三"
)

// regional are the days that Guangxi's notices name besides those of the national list.
var regional = map[int][]ListDay{
	2017: {{NewDate(2017, 3, 30), Off, regionName}, {NewDate(2017, 3, 31), Off, regionName}, {NewDate(2017, 4, 1), Off, regionName}, {NewDate(2017, 4, 8), Makeup, regionName}},
	2018: {{NewDate(2018, 4, 15), Makeup, regionName}, {NewDate(2018, 4, 18), Off, regionName}, {NewDate(2018, 4, 19), Off, regionName}, {NewDate(2018, 4, 20), Off, regionName}},
	2019: {{NewDate(2019, 4, 4), Off, regionName}, {NewDate(2019, 4, 8), Off, regionName}},
	2022: {{NewDate(2022, 4, 2), Off, regionName}, {NewDate(2022, 4, 6), Off, regionName}},
	2023: {{NewDate(2023, 4, 21), Off, regionName}, {NewDate(2023, 4, 22), Off, regionName}, {NewDate(2023, 4, 23), Off, regionName}},
	2024: {{NewDate(2024, 4, 11), Off, regionName}, {NewDate(2024, 4, 12), Off, regionName}},
}

func regionalList(year int) List {
	l := List{ID: fmt.Sprintf("region-%d", year), Layer: Region, Year: year, Version: "1"}
	if days := regional[year]; days != nil {
		l.Source, l.Days = fmt.Sprintf(regionNotice, year), days
		return l
	}
	s := lunar.NewLunarFromYmd(year, 3, 3).GetSolar()
	d := NewDate(s.GetYear(), time.Month(s.GetMonth()), s.GetDay())
	l.Source, l.Provisional = regionRule, true
	l.Days = []ListDay{{d, Off, regionName}, {d + 1, Off, regionName}}
	return l
}

// filingNotice is what the tax service published for a year: the last day of each month's period.
type filingNotice struct {
	source string
	ends   [12]int
}

var filingNotices = map[int]filingNotice{
	2025: {"国家税务总局办公厅关于明确2025年度申报纳税期限的通知（税总办征科函〔2024〕71号）", [12]int{15, 20, 17, 18, 22, 16, 15, 15, 15, 27, 17, 15}},
	2026: {"国家税务总局办公厅关于明确2026年度申报纳税期限的通知（税总办征科函〔2025〕64号）", [12]int{20, 24, 16, 20, 22, 15, 15, 17, 15, 26, 16, 15}},
}

// ShippedPeriods are the filing periods whose notice the program brings along.
func ShippedPeriods() []Period {
	var out []Period
	for _, year := range slices.Sorted(maps.Keys(filingNotices)) {
		n := filingNotices[year]
		for i, end := range n.ends {
			month := time.Month(i + 1)
			p := (&Calendar{}).filing(year, month)
			p.ID = fmt.Sprintf("filing-%d-%02d", year, month)
			p.To, p.Provisional, p.Source = (NewDate(year, month, end) + 1).Start(), false, n.source
			out = append(out, p)
		}
	}
	return out
}

// Shipped is the calendar as the program brings it along, for where no database is.
func Shipped() *Calendar {
	hours, err := ParseHours(DefaultHours)
	if err != nil { // a constant of this package
		panic(err)
	}
	return New(0, ShippedLists(), ShippedPeriods(), hours)
}
