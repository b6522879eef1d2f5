package builtin

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

var weblogicParams = []probe.Param{
	{Name: "url", Type: "string", Required: true, TitleZH: "管理地址（如 http://10.1.1.1:7001）", TitleEN: "Address (for example http://10.1.1.1:7001)"},
	{Name: "user", Type: "string", Required: true, TitleZH: "账户（Monitor 角色）", TitleEN: "Account (role Monitor)"},
	{Name: "password", Type: "string", Secret: true, TitleZH: "口令", TitleEN: "Password"},
	{Name: "insecure", Type: "bool", Default: false, TitleZH: "不校验证书", TitleEN: "Do not verify the certificate"},
}

func checkWebLogic(p map[string]any) error {
	text, _ := p["url"].(string)
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("url must be an http or https address")
	}
	if u.User != nil {
		return errors.New("url must not hold a user name or password")
	}
	return nil
}

func weblogicTarget(p map[string]any) string {
	s, _ := p["url"].(string)
	return strings.TrimRight(s, "/")
}

// weblogic asks the RESTful management interface of a server, 12.2.1 and later.
func weblogic(ctx context.Context, t probe.Target, path string, into any) *probe.Result {
	ctx, cancel := answerBy(ctx, 15*time.Second)
	defer cancel()
	base := weblogicTarget(t.Params)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/management/weblogic/latest/serverRuntime"+path, nil)
	if err != nil {
		r := probe.Unknowable("bad_params", "地址无法识别："+base)
		return &r
	}
	req.SetBasicAuth(t.String("user"), t.String("password"))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Requested-By", "taxops")
	req.Header.Set("User-Agent", "taxops-inspect")
	began := time.Now()
	status, body, err := fetch(req, t.Bool("insecure"))
	if err != nil {
		var verify *tls.CertificateVerificationError
		if errors.As(err, &verify) {
			r := dialProblem{probe.Critical, "certificate", base + " 证书有问题：" + certificateWords(verify.Err)}.result()
			return &r
		}
		r := networkProblem(base, unwrapURL(err), time.Since(began)).result()
		return &r
	}
	var r probe.Result
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		r = probe.Denied(fmt.Sprintf("%s 拒绝了账户 %s（状态码 %d）：核对口令，并授予 Monitor 角色", base, t.String("user"), status))
	case status == http.StatusNotFound:
		r = probe.Unknowable("not_supported", fmt.Sprintf("%s 没有 RESTful 管理接口（状态码 404）：需 WebLogic 12.2.1 及以上并启用该接口", base))
	case status != http.StatusOK:
		r = probe.Result{State: probe.Critical, Reason: "status", Summary: fmt.Sprintf("%s 的管理接口返回状态码 %d", base, status)}
	default:
		if err := json.Unmarshal(body, into); err != nil && !errors.Is(err, io.EOF) {
			r = probe.Unknowable("read_failed", fmt.Sprintf("%s 的应答无法识别：%v", base, err))
			break
		}
		return nil
	}
	return &r
}

// healthOf is the state of a part: a text in some versions, an object in others.
type healthOf struct{ state string }

// UnmarshalJSON reads "HEALTH_OK", "ok" and {"state":"ok","symptoms":[]}.
func (h *healthOf) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		h.state = text
		return nil
	}
	var object struct {
		State string `json:"state"`
	}
	if err := json.Unmarshal(b, &object); err != nil {
		return fmt.Errorf("health of a part: %w", err)
	}
	h.state = object.State
	return nil
}

func (h healthOf) bad() bool {
	s := strings.TrimPrefix(strings.ToLower(h.state), "health_")
	return s != "" && s != "ok"
}

