package scripts

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestCron(t *testing.T) {
	for cron, want := range map[string]string{
		"*/5 * * * *":           "every 5m0s",
		"* * * * *":             "every 1m0s",
		"0 * * * *":             "every 1h0m0s",
		"0 */2 * * *":           "every 2h0m0s",
		"15,45 * * * *":         "every 30m0s",
		"30 8 * * *":            "at 510",
		"0 8,20 * * *":          "every 12h0m0s",
		"0 8,18 * * *":          "at 480,1080",
		"0 8 * * 1-5":           "at 480 workdays [monday_friday]",
		"0 8 * * mon-fri":       "at 480 workdays [monday_friday]",
		"0 8 * * 6,7":           "at 480 [days_of_week]",
		"0 8 * * 0-6":           "at 480",
		"0 8 * * 1-7":           "at 480",
		"0 8 1 * *":             "at 480 [days_of_month]",
		"0 8 * jan-mar *":       "at 480 [days_of_month]",
		"*/7 * * * *":           "every 4m0s [uneven]", // 56 to 0 is four minutes
		"*/10 8-18 * * *":       "every 10m0s [uneven]",
		"0 8-17/3 * * *":        "at 480,660,840,1020",
		"@daily":                "at 0",
		"@hourly":               "every 1h0m0s",
		"@weekly":               "at 0 [days_of_week]",
		"@reboot":               "at_reboot",
		"@often":                "error",
		"60 * * * *":            "error",
		"* 24 * * *":            "error",
		"* * 0 * *":             "error",
		"5-1 * * * *":           "error",
		"*/0 * * * *":           "error",
		"a * * * *":             "error",
		"* * * *":               "error",
		"1,2,3,,5 * * * *":      "error",
		"* * * * 8":             "error",
		"9999999999999 * * * *": "error",
	} {
		c, why, err := ParseCron(cron)
		got := why
		switch {
		case err != nil:
			got = "error"
		case c != nil && c.Every > 0:
			got = "every " + c.Every.String()
		case c != nil:
			got = "at " + strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Times), " ", ","), "[]")
		}
		if c != nil && c.Workdays {
			got += " workdays"
		}
		if c != nil && len(c.Why) > 0 {
			got += " " + fmt.Sprint(c.Why)
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", cron, got, err, want)
		}
	}
}

