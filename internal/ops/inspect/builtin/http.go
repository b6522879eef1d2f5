package builtin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) http() probe.Builtin {
	return probe.Builtin{
		Kind: "service.http", Class: probe.Service,
		TitleZH: "网页与接口", TitleEN: "HTTP",
		HelpZH: "以 GET 请求指定地址（不经代理、不跟随跳转），检查状态码、正文内容与总耗时。" +
			"变红时：先在服务器本机访问同一地址，区分网络与应用问题；5xx 查应用日志；变慢查数据库与下游接口。",
		HelpEN: "GETs the address (no proxy, no redirects followed) and checks status, body and total time. " +
			"When red: try the same address on the server itself to tell network from application; for 5xx read the application's log; if slow look at database and downstream services.",
		Params: []probe.Param{
			{Name: "url", Type: "string", Required: true, TitleZH: "地址", TitleEN: "URL"},
			{Name: "status", Type: "string", Default: "200-399", TitleZH: "正常的状态码（如 200-299,401）", TitleEN: "Good status codes (for example 200-299,401)"},
			{Name: "contains", Type: "string", TitleZH: "正文应包含", TitleEN: "Body must contain"},
			{Name: "host_header", Type: "string", TitleZH: "请求的域名（Host）", TitleEN: "Host header"},
			{Name: "insecure", Type: "bool", Default: false, TitleZH: "不校验证书", TitleEN: "Do not verify the certificate"},
		},
		Thresholds: []probe.Threshold{{Metric: "time", Warn: "2", Crit: "5", Unit: "s"}},
		Check: func(p map[string]any) error {
			text, _ := p["url"].(string)
			u, err := url.Parse(text)
			if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
				return errors.New("url must be an http or https address")
			}
			if u.User != nil { // settings are shown to everybody who may see the check, and kept in the journal
				return errors.New("url must not hold a user name or password")
			}
			status, _ := p["status"].(string)
			_, err = parseStatuses(status)
			return err
		},
		Target: func(p map[string]any) string {
			u, _ := p["url"].(string)
			return maskUserinfo(u)
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux, Timeout: 20 * time.Second,
		Run:      runHTTP,
		Discover: h.discoverHTTP,
	}
}

// maxBody is how much of an answer is read for "contains".
const maxBody = 1 << 20

func runHTTP(ctx context.Context, t probe.Target) probe.Result {
	ctx, cancel := answerBy(ctx, 15*time.Second)
	defer cancel()
	where := maskUserinfo(t.String("url"))
	good, err := parseStatuses(t.String("status"))
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.String("url"), nil)
	if err != nil {
		return probe.Unknowable("bad_params", "地址无法识别："+where)
	}
	req.Header.Set("User-Agent", "taxops-inspect")
	req.Host = t.String("host_header")
	began := time.Now()
	status, body, err := fetch(req, t.Bool("insecure"))
	took := time.Since(began)
	if err != nil {
		var verify *tls.CertificateVerificationError
		if errors.As(err, &verify) {
			return dialProblem{probe.Critical, "certificate", where + " 证书有问题：" + certificateWords(verify.Err)}.result()
		}
		return networkProblem(where, unwrapURL(err), took).result()
	}
	r := t.Report()
	r.Record("status", float64(status), "")
	r.Record("size", float64(len(body)), "B")
	if !good.has(status) {
		r.Raise(probe.Critical, "status", fmt.Sprintf("%s 返回状态码 %d（应为 %s）", where, status, t.String("status")))
	} else if want := t.String("contains"); want != "" && !bytes.Contains(body, []byte(want)) {
		r.Raise(probe.Critical, "body", fmt.Sprintf("%s 的正文中没有「%s」", where, want))
	}
	r.Measure("time", where+" 耗时", took.Seconds(), "s")
	return r.Result(fmt.Sprintf("%s 状态码 %d，耗时 %s", where, status, probe.Humanize(took.Seconds(), "s")))
}

// fetch makes one request over a connection of its own and reads the answer.
func fetch(req *http.Request, insecure bool) (status int, body []byte, err error) {
	return fetchMost(req, insecure, maxBody)
}

// fetchMost is fetch for answers of another length; what is beyond is cut.
func fetchMost(req *http.Request, insecure bool, most int64) (status int, body []byte, err error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       dialer(req.Context()).DialContext,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: insecure}, //nolint:gosec // asked for by a person, shown with the check
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("request: %w", err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, body, nil
}

// unwrapURL drops the wrapper of net/http, which repeats the whole address.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// maskUserinfo hides a password inside an address.
func maskUserinfo(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return s
	}
	return u.Redacted()
}

// statuses are ranges of status codes.
type statuses [][2]int

func parseStatuses(s string) (statuses, error) {
	var out statuses
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 100 || b > 599 || a > b {
			return nil, fmt.Errorf("status %q is not a list of codes such as 200-299,401", s)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}

func (s statuses) has(code int) bool {
	for _, r := range s {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

// certificateWords says in Chinese what is wrong with a certificate.
func certificateWords(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "签发机构不受信任（自签名或缺少中间证书）"
	case errors.As(err, &name):
		return fmt.Sprintf("域名不符：证书不适用于 %s", name.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "证书已过期或尚未生效"
	}
	return err.Error()
}
