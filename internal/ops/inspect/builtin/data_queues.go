package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// queueAnswer is how long a broker's own interface may take.
const queueAnswer = 10 * time.Second

// askJSON reads a JSON answer of a broker's management interface.
func askJSON(ctx context.Context, url, user, password string, insecure bool, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	status, body, err := fetchMost(req, insecure, 16<<20)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return statusError(status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	return nil
}

// statusError is an answer that is no 200.
type statusError int

func (e statusError) Error() string { return "status " + strconv.Itoa(int(e)) }

// errBadAnswer is an answer that is not what was asked for.
var errBadAnswer = errors.New("answer is of another form")

func brokerProblem(where, grant string, err error, took time.Duration) probe.Result {
	var status statusError
	switch {
	case errors.As(err, &status) && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		return denied(where, status.Error(), grant)
	case errors.As(err, &status):
		return probe.Unknowable("status", fmt.Sprintf("%s 返回状态码 %d，不是预期的管理接口", where, int(status)))
	case errors.Is(err, errBadAnswer):
		return probe.Unknowable("bad_answer", fmt.Sprintf("%s 的应答无法识别：%v", where, err))
	}
	return networkProblem(where, unwrapURL(err), took).result()
}

const rabbitGrant = "rabbitmqctl add_user taxops 口令; rabbitmqctl set_user_tags taxops monitoring; rabbitmqctl set_permissions -p / taxops '^$' '^$' '^$'"

func rabbitParams() []probe.Param {
	return []probe.Param{
		{Name: "host", Type: "string", Default: "127.0.0.1", TitleZH: "主机", TitleEN: "Host"},
		{Name: "port", Type: "int", Default: 15672, TitleZH: "管理端口", TitleEN: "Management port"},
		{Name: "tls", Type: "bool", Default: false, TitleZH: "使用 HTTPS", TitleEN: "Use HTTPS"},
		{Name: "insecure", Type: "bool", Default: false, TitleZH: "不校验证书", TitleEN: "Do not verify the certificate"},
		{Name: "user", Type: "string", Default: "guest", TitleZH: "账户", TitleEN: "User"},
		{Name: "password", Type: "string", Secret: true, TitleZH: "密码（账户为 guest 时缺省为 guest）", TitleEN: "Password (guest for the account guest)"},
		{Name: "queues", Type: "strings", TitleZH: "只看这些队列（可用 * 通配）", TitleEN: "Only these queues (with * wildcards)"},
		{Name: "ignore", Type: "strings", TitleZH: "忽略的队列（可用 * 通配）", TitleEN: "Queues to ignore (with * wildcards)"},
	}
}

func checkQueues(p map[string]any) error {
	for _, name := range []string{"queues", "ignore"} {
		list, _ := p[name].([]string)
		if err := checkPatterns(name, list); err != nil {
			return err
		}
	}
	return checkPort(p)
}

// rabbitQueue is one queue as the management interface lists it.
type rabbitQueue struct {
	Name      string          `json:"name"`
	Vhost     string          `json:"vhost"`
	State     string          `json:"state"`
	Messages  float64         `json:"messages"`
	Ready     float64         `json:"messages_ready"`
	Unacked   float64         `json:"messages_unacknowledged"`
	Consumers float64         `json:"consumers"`
	Head      json.RawMessage `json:"head_message_timestamp"` // seconds, null or "" without one
}

func (h host) rabbitShared() func(context.Context, probe.Target) ([]rabbitQueue, string, *probe.Result) {
	shared := &share[[]rabbitQueue]{}
	return func(ctx context.Context, t probe.Target) ([]rabbitQueue, string, *probe.Result) {
		ctx, cancel := answerBy(ctx, queueAnswer)
		defer cancel()
		scheme := map[bool]string{true: "https", false: "http"}[t.Bool("tls")]
		where := "RabbitMQ " + hostPort(t.Params)
		password := t.String("password")
		if password == "" && t.String("user") == "guest" {
			password = "guest" //nolint:gosec // the account that every installation begins with, on loopback only
		}
		list, took, err := shared.get(ctx, t.Since, shareKey(t.Params, "host", "port", "tls", "insecure", "user", "password"), func(ctx context.Context) ([]rabbitQueue, error) {
			var list []rabbitQueue
			url := scheme + "://" + hostPort(t.Params) + "/api/queues?disable_stats=false&columns=name,vhost,state,messages,messages_ready,messages_unacknowledged,consumers,head_message_timestamp"
			err := askJSON(ctx, url, t.String("user"), password, t.Bool("insecure"), &list)
			return list, err
		})
		if err != nil {
			r := brokerProblem(where, rabbitGrant, err, took)
			return nil, where, &r
		}
		return list, where, nil
	}
}

func wantedQueue(t probe.Target, name string) bool {
	only := t.Strings("queues")
	return (len(only) == 0 || matchAny(only, name)) && !matchAny(t.Strings("ignore"), name)
}

// deadWords are parts of names by which queues of dead letters are known.
var deadWords = []string{"dlq", "dlx", "dead", "error", "poison", "parking", "死信"}

func isDeadLetters(name string) bool {
	name = strings.ToLower(name)
	for _, w := range deadWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

func (h host) rabbitQueues() probe.Builtin {
	ask := h.rabbitShared()
	return probe.Builtin{
		Kind: "data.rabbitmq_queues", Class: probe.Data, TitleZH: "RabbitMQ 队列积压", TitleEN: "RabbitMQ queues",
		HelpZH: "经管理接口列出队列：每个队列的消息数、队首消息的等待时间（消息带时间戳时）、有消息却无消费者的队列、未运行的队列。最小权限账户：" + rabbitGrant +
			" 变红时：无消费者——查消费程序；积压——查消费速度与下游；未运行——查集群节点。",
		HelpEN: "Lists the queues through the management interface: messages in each, how long the first has waited (when messages carry a time), queues with messages and no consumer, queues that do not run. Least-privilege account: " + rabbitGrant +
			" When red: without a consumer look at the consuming program; with a backlog at its speed and what is behind it; if not running at the cluster's nodes.",
		Params: rabbitParams(), Check: checkQueues, Target: hostPort,
		Thresholds: []probe.Threshold{{Metric: "messages", Warn: "1000", Crit: "10000"}, {Metric: "head_age", Warn: "600", Crit: "1800", Unit: "s"}},
		Verified:   verifiedSamples, VerifiedOn: "RabbitMQ 3.10 management API, 2026-11", Timeout: instanceTimeout,
		Discover: h.discoverRabbit,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			list, where, failed := ask(ctx, t)
			if failed != nil {
				return *failed
			}
			r := t.Report()
			seen, total := 0, 0.0
			for _, q := range list {
				if !wantedQueue(t, q.Name) || isDeadLetters(q.Name) {
					continue
				}
				seen++
				total += q.Messages
				if q.State != "" && q.State != "running" && q.State != "idle" {
					r.Raise(probe.Critical, "not_running", fmt.Sprintf("队列 %s 状态为 %s", q.Name, q.State))
				}
				if q.Messages > 0 && q.Consumers == 0 {
					r.Raise(probe.Warning, "no_consumer", fmt.Sprintf("队列 %s 有 %.0f 条消息而没有消费者", q.Name, q.Messages))
				}
				if q.Messages > 0 || seen <= 20 {
					r.Measure("messages "+q.Name, "队列 "+q.Name+" 消息", q.Messages, "")
				}
				if at, err := strconv.ParseInt(strings.Trim(string(q.Head), `"`), 10, 64); err == nil && q.Messages > 0 {
					r.Measure("head_age "+q.Name, "队列 "+q.Name+" 队首已等待", max(0, t.Now().Sub(time.Unix(at, 0)).Seconds()), "s")
				}
			}
			if seen == 0 {
				return probe.NoSource(where + " 没有要看的队列")
			}
			r.Record("messages_total", total, "")
			return r.Result(fmt.Sprintf("%s：队列 %d 个，消息 %.0f 条", where, seen, total))
		},
	}
}

func (h host) rabbitDeadLetters() probe.Builtin {
	ask := h.rabbitShared()
	return probe.Builtin{
		Kind: "data.rabbitmq_dead_letters", Class: probe.Data, TitleZH: "RabbitMQ 死信", TitleEN: "RabbitMQ dead letters",
		HelpZH: "经管理接口统计死信队列（名称含 dlq、dead、error 等，或由“只看这些队列”指定）中的消息。最小权限账户：" + rabbitGrant + " 变红时：看 x-death 头中的原因，修复后重新投递；不可直接清空。",
		HelpEN: "Counts the messages of dead-letter queues (by words in their names, or those you name). Least-privilege account: " + rabbitGrant + " When red: read the reason in the x-death header and deliver again after the repair; never just purge.",
		Params: rabbitParams(), Check: checkQueues, Target: hostPort,
		Thresholds: []probe.Threshold{{Metric: "dead_letters", Warn: "0", Crit: "9"}},
		Verified:   verifiedSamples, VerifiedOn: "RabbitMQ 3.10 management API, 2026-11", Timeout: instanceTimeout,
		Discover: h.discoverRabbit,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			list, where, failed := ask(ctx, t)
			if failed != nil {
				return *failed
			}
			r := t.Report()
			seen := 0
			for _, q := range list {
				if named := len(t.Strings("queues")) > 0; !wantedQueue(t, q.Name) || !named && !isDeadLetters(q.Name) {
					continue
				}
				seen++
				r.Measure("dead_letters "+q.Name, "死信队列 "+q.Name, q.Messages, "")
			}
			if seen == 0 {
				return probe.NoSource(where + " 没有死信队列")
			}
			return r.Result(fmt.Sprintf("%s：死信队列 %d 个", where, seen))
		},
	}
}

