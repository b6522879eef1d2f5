package app

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/config"
	"taxops/internal/ops/inspect"
)

// ConfigKeys are the settings of the program as a whole; modules add their own.
func ConfigKeys() []config.Key {
	return []config.Key{
		{Name: "data.dir", Kind: config.String, Default: "./data",
			DocEN: "Directory for the database, keys, copies and certificates", DocZH: "数据目录：数据库、密钥、副本与证书"},
		{Name: "database.url", Kind: config.String, Secret: true, Check: postgresURL,
			DocEN: "PostgreSQL URL (postgres://…); empty for the embedded database in data.dir", DocZH: "PostgreSQL 连接串；留空则使用数据目录中的内嵌数据库"},
		{Name: "http.listen", Kind: config.String, Default: "127.0.0.1:8480",
			DocEN: "Address and port of the console; an address other than loopback is served with TLS", DocZH: "控制台监听地址；非本机地址一律使用 TLS"},
		{Name: "http.behind_proxy", Kind: config.Bool, Default: "false",
			DocEN: "Serve plain HTTP on any address because a reverse proxy terminates TLS", DocZH: "由反向代理终结 TLS 时，允许在任意地址提供明文 HTTP"},
		{Name: "http.trusted_proxies", Kind: config.List, Default: "127.0.0.0/8,::1/128", Check: prefixes,
			DocEN: "Networks whose X-Forwarded-For is believed; a proxy that is not among them makes everybody come from its own address",
			DocZH: "可信代理网段（采信其 X-Forwarded-For）；代理不在其中时，所有人都显示为代理地址"},
		{Name: "http.public_url", Kind: config.String,
			DocEN: "Address that people use, for links in papers and invitations; empty for the listening address", DocZH: "用户访问地址，用于邀请链接；留空则用监听地址"},
		{Name: "http.tls_cert", Kind: config.String, DocEN: "Certificate file (PEM); empty for a self-made one", DocZH: "证书文件；留空则自签"},
		{Name: "http.tls_key", Kind: config.String, DocEN: "Key file of the certificate (PEM)", DocZH: "证书私钥文件"},
		{Name: "http.metrics_allow", Kind: config.List, Default: "127.0.0.0/8,::1/128", Check: prefixes,
			DocEN: "Networks that may read /metrics", DocZH: "允许读取 /metrics 的网段"},
		{Name: "http.requests_per_second", Kind: config.Int, Default: "100", Check: atLeastOne,
			DocEN: "Requests a second from one address; bursts of four times as many pass", DocZH: "单一地址每秒请求上限（允许四倍突发）"},
		{Name: "log.format", Kind: config.String, Default: "text", Check: config.OneOf("text", "json"),
			DocEN: "Form of log lines: text or json", DocZH: "日志格式：text 或 json"},
		{Name: "log.level", Kind: config.String, Default: "info", Check: config.OneOf("debug", "info", "warn", "error"),
			DocEN: "Least severe log lines that are written", DocZH: "日志级别"},
		{Name: "session.idle", Kind: config.Duration, Default: "30m", Check: idleTimeout,
			DocEN: "A session locks after this long without a sign of life", DocZH: "会话空闲锁定时间"},
		{Name: "session.allow", Kind: config.List, Check: prefixes,
			DocEN: "Networks from which people may sign in; empty for all", DocZH: "允许登录的网段；留空不限"},
		{Name: "secret.passphrase_file", Kind: config.String,
			DocEN: "File with the passphrase of the key ring; empty keeps the ring under a key file beside it", DocZH: "密钥环口令文件；留空则用同目录密钥文件保护"},
		{Name: "inspect.plugins.dirs", Kind: config.List, Default: "/usr/lib/nagios/plugins,/usr/lib64/nagios/plugins,/usr/lib/monitoring-plugins", Check: absolutePaths,
			DocEN: "Folders whose monitoring plug-ins may be run as checks; nobody but root should be able to write there",
			DocZH: "允许作为检查项执行的监控插件目录；除 root 外不应有人可写"},
		{Name: "inspect.targets.allow", Kind: config.List, Check: prefixes,
			DocEN: "Networks that checks may connect to, by the address that a name turns out to be; empty for all. Add 127.0.0.0/8 and ::1/128 for services of this machine",
			DocZH: "允许巡检连接的网段，按域名解析出的地址判断；留空不限。如需巡检本机服务，请同时加入 127.0.0.0/8 与 ::1/128"},
		{Name: "installation.name", Kind: config.String, Default: "税务信息系统运维平台",
			DocEN: "Name of this installation, as people know it", DocZH: "本套平台的名称"},
		{Name: "installation.area", Kind: config.String, Default: "/45/",
			DocEN: "Area path that this installation serves", DocZH: "本套平台服务的区域路径"},
		{Name: "calendar.hours", Kind: config.List, Default: calendar.DefaultHours, Check: officeHours,
			DocEN: "Office hours of a working day", DocZH: "工作日的工作时间段"},
		{Name: "inspect.daily_due", Kind: config.String, Default: "09:00", Check: clockTime,
			DocEN: "Time of the day by which the daily check is to be signed", DocZH: "早检签发时限"},
		{Name: "inspect.daily_days", Kind: config.String, Default: inspect.DailyWorkdays,
			Check: config.OneOf(inspect.DailyWorkdays, inspect.DailyProtected, inspect.DailyEvery),
			DocEN: "Days with a daily check: workdays, protected (workdays and every day of a period that wants more care), or every",
			DocZH: "需要早检的日期：workdays 工作日，protected 工作日及保障期内每天，every 每天"},
	}
}

// postgresURL refuses an address that would be taken for the name of a file.
func postgresURL(v string) error {
	if v == "" || strings.HasPrefix(v, "postgres://") || strings.HasPrefix(v, "postgresql://") {
		return nil
	}
	return errors.New("expected a URL that begins with postgres://, or nothing for the embedded database")
}

// absolutePaths refuses folders that depend on where the program was started.
func absolutePaths(v string) error {
	for _, p := range strings.Split(v, ",") {
		if p = strings.TrimSpace(p); p != "" && (!filepath.IsAbs(p) || p == "/") {
			return errors.New("expected absolute paths of folders, separated by commas")
		}
	}
	return nil
}

// atLeastOne is for numbers of which 0 would let nobody in.
func atLeastOne(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 1 {
		return errors.New("expected a whole number of at least 1")
	}
	return nil
}

func clockTime(v string) error {
	_, err := calendar.ParseClock(v)
	return err
}

func officeHours(v string) error {
	_, err := calendar.ParseHours(v)
	return err
}

func idleTimeout(v string) error {
	d, err := time.ParseDuration(v)
	if err != nil {
		return errors.New("expected a duration such as 30m")
	}
	return access.CheckIdleTimeout(d)
}

func prefixes(v string) error {
	_, err := parsePrefixes(strings.Split(v, ","))
	return err
}

// targets are the networks that checks may connect to.
func targets(c *config.Config) []netip.Prefix {
	out, _ := parsePrefixes(c.List("inspect.targets.allow")) // checked when the configuration was read
	return out
}

func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.1.0.0/16", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
