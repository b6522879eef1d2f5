package builtin

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/probe"
)

func (h host) ntp() probe.Builtin {
	return probe.Builtin{
		Kind: "service.ntp", Class: probe.Service,
		TitleZH: "时间同步", TitleEN: "Time synchronisation",
		HelpZH: "看本机时钟与标准时间的偏差：填了时间服务器就直接询问它（SNTP）；否则依次问 chronyd、ntpd，再看内核时钟是否被同步。没有任何时间同步服务的主机没有数据源（虚拟机可能由平台同步）。" +
			"变红时：未同步——查 chronyd 或 ntpd 是否运行、时间服务器是否可达（UDP 123）；偏差大——不要直接改时间，数据库和令牌会出错，让服务缓慢校正或停机处理。",
		HelpEN: "Looks how far the host's clock is off: a time server that is named is asked (SNTP); otherwise chronyd and ntpd are asked, then whether the kernel's clock is disciplined. A host without any such service has no source (a virtual machine may be kept in time by its platform). " +
			"When red: not synchronised, see whether chronyd or ntpd runs and reaches its servers (UDP 123); far off, do not set the clock at once, databases and tokens would break; let the service slew it or plan a stop.",
		Params: []probe.Param{
			{Name: "server", Type: "string", TitleZH: "时间服务器（直接询问）", TitleEN: "Time server (asked directly)"},
		},
		Thresholds: []probe.Threshold{{Metric: "offset", Warn: "0.1", Crit: "1", Unit: "s"}},
		Target:     func(p map[string]any) string { s, _ := p["server"].(string); return s },
		Verified:   verifiedTested, VerifiedOn: "chrony 4.3 (Debian 12), SNTP; ntpd 4.2.8 samples, 2026-11", Timeout: 15 * time.Second,
		Discover: always("每台主机的时钟都应同步"),
		Run:      h.runNTP,
	}
}

// clockOffset is how far the clock is off, as somebody says who keeps it.
type clockOffset struct {
	who     string
	seconds float64
	stratum int
	synced  bool
	words   string
}

func (c clockOffset) result(t probe.Target) probe.Result {
	r := t.Report()
	if !c.synced {
		r.Raise(probe.Critical, "not_synchronised", c.who+" 未与任何时间源同步")
	} else {
		r.Measure("offset", "时钟偏差", math.Abs(c.seconds), "s")
	}
	if c.stratum > 0 {
		r.Record("stratum", float64(c.stratum), "")
	}
	figures := fmt.Sprintf("%s：偏差 %s", c.who, probe.Humanize(c.seconds, "s"))
	if c.words != "" {
		figures += "，" + c.words
	}
	return r.Result(figures)
}

func (h host) runNTP(ctx context.Context, t probe.Target) probe.Result {
	if server := t.String("server"); server != "" {
		return runSNTP(ctx, t, server)
	}
	if s, err := h.helper(ctx, "chronyc", "-c", "-n", "tracking"); err == nil && s.code == 0 {
		if c, err := parseChrony(s.out); err == nil {
			return c.result(t)
		}
	}
	if s, err := h.helper(ctx, "ntpq", "-c", "rv 0 leap,stratum,offset,refid"); err == nil && s.code == 0 {
		if c, err := parseNTPQ(s.out); err == nil {
			return c.result(t)
		}
	}
	if c, ok := h.kernelClock(); ok {
		return c.result(t)
	}
	return probe.NoSource("本机没有时间同步服务（chronyd、ntpd 未运行，内核时钟未被同步；虚拟机请确认由平台同步）")
}

// parseChrony reads chronyc -c tracking: reference, name, stratum, time, offset of the system, last and RMS
// offset, frequency, residual, skew, delay, dispersion, interval, leap status.
func parseChrony(b []byte) (clockOffset, error) {
	f, err := csv.NewReader(strings.NewReader(string(b))).Read()
	if err != nil || len(f) < 14 {
		return clockOffset{}, fmt.Errorf("answer of chronyc with %d fields", len(f))
	}
	c := clockOffset{who: "chronyd", synced: f[13] != "Not synchronised"}
	if c.stratum, err = strconv.Atoi(f[2]); err != nil {
		return c, fmt.Errorf("stratum: %w", err)
	}
	if c.seconds, err = strconv.ParseFloat(f[4], 64); err != nil {
		return c, fmt.Errorf("offset: %w", err)
	}
	if c.words = "层级 " + f[2]; f[1] != "" {
		c.words += "，时间源 " + f[1]
	}
	if strings.HasPrefix(f[0], "7F7F") { // its own clock, for want of a better one
		c.words += "（本机时钟，非外部时间源）"
	}
	return c, nil
}