func (h host) discoverRabbit(ctx context.Context) []probe.Found {
	return gather(ctx, h.candidates(nil, []int{15672}, nil), nil, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, func(net.Conn) bool { return true })
		if !ok {
			return nil
		}
		return &probe.Found{Params: map[string]any{"host": addr.Addr().String(), "port": l.port()}, Why: l.seen() + " 在监听（RabbitMQ 管理端口）"}
	})
}

// natsJSZ is what /jsz?streams=1&consumers=1 of a NATS server says.
type natsJSZ struct {
	Disabled bool `json:"disabled"`
	Accounts []struct {
		Name    string `json:"name"`
		Streams []struct {
			Name  string `json:"name"`
			State struct {
				Messages float64   `json:"messages"`
				Bytes    float64   `json:"bytes"`
				First    time.Time `json:"first_ts"`
			} `json:"state"`
			Consumers []struct {
				Name        string  `json:"name"`
				Pending     float64 `json:"num_pending"`
				AckPending  float64 `json:"num_ack_pending"`
				Redelivered float64 `json:"num_redelivered"`
			} `json:"consumer_detail"`
		} `json:"stream_detail"`
	} `json:"account_details"`
}

func (h host) natsStreams() probe.Builtin {
	return probe.Builtin{
		Kind: "data.nats_streams", Class: probe.Data, TitleZH: "NATS 流积压", TitleEN: "NATS streams",
		HelpZH: "经监控端口读取 JetStream：每个消费者尚未投递与尚未确认的消息数、重复投递数，以及没有消费者的流。监控端口须在服务器配置中打开（http_port），只监听内网。变红时：查消费程序是否在运行、处理是否变慢；重复投递多时查消费程序的确认与超时。",
		HelpEN: "Reads JetStream through the monitoring port: messages that each consumer has not been given or has not acknowledged, redeliveries, and streams without a consumer. The port has to be opened in the server's configuration (http_port), towards the inside only. When red: see whether the consumer runs and keeps up; with many redeliveries look at its acknowledgements and time limits.",
		Params: []probe.Param{
			{Name: "host", Type: "string", Default: "127.0.0.1", TitleZH: "主机", TitleEN: "Host"},
			{Name: "port", Type: "int", Default: 8222, TitleZH: "监控端口", TitleEN: "Monitoring port"},
			{Name: "tls", Type: "bool", Default: false, TitleZH: "使用 HTTPS", TitleEN: "Use HTTPS"},
			{Name: "insecure", Type: "bool", Default: false, TitleZH: "不校验证书", TitleEN: "Do not verify the certificate"},
			{Name: "ignore", Type: "strings", TitleZH: "忽略的流（可用 * 通配）", TitleEN: "Streams to ignore (with * wildcards)"},
		},
		Check: checkQueues, Target: hostPort,
		Thresholds: []probe.Threshold{
			{Metric: "pending", Warn: "1000", Crit: "10000"}, {Metric: "ack_pending", Warn: "500", Crit: "5000"}, {Metric: "redelivered", Warn: "10", Crit: "100"},
		},
		Verified: verifiedSamples, VerifiedOn: "NATS Server 2.9 monitoring, documented form, 2026-11", Timeout: instanceTimeout,
		Discover: h.discoverNATS,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, queueAnswer)
			defer cancel()
			where := "NATS " + hostPort(t.Params)
			var z natsJSZ
			began := time.Now()
			url := map[bool]string{true: "https", false: "http"}[t.Bool("tls")] + "://" + hostPort(t.Params) + "/jsz?accounts=1&streams=1&consumers=1"
			if err := askJSON(ctx, url, "", "", t.Bool("insecure"), &z); err != nil {
				return brokerProblem(where, "在服务器配置中为监控端口放行本机地址", err, time.Since(began))
			}
			return judgeNATS(t, where, z)
		},
	}
}