func (h host) weblogicThreads() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.weblogic_threads", Class: probe.Performance,
		TitleZH: "WebLogic 阻塞线程", TitleEN: "WebLogic stuck threads",
		HelpZH: "通过 RESTful 管理接口（12.2.1 及以上，账户只需 Monitor 角色）读取线程池：阻塞线程数（WebLogic 默认执行满 600 秒算阻塞）、独占线程与排队请求。" +
			"变红时：连取三次线程转储比较阻塞在哪里，多为数据库慢语句或下游接口无超时；重启只能暂时缓解。",
		HelpEN: "Reads the thread pool through the RESTful management interface (12.2.1 and later; the account needs the role Monitor only): stuck threads (by default WebLogic calls a thread stuck after 600 seconds), hogging threads and queued requests. " +
			"When red: take three thread dumps and see where they are stuck, mostly in slow statements or in downstream calls without a time-out; a restart helps for a while only.",
		Params: weblogicParams, Check: checkWebLogic, Target: weblogicTarget,
		Thresholds: []probe.Threshold{{Metric: "stuck", Warn: "0", Crit: "4"}, {Metric: "queue", Warn: "100", Crit: "1000"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: WebLogic 12.2.1.3, 12.2.1.4, 14.1.1, 2026-11", Timeout: 20 * time.Second,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			var a struct {
				Stuck   *int     `json:"stuckThreadCount"`
				Hogging int      `json:"hoggingThreadCount"`
				Total   int      `json:"executeThreadTotalCount"`
				Idle    int      `json:"executeThreadIdleCount"`
				Queue   *int     `json:"queueLength"`
				Pending int      `json:"pendingUserRequestCount"`
				Health  healthOf `json:"healthState"`
				Through float64  `json:"throughput"`
			}
			if missing := weblogic(ctx, t, "/threadPoolRuntime?links=none", &a); missing != nil {
				return *missing
			}
			if a.Queue == nil {
				return probe.Unknowable("read_failed", "应答中没有线程池的数据")
			}
			r := t.Report()
			if a.Health.bad() {
				r.Raise(probe.Warning, "health", "线程池健康状态 "+a.Health.state)
			}
			figures := fmt.Sprintf("线程 %d（空闲 %d），独占 %d，排队 %d", a.Total, a.Idle, a.Hogging, *a.Queue)
			if a.Stuck != nil { // 12.2.1.3 and later
				r.Measure("stuck", "阻塞线程", float64(*a.Stuck), "")
				figures = fmt.Sprintf("阻塞线程 %d，", *a.Stuck) + figures
			} else {
				r.Raise(probe.Unknown, "not_supported", "该版本不报告阻塞线程数（需 12.2.1.3 及以上）")
			}
			r.Measure("queue", "排队请求", float64(*a.Queue), "")
			r.Record("hogging", float64(a.Hogging), "")
			r.Record("threads", float64(a.Total), "")
			r.Record("throughput", a.Through, "")
			return r.Result(figures)
		},
	}
}

func (h host) weblogicPools() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.weblogic_pools", Class: probe.Performance,
		TitleZH: "WebLogic 连接池", TitleEN: "WebLogic connection pools",
		HelpZH: "通过 RESTful 管理接口读取各 JDBC 数据源：等待连接的请求数、泄漏的连接与数据源状态；非 Running 为严重。" +
			"变红时：等待多——查慢语句与连接泄漏，再看最大容量；数据源暂停或失败——查数据库监听与账户口令。",
		HelpEN: "Reads each JDBC data source through the RESTful management interface: requests that wait for a connection, leaked connections, and the state of the source; any but Running is critical. " +
			"When red: many waiting, look for slow statements and leaks before raising the capacity; a suspended or failed source, look at the database's listener and the account's password.",
		Params: weblogicParams, Check: checkWebLogic, Target: weblogicTarget,
		Thresholds: []probe.Threshold{{Metric: "waiting", Warn: "0", Crit: "4"}, {Metric: "leaked", Warn: "0"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: WebLogic 12.2.1.3, 12.2.1.4, 14.1.1, 2026-11", Timeout: 20 * time.Second,
		Run: runWebLogicPools,
	}
}

// weblogicPool is one data source. The limit of a pool is a setting and stands in another tree, so that the
// share is of the connections there are: a pool grows before it makes anybody wait.
type weblogicPool struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Waiting int    `json:"waitingForConnectionCurrentCount"`
	Active  int    `json:"activeConnectionsCurrentCount"`
	Current int    `json:"currCapacity"`
	High    int    `json:"currCapacityHighCount"`
	Leaked  int    `json:"leakedConnectionCount"`
}

func runWebLogicPools(ctx context.Context, t probe.Target) probe.Result {
	var a struct {
		Items []weblogicPool `json:"items"`
	}
	if missing := weblogic(ctx, t, "/JDBCServiceRuntime/JDBCDataSourceRuntimeMBeans?links=none", &a); missing != nil {
		return *missing
	}
	if len(a.Items) == 0 {
		return probe.NoSource("该服务器没有 JDBC 数据源")
	}
	slices.SortFunc(a.Items, func(x, y weblogicPool) int { return strings.Compare(x.Name, y.Name) })
	r := t.Report()
	waiting, active := 0, 0
	for _, p := range a.Items {
		if p.State != "" && !strings.EqualFold(p.State, "Running") {
			r.Raise(probe.Critical, "pool_state", fmt.Sprintf("数据源 %s 状态 %s", p.Name, p.State))
		}
		r.Measure("waiting "+p.Name, "数据源 "+p.Name+" 等待连接", float64(p.Waiting), "")
		r.Record("active "+p.Name, float64(p.Active), "")
		r.Measure("leaked "+p.Name, "数据源 "+p.Name+" 泄漏连接", float64(p.Leaked), "")
		r.Detail(fmt.Sprintf("%s：%s，使用 %d，现有 %d（最多时 %d），等待 %d，泄漏 %d", p.Name, p.State, p.Active, p.Current, p.High, p.Waiting, p.Leaked))
		waiting, active = waiting+p.Waiting, active+p.Active
	}
	return r.Result(fmt.Sprintf("%d 个数据源，使用中的连接 %d，等待连接的请求 %d", len(a.Items), active, waiting))
}