// parseNTPQ reads "leap=00, stratum=3, offset=-0.123456, refid=10.1.1.1"; the offset is in milliseconds.
func parseNTPQ(b []byte) (clockOffset, error) {
	p := map[string]string{}
	for part := range strings.SplitSeq(strings.ReplaceAll(string(b), "\n", ","), ",") {
		if key, value, ok := strings.Cut(part, "="); ok {
			p[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	offset, err := strconv.ParseFloat(p["offset"], 64)
	if err != nil {
		return clockOffset{}, errors.New("answer of ntpq without an offset")
	}
	stratum, _ := strconv.Atoi(p["stratum"]) // 0 when left out
	return clockOffset{
		who: "ntpd", seconds: offset / 1000, stratum: stratum, words: "时间源 " + p["refid"],
		synced: p["leap"] != "11" && p["leap"] != "3" && stratum < 16,
	}, nil
}

// kernelClock asks the kernel whether somebody disciplines its clock.
func (h host) kernelClock() (clockOffset, bool) {
	if h.Root != "/" {
		return clockOffset{}, false // the files of another host: its kernel is not this one
	}
	var x unix.Timex
	if _, err := unix.Adjtimex(&x); err != nil || x.Status&unix.STA_UNSYNC != 0 {
		return clockOffset{}, false
	}
	unit := 1e6
	if x.Status&unix.STA_NANO != 0 {
		unit = 1e9
	}
	return clockOffset{
		who: "内核时钟", synced: true, seconds: float64(x.Offset) / unit,
		words: "最大误差 " + probe.Humanize(float64(x.Maxerror)/1e6, "s"),
	}, true
}

// runSNTP asks a time server itself.
func runSNTP(ctx context.Context, t probe.Target, server string) probe.Result {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(server, "123")
	}
	ctx, cancel := answerBy(ctx, 10*time.Second)
	defer cancel()
	began := time.Now()
	c, err := askSNTP(ctx, server, t.Now)
	if err != nil {
		if errors.Is(err, errSNTP) {
			return probe.Result{State: probe.Critical, Reason: "bad_answer", Summary: "时间服务器 " + server + " 的应答不可用：" + err.Error()}
		}
		return networkProblem("时间服务器 "+server, err, time.Since(began)).result()
	}
	return c.result(t)
}

var errSNTP = errors.New("no time in the answer")

// ntpEpoch is 1900-01-01 in seconds before 1970.
const ntpEpoch = 2208988800

func askSNTP(ctx context.Context, server string, now func() time.Time) (clockOffset, error) {
	conn, err := dialer(ctx).DialContext(ctx, "udp", server)
	if err != nil {
		return clockOffset{}, fmt.Errorf("ask the time server: %w", err)
	}
	defer conn.Close()
	if err := deadline(ctx, conn); err != nil {
		return clockOffset{}, err
	}
	q := make([]byte, 48)
	q[0] = 4<<3 | 3 // version 4, client
	sent := now()
	putNTP(q[40:], sent)
	if _, err := conn.Write(q); err != nil {
		return clockOffset{}, fmt.Errorf("ask the time server: %w", err)
	}
	a := make([]byte, 512)
	for {
		n, err := conn.Read(a)
		if err != nil {
			return clockOffset{}, fmt.Errorf("answer of the time server: %w", err)
		}
		// The answer repeats the time that it answers to.
		if n >= 48 && string(a[24:32]) == string(q[40:48]) {
			return parseSNTP(server, a[:48], sent, now())
		}
	}
}

// parseSNTP reckons the offset from the four times of RFC 5905.
func parseSNTP(server string, a []byte, sent, got time.Time) (clockOffset, error) {
	c := clockOffset{who: "时间服务器 " + server, stratum: int(a[1]), synced: true}
	if a[0]&7 != 4 {
		return c, errSNTP
	}
	if a[0]>>6 == 3 || a[1] == 0 || a[1] >= 16 {
		return c, fmt.Errorf("%w: the server itself is not synchronised (stratum %d)", errSNTP, a[1])
	}
	received, transmitted := getNTP(a[32:]), getNTP(a[40:])
	if transmitted.Before(received) || binary.BigEndian.Uint64(a[40:]) == 0 {
		return c, errSNTP
	}
	c.seconds = -(received.Sub(sent) + transmitted.Sub(got)).Seconds() / 2
	delay := got.Sub(sent) - transmitted.Sub(received)
	c.words = fmt.Sprintf("层级 %d，往返 %s", c.stratum, probe.Humanize(delay.Seconds(), "s"))
	return c, nil
}

func putNTP(b []byte, t time.Time) {
	binary.BigEndian.PutUint32(b, uint32(t.Unix()+ntpEpoch)) //nolint:gosec // wraps in 2036, as the protocol does
	binary.BigEndian.PutUint32(b[4:], uint32((uint64(t.Nanosecond())<<32)/1e9))
}

func getNTP(b []byte) time.Time {
	seconds := int64(binary.BigEndian.Uint32(b))
	if seconds < 1<<31 { // the era that begins in 2036
		seconds += 1 << 32
	}
	return time.Unix(seconds-ntpEpoch, int64(uint64(binary.BigEndian.Uint32(b[4:]))*1e9>>32))
}