func judgeNATS(t probe.Target, where string, z natsJSZ) probe.Result {
	r := t.Report()
	streams, consumers, total := 0, 0, 0.0
	for _, a := range z.Accounts {
		for _, s := range a.Streams {
			if matchAny(t.Strings("ignore"), s.Name) {
				continue
			}
			streams++
			total += s.State.Messages
			line := fmt.Sprintf("流 %s：%.0f 条，%s", s.Name, s.State.Messages, probe.Humanize(s.State.Bytes, "B"))
			if s.State.Messages > 0 && len(s.Consumers) == 0 {
				line += "，没有消费者"
			}
			r.Detail(line)
			for _, c := range s.Consumers {
				consumers++
				name := s.Name + "/" + c.Name
				r.Measure("pending "+name, "消费者 "+name+" 待投递", c.Pending, "")
				r.Measure("ack_pending "+name, "消费者 "+name+" 待确认", c.AckPending, "")
				r.Measure("redelivered "+name, "消费者 "+name+" 重复投递", c.Redelivered, "")
			}
		}
	}
	if z.Disabled || streams == 0 {
		return probe.NoSource(where + " 未启用 JetStream，或没有流")
	}
	r.Record("messages", total, "")
	return r.Result(fmt.Sprintf("%s：流 %d 个，消费者 %d 个，消息 %.0f 条", where, streams, consumers, total))
}

func (h host) discoverNATS(ctx context.Context) []probe.Found {
	return gather(ctx, h.candidates(nil, []int{8222}, nil), nil, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, func(net.Conn) bool { return true })
		if !ok {
			return nil
		}
		return &probe.Found{Params: map[string]any{"host": addr.Addr().String(), "port": l.port()}, Why: l.seen() + " 在监听（NATS 监控端口）"}
	})
}