func TestCommands(t *testing.T) {
	for line, want := range map[string]string{
		`/opt/check/disk.sh`:                                   "/opt/check/disk.sh []",
		`/opt/check/disk.sh -w 80 "a b" 'c $d'`:                `/opt/check/disk.sh [-w 80 a b c $d]`,
		`/bin/sh /opt/check/disk.sh 80 >/dev/null 2>&1`:        "/opt/check/disk.sh [80]",
		`cd /opt/check && ./disk.sh >> /var/log/disk.log 2>&1`: "./disk.sh [] [directory redirected] in /opt/check",
		`cd /opt/check; sh disk.sh`:                            "disk.sh [] [directory] in /opt/check",
		`LANG=zh_CN.GBK /opt/a.sh`:                             "/opt/a.sh [] [environment]",
		`nice -n 10 timeout 60 /opt/a.sh x`:                    "/opt/a.sh [x] [prefix]",
		`flock -n /tmp/a.lock /opt/a.sh`:                       "/opt/a.sh [] [prefix]",
		`sudo -u oracle /opt/a.sh`:                             "/opt/a.sh [] [other_user]",
		`/opt/a.sh | mail -s report ops`:                       "/opt/a.sh [] [pipeline]",
		`/opt/a.sh $(date +%F)`:                                "/opt/a.sh [$] [several shell]",
		`/opt/a.sh $HOME`:                                      "/opt/a.sh [$HOME] [shell]",
		`/opt/a.sh; /opt/b.sh`:                                 "/opt/a.sh [] [several]",
		`/opt/a.sh && /opt/b.sh || echo no`:                    "/opt/a.sh [] [several]",
		`bash -c "/opt/a.sh 1"`:                                "/opt/a.sh [1]",
		`/usr/bin/python3 -u /opt/a.py --x=1`:                  "/opt/a.py [--x=1]",
		`/opt/a.sh 2>/tmp/err`:                                 "/opt/a.sh [] [redirected]",
		`/opt/a.sh a2 >/dev/null`:                              "/opt/a.sh [a2]",
		`  `:                                                   "", `cd /opt`: "", `>`: "", `"`: "", `|`: "",
	} {
		c, ok := ParseCommand(line)
		got := ""
		if ok {
			got = c.Program + " " + fmt.Sprint(c.Arguments)
			if len(c.Why) > 0 {
				got += " " + fmt.Sprint(c.Why)
			}
			if c.Directory != "" {
				got += " in " + c.Directory
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestCrontab(t *testing.T) {
	jobs, bad := ParseCrontab("SHELL=/bin/bash\r\n# 每日巡检\n\nPATH = \"/usr/bin:/opt\"\n*/5 * * * * /opt/a.sh %input\n0 8 * * 1-5\troot /opt/b.sh\nnonsense\n@reboot /opt/c.sh\n@daily\n5 4 * * * echo 100\\%\n", false)
	if len(jobs) != 4 || len(bad) != 2 {
		t.Fatalf("%d jobs, bad %+v", len(jobs), bad)
	}
	a := jobs[0]
	if a.Line != 5 || a.Command != "/opt/a.sh" || a.Env["PATH"] != "/usr/bin:/opt" || a.Env["SHELL"] != "/bin/bash" || a.Cadence.Every != 5*time.Minute {
		t.Errorf("%+v", a)
	}
	if jobs[1].Command != "root /opt/b.sh" || jobs[2].Why != WhyReboot || jobs[3].Command != "echo 100%" {
		t.Errorf("%+v", jobs[1:])
	}
	if system, _ := ParseCrontab("0 8 * * * root /opt/b.sh x", true); system[0].User != "root" || system[0].Command != "/opt/b.sh x" {
		t.Errorf("%+v", system)
	}
}

func TestScan(t *testing.T) {
	gbk := "#!/bin/bash\n# \xd1\xb2\xbc\xec\necho \xd5\xfd\xb3\xa3\n"
	folder := fstest.MapFS{
		"disk.sh":         {Data: []byte("#!/bin/sh\ndf -h\n")},
		"db/disk.sh":      {Data: []byte("#!/bin/sh\necho db\n")},
		"gbk.sh":          {Data: []byte(gbk)},
		"report.py":       {Data: []byte("#!/usr/bin/env python3\nprint(1)\n")},
		"old.pl":          {Data: []byte("print 1;\n")},
		"README.txt":      {Data: []byte("read me")},
		"tool":            {Data: []byte("\x7fELF\x00\x00")},
		"empty.sh":        {Data: []byte("\n")},
		"big.sh":          {Data: []byte("#!/bin/sh\n" + strings.Repeat("#", MaxFile))},
		"link.sh":         {Data: []byte("disk.sh"), Mode: fs.ModeSymlink},
		".git/hooks/a.sh": {Data: []byte("#!/bin/sh\n")},
	}
	f, err := Scan(t.Context(), folder, Crontab{Text: "*/5 * * * * /opt/check/disk.sh -w 80\n0 8 * * * /opt/check/db/disk.sh\n0 9 * * * /usr/bin/other\nbad\n"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range f.Scripts {
		got[s.Path] = strings.Join(s.Interpreter, " ")
		for _, u := range s.Uses {
			got[s.Path] += fmt.Sprintf(" line %d %v", u.Job.Line, u.Command.Arguments)
		}
	}
	want := map[string]string{
		"disk.sh": "/bin/sh line 1 [-w 80]", "db/disk.sh": "/bin/sh line 2 []", "gbk.sh": "/bin/bash", "report.py": "python3", "old.pl": "/usr/bin/perl",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("scripts: %v\nwant %v", got, want)
	}
	var skipped []string
	for _, s := range f.Skipped {
		skipped = append(skipped, s.Path+" "+s.Why)
	}
	slices.Sort(skipped)
	if w := []string{"README.txt not_a_script", "big.sh too_large", "empty.sh empty", "link.sh not_a_file", "tool binary"}; !slices.Equal(skipped, w) {
		t.Errorf("skipped: %v", skipped)
	}
	if len(f.Unused) != 1 || f.Unused[0].Line != 3 || len(f.Bad) != 1 {
		t.Errorf("unused %+v, bad %+v", f.Unused, f.Bad)
	}
	many := fstest.MapFS{}
	for i := range MaxFiles + 1 {
		many[fmt.Sprintf("f%d.sh", i)] = &fstest.MapFile{Data: []byte("x")}
	}
	if _, err := Scan(t.Context(), many); !errors.Is(err, ErrTooMuch) {
		t.Errorf("too many files: %v", err)
	}
}

func FuzzCrontab(f *testing.F) {
	f.Add("A=1\n*/5 0-6/2 * jan mon cd /x && A=b nice -n 5 sh -c \"a 'b'\" 2>&1 | c %d\n@daily root x")
	f.Fuzz(func(t *testing.T, s string) {
		for _, system := range []bool{false, true} {
			jobs, _ := ParseCrontab(s, system)
			for _, j := range jobs {
				if c := j.Cadence; c != nil && (c.Every <= 0) == (len(c.Times) == 0) {
					t.Errorf("%s: %+v", j.Cron, c)
				}
				ParseCommand(j.Command)
			}
		}
		ParseCommand(s)
	})
}
