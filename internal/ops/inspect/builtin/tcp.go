package builtin

import (
	"context"
	"fmt"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) tcp() probe.Builtin {
	return probe.Builtin{
		Kind: "service.tcp", Class: probe.Service,
		TitleZH: "TCP 端口", TitleEN: "TCP port",
		HelpZH: "连接指定地址与端口并计时，随即断开，不发送数据。" +
			"变红时：拒绝——服务未启动；无应答——查防火墙、路由与服务是否卡死；变慢——查网络时延与服务负载。",
		HelpEN: "Connects to the address, takes the time, and closes without sending anything. " +
			"When red: refused, the service is not running; no answer, check firewall, route and whether it hangs; slow, check the network and its load.",
		Params: []probe.Param{
			{Name: "host", Type: "string", Required: true, TitleZH: "主机", TitleEN: "Host"},
			{Name: "port", Type: "int", Required: true, TitleZH: "端口", TitleEN: "Port"},
		},
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"}},
		Check:      checkPort, Target: hostPort,
		Verified: verifiedTested, VerifiedOn: verifiedLinux, Timeout: 10 * time.Second,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, 8*time.Second)
			defer cancel()
			addr := hostPort(t.Params)
			began := time.Now()
			conn, err := dialer(ctx).DialContext(ctx, "tcp", addr)
			took := time.Since(began)
			if err != nil {
				return networkProblem(addr, err, took).result()
			}
			conn.Close()
			r := t.Report()
			r.Measure("connect_time", addr+" 连接耗时", took.Seconds(), "s")
			return r.Result(fmt.Sprintf("%s 可连接，耗时 %s", addr, probe.Humanize(took.Seconds(), "s")))
		},
		Discover: h.discoverTCP,
	}
}
