package builtin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"taxops/internal/kernel/probe"
)

// snmpAnswer is how long a device may take for all that is asked of it; its own processor is slow.
const (
	snmpAnswer  = 45 * time.Second
	snmpTimeout = 60 * time.Second
	snmpRows    = 5000 // of one column
)

// Standard objects (RFC 1213, 2863, 4133, 3433, 2790).
const (
	oidSystem     = "1.3.6.1.2.1.1"
	oidIfAdmin    = "1.3.6.1.2.1.2.2.1.7"
	oidIfOper     = "1.3.6.1.2.1.2.2.1.8"
	oidIfType     = "1.3.6.1.2.1.2.2.1.3"
	oidIfDescr    = "1.3.6.1.2.1.2.2.1.2"
	oidIfName     = "1.3.6.1.2.1.31.1.1.1.1"
	oidIfAlias    = "1.3.6.1.2.1.31.1.1.1.18"
	oidIfInErr    = "1.3.6.1.2.1.2.2.1.14"
	oidIfOutErr   = "1.3.6.1.2.1.2.2.1.20"
	oidIfInPkts   = "1.3.6.1.2.1.31.1.1.1.7"
	oidIfOutPkts  = "1.3.6.1.2.1.31.1.1.1.11"
	oidIfIn       = "1.3.6.1.2.1.31.1.1.1.6"
	oidIfOut      = "1.3.6.1.2.1.31.1.1.1.10"
	oidIfSpeed    = "1.3.6.1.2.1.31.1.1.1.15" // Mbit/s
	oidEntityName = "1.3.6.1.2.1.47.1.1.1.1.7"
	oidSensorType = "1.3.6.1.2.1.99.1.1.1.1"
	oidSensorUnit = "1.3.6.1.2.1.99.1.1.1.2"
	oidSensorPrec = "1.3.6.1.2.1.99.1.1.1.3"
	oidSensor     = "1.3.6.1.2.1.99.1.1.1.4"
	oidHrLoad     = "1.3.6.1.2.1.25.3.3.1.2"
	oidHrType     = "1.3.6.1.2.1.25.2.3.1.2"
	oidHrName     = "1.3.6.1.2.1.25.2.3.1.3"
	oidHrSize     = "1.3.6.1.2.1.25.2.3.1.5"
	oidHrUsed     = "1.3.6.1.2.1.25.2.3.1.6"
	oidHrRAM      = "1.3.6.1.2.1.25.2.1.2"
)

// vendor is where a maker's devices say what the standard has no place for. An empty column is one
// that the maker does not have.
type vendor struct {
	name             string
	cpu, memory      string           // percent
	used, free       string           // of memory, bytes, in place of a percentage
	temperature      string           // °C
	limit            string           // above which the device itself calls it hot
	fan, power       string           // states
	fanBad, powerBad map[int64]string // what each bad state means
	error            string           // one state column for parts of all kinds
	errorBad         map[int64]string //
	invalid          map[float64]bool // values that stand for "none"
}

// vendors by enterprise number, the first arc below 1.3.6.1.4.1 of sysObjectID.
var vendors = map[string]vendor{
	"2011": {
		name: "华为", cpu: "1.3.6.1.4.1.2011.5.25.31.1.1.1.1.5", memory: "1.3.6.1.4.1.2011.5.25.31.1.1.1.1.7",
		temperature: "1.3.6.1.4.1.2011.5.25.31.1.1.1.1.11", limit: "1.3.6.1.4.1.2011.5.25.31.1.1.1.1.12",
		fan: "1.3.6.1.4.1.2011.5.25.31.1.1.10.1.7", fanBad: map[int64]string{2: "异常"},
		power: "1.3.6.1.4.1.2011.5.25.31.1.1.18.1.6", powerBad: map[int64]string{2: "未供电"},
		invalid: map[float64]bool{2147483647: true, -1: true},
	},
	"25506": {
		name: "新华三", cpu: "1.3.6.1.4.1.25506.2.6.1.1.1.1.6", memory: "1.3.6.1.4.1.25506.2.6.1.1.1.1.8",
		temperature: "1.3.6.1.4.1.25506.2.6.1.1.1.1.12", limit: "1.3.6.1.4.1.25506.2.6.1.1.1.1.13",
		error: "1.3.6.1.4.1.25506.2.6.1.1.1.1.19", errorBad: map[int64]string{
			3: "自检失败", 11: "散热故障", 12: "硬件故障", 21: "温度过低", 22: "温度过高", 31: "存储空间不足", 41: "风扇故障", 51: "电源故障", 61: "冗余电源故障", 71: "接口故障", 91: "部件故障",
		},
		invalid: map[float64]bool{65535: true, 2147483647: true},
	},
	"9": {
		name: "思科", cpu: "1.3.6.1.4.1.9.9.109.1.1.1.1.8", used: "1.3.6.1.4.1.9.9.48.1.1.1.5", free: "1.3.6.1.4.1.9.9.48.1.1.1.6",
		temperature: "1.3.6.1.4.1.9.9.13.1.3.1.3", limit: "1.3.6.1.4.1.9.9.13.1.3.1.4",
		fan: "1.3.6.1.4.1.9.9.13.1.4.1.3", fanBad: map[int64]string{2: "警告", 3: "严重", 4: "停止", 6: "不工作"},
		power: "1.3.6.1.4.1.9.9.13.1.5.1.3", powerBad: map[int64]string{2: "警告", 3: "严重", 4: "停止", 6: "不工作"},
	},
	"4881": {name: "锐捷", cpu: "1.3.6.1.4.1.4881.1.1.10.2.36.1.2.4", memory: "1.3.6.1.4.1.4881.1.1.10.2.35.1.2.3", temperature: "1.3.6.1.4.1.4881.1.1.10.2.1.1.23.1.3"},
}

// snmpState is what a device said.
type snmpState struct {
	where                     string
	took                      time.Duration
	descr, object, name       string
	uptime                    float64 // seconds
	vendor                    string  // "" for none that is known
	interfaces                []snmpInterface
	cpu, memory, temperatures []snmpValue
	parts                     []snmpPart
}

type (
	snmpInterface struct {
		index, name, alias string
		admin, oper        int64 // 1 up, 2 down, 6 not present, 7 lower layer down
		kind               int64 // IANA ifType; 24 is loopback
		speed              float64
		in, out            float64 // octets
		packets, errors    float64
		counted            bool // whether it has 64-bit counters
	}
	snmpValue struct {
		name         string
		value, limit float64 // limit 0 for none
	}
	snmpPart struct{ name, kind, bad string } // bad is "" for a part that works
)

func snmpParams() []probe.Param {
	return []probe.Param{
		{Name: "host", Type: "string", Required: true, TitleZH: "主机", TitleEN: "Host"},
		{Name: "port", Type: "int", Default: 161, TitleZH: "端口", TitleEN: "Port"},
		{Name: "version", Type: "string", Default: "2c", TitleZH: "SNMP 版本（2c、3）", TitleEN: "SNMP version (2c, 3)"},
		{Name: "community", Type: "string", Secret: true, TitleZH: "只读团体字（2c）", TitleEN: "Read-only community (2c)"},
		{Name: "user", Type: "string", TitleZH: "账户（3）", TitleEN: "User (3)"},
		{Name: "auth", Type: "string", Default: "SHA", TitleZH: "认证算法（3；none、MD5、SHA、SHA224、SHA256、SHA384、SHA512）", TitleEN: "Authentication (3; none, MD5, SHA, SHA224, SHA256, SHA384, SHA512)"},
		{Name: "auth_password", Type: "string", Secret: true, TitleZH: "认证口令（3）", TitleEN: "Authentication password (3)"},
		{Name: "privacy", Type: "string", Default: "AES", TitleZH: "加密算法（3；none、DES、AES、AES192、AES256）", TitleEN: "Encryption (3; none, DES, AES, AES192, AES256)"},
		{Name: "privacy_password", Type: "string", Secret: true, TitleZH: "加密口令（3）", TitleEN: "Encryption password (3)"},
		{Name: "ignore", Type: "strings", TitleZH: "忽略的接口（可用 * 通配）", TitleEN: "Interfaces to ignore (with * wildcards)"},
	}
}

var (
	snmpAuth = map[string]gosnmp.SnmpV3AuthProtocol{
		"none": gosnmp.NoAuth, "MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224, "SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}
	snmpPrivacy = map[string]gosnmp.SnmpV3PrivProtocol{
		"none": gosnmp.NoPriv, "DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256,
	}
)

func checkSNMP(p map[string]any) error {
	version, _ := p["version"].(string)
	auth, _ := p["auth"].(string)
	privacy, _ := p["privacy"].(string)
	ignore, _ := p["ignore"].([]string)
	_, knownAuth := snmpAuth[auth]
	_, knownPrivacy := snmpPrivacy[privacy]
	switch {
	case version != "2c" && version != "3":
		return fmt.Errorf("version %q is neither 2c nor 3", version)
	case !knownAuth:
		return fmt.Errorf("auth %q is unknown", auth)
	case !knownPrivacy:
		return fmt.Errorf("privacy %q is unknown", privacy)
	case version == "3" && auth == "none" && privacy != "none":
		return errors.New("encryption needs authentication")
	}
	if err := checkPatterns("ignore", ignore); err != nil {
		return err
	}
	return checkPort(p)
}

const snmpGrant = "华为 snmp-agent community read cipher 团体字；新华三 snmp-agent community read 团体字；更推荐 SNMPv3：snmp-agent usm-user v3 taxops，只给只读视图，并用 ACL 限制来源"

// snmpEngine is the family of kinds that ask a device by SNMP.
func (h host) snmpEngine() engine[*snmpState] {
	shared := &share[*snmpState]{}
	return engine[*snmpState]{
		params: snmpParams(), check: checkSNMP, target: hostPort, overview: "hardware.snmp_device", overviewZH: "网络设备",
		verified: verifiedTested, verifiedOn: "net-snmp 5.9 (v2c, v3), 2026-11",
		facts: func(ctx context.Context, t probe.Target) (*snmpState, *probe.Result) {
			ctx, cancel := answerBy(ctx, snmpAnswer)
			defer cancel()
			key := shareKey(t.Params, "host", "port", "version", "community", "user", "auth", "auth_password", "privacy", "privacy_password")
			s, took, err := shared.get(ctx, t.Since, key, func(ctx context.Context) (*snmpState, error) { return snmpCollect(ctx, t) })
			if err != nil {
				r := snmpProblem("SNMP "+hostPort(t.Params), t.String("version"), err, took)
				return nil, &r
			}
			return s, nil
		},
		name: func(_ probe.Target, s *snmpState) string { return s.label() },
	}
}

func (s *snmpState) label() string {
	if s.name != "" {
		return s.name + "（" + s.where + "）"
	}
	return s.where
}

func snmpConnect(ctx context.Context, t probe.Target) (*gosnmp.GoSNMP, error) {
	x := &gosnmp.GoSNMP{
		Target: t.String("host"), Port: uint16(t.Int("port")), Transport: "udp", Context: ctx, //nolint:gosec // checkPort holds it
		Timeout: 2 * time.Second, Retries: 2, MaxOids: 20, MaxRepetitions: 25,
		Control: dialer(ctx).Control,
	}
	if t.String("version") == "2c" {
		x.Version, x.Community = gosnmp.Version2c, t.String("community")
		if x.Community == "" {
			x.Community = "public"
		}
	} else {
		usm := &gosnmp.UsmSecurityParameters{
			UserName: t.String("user"), AuthenticationProtocol: snmpAuth[t.String("auth")], AuthenticationPassphrase: t.String("auth_password"),
			PrivacyProtocol: snmpPrivacy[t.String("privacy")], PrivacyPassphrase: t.String("privacy_password"),
		}
		x.Version, x.SecurityModel, x.SecurityParameters = gosnmp.Version3, gosnmp.UserSecurityModel, usm
		switch {
		case usm.PrivacyProtocol != gosnmp.NoPriv:
			x.MsgFlags = gosnmp.AuthPriv
		case usm.AuthenticationProtocol != gosnmp.NoAuth:
			x.MsgFlags = gosnmp.AuthNoPriv
		default:
			x.MsgFlags = gosnmp.NoAuthNoPriv
		}
	}
	if err := x.Connect(); err != nil {
		return nil, fmt.Errorf("open SNMP: %w", err)
	}
	return x, nil
}

// snmpProblem: over UDP a device that says nothing is all that a wrong community looks like, too.
func snmpProblem(where, version string, err error, took time.Duration) probe.Result {
	said := err.Error()
	switch {
	case strings.Contains(said, "unknown user name"), strings.Contains(said, "wrong digest"), strings.Contains(said, "incoming packet is not authentic"),
		strings.Contains(said, "unknown security level"), strings.Contains(said, "unsupported security level"), strings.Contains(said, "decryption error"), strings.Contains(said, "unsupported priv"), strings.Contains(said, gosnmp.AuthorizationError.String()):
		return denied(where, said, snmpGrant)
	case isTimeout(err), strings.Contains(said, "request timeout"):
		why := "设备不可达、未开启 SNMP、ACL 未放行本机，或账户不对"
		if version == "2c" {
			why = "设备不可达、未开启 SNMP、ACL 未放行本机，或团体字不对（团体字错误时设备也不应答）"
		}
		return dialProblem{probe.Critical, probe.ReasonTimeout, fmt.Sprintf("%s 在 %s内没有应答：%s", where, probe.Humanize(took.Seconds(), "s"), why)}.result()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return networkProblem(where, err, took).result()
	}
	return probe.Unknowable("bad_answer", fmt.Sprintf("%s 的应答无法识别：%s", where, said))
}

func snmpCollect(ctx context.Context, t probe.Target) (*snmpState, error) {
	began := time.Now()
	x, err := snmpConnect(ctx, t)
	if err != nil {
		return nil, err
	}
	defer x.Close() //nolint:errcheck // a socket without a connection
	s := &snmpState{where: hostPort(t.Params)}
	system, err := x.Get([]string{oidSystem + ".1.0", oidSystem + ".2.0", oidSystem + ".3.0", oidSystem + ".5.0"})
	if err != nil {
		return nil, fmt.Errorf("ask for the system: %w", err)
	}
	s.took = time.Since(began)
	if system.Error != gosnmp.NoError || len(system.Variables) != 4 {
		return nil, fmt.Errorf("ask for the system: %s", system.Error)
	}
	v := system.Variables
	s.descr, s.object, s.uptime, s.name = snmpText(v[0]), strings.TrimPrefix(snmpText(v[1]), "."), snmpNumber(v[2])/100, snmpText(v[3])
	w := walker{x: x}
	w.interfaces(s)
	w.sensors(s)
	if w.err != nil {
		return nil, w.err
	}
	return s, nil
}

// walker reads columns; after the first failure it reads nothing more.
type walker struct {
	x   *gosnmp.GoSNMP
	err error
}

// column reads one column of a table by index; nil when the device does not have it.
func (w *walker) column(oid string) map[string]gosnmp.SnmpPDU {
	if oid == "" || w.err != nil {
		return nil
	}
	out := make(map[string]gosnmp.SnmpPDU)
	root := "." + oid
	err := w.x.BulkWalk(root, func(p gosnmp.SnmpPDU) error {
		if index, ok := strings.CutPrefix(p.Name, root+"."); ok {
			out[index] = p
		}
		if len(out) >= snmpRows {
			return fmt.Errorf("column %s has more than %d rows", oid, snmpRows)
		}
		return nil
	})
	if err != nil {
		w.err = fmt.Errorf("read column %s: %w", oid, err)
	}
	return out
}

func snmpText(p gosnmp.SnmpPDU) string {
	switch v := p.Value.(type) {
	case []byte:
		return strings.TrimSpace(strings.ToValidUTF8(string(decodeGB(v)), "?"))
	case string:
		return v
	}
	return ""
}

func snmpNumber(p gosnmp.SnmpPDU) float64 {
	switch p.Value.(type) {
	case nil, string, []byte:
		return 0
	}
	f, _ := new(bigFloat).SetInt(gosnmp.ToBigInt(p.Value)).Float64()
	return f
}

func (w *walker) interfaces(s *snmpState) {
	oper := w.column(oidIfOper)
	cols := map[string]map[string]gosnmp.SnmpPDU{}
	for _, oid := range []string{oidIfAdmin, oidIfType, oidIfName, oidIfDescr, oidIfAlias, oidIfInErr, oidIfOutErr, oidIfInPkts, oidIfOutPkts, oidIfIn, oidIfOut, oidIfSpeed} {
		cols[oid] = w.column(oid)
	}
	number := func(oid, i string) float64 { return snmpNumber(cols[oid][i]) }
	for i, o := range oper {
		name := snmpText(cols[oidIfName][i])
		if name == "" {
			name = snmpText(cols[oidIfDescr][i])
		}
		_, counted := cols[oidIfIn][i]
		s.interfaces = append(s.interfaces, snmpInterface{
			index: i, name: name, alias: snmpText(cols[oidIfAlias][i]), admin: int64(number(oidIfAdmin, i)), oper: int64(snmpNumber(o)), kind: int64(number(oidIfType, i)),
			speed: number(oidIfSpeed, i) * 1e6, in: number(oidIfIn, i), out: number(oidIfOut, i),
			packets: number(oidIfInPkts, i) + number(oidIfOutPkts, i), errors: number(oidIfInErr, i) + number(oidIfOutErr, i), counted: counted,
		})
	}
	sortBy(s.interfaces, func(x snmpInterface) string { return fmt.Sprintf("%12s", x.index) })
}

// sensors reads what the maker's own tables say, and the standard ones where they say nothing.
func (w *walker) sensors(s *snmpState) {
	enterprise, _, _ := strings.Cut(strings.TrimPrefix(s.object, "1.3.6.1.4.1."), ".")
	v, known := vendors[enterprise]
	s.vendor = v.name
	names := w.column(oidEntityName)
	label := func(i string) string {
		if n := snmpText(names[i]); n != "" {
			return n
		}
		return i
	}
	if known {
		s.cpu = v.values(w.column(v.cpu), nil, label)
		s.memory = v.values(w.column(v.memory), nil, label)
		if v.used != "" {
			free := w.column(v.free)
			for i, u := range w.column(v.used) {
				used, rest := snmpNumber(u), snmpNumber(free[i])
				if used+rest > 0 {
					s.memory = append(s.memory, snmpValue{label(i), 100 * used / (used + rest), 0})
				}
			}
		}
		s.temperatures = v.values(w.column(v.temperature), w.column(v.limit), label)
		for _, c := range []struct {
			oid, kind string
			bad       map[int64]string
		}{{v.fan, "风扇", v.fanBad}, {v.power, "电源", v.powerBad}, {v.error, "部件", v.errorBad}} {
			for i, p := range w.column(c.oid) {
				s.parts = append(s.parts, snmpPart{label(i), c.kind, c.bad[int64(snmpNumber(p))]})
			}
		}
	}
	if len(s.cpu) == 0 {
		for i, p := range w.column(oidHrLoad) {
			s.cpu = append(s.cpu, snmpValue{"处理器 " + i, snmpNumber(p), 0})
		}
	}
	if len(s.memory) == 0 {
		w.hostMemory(s)
	}
	if len(s.temperatures) == 0 {
		w.standardSensors(s, label)
	}
	for _, list := range [][]snmpValue{s.cpu, s.memory, s.temperatures} {
		sortBy(list, func(x snmpValue) string { return x.name })
	}
	sortBy(s.parts, func(x snmpPart) string { return x.kind + x.name })
}

// values are those of a maker's column that mean something: parts without the sensor say 0.
func (v vendor) values(column, limits map[string]gosnmp.SnmpPDU, label func(string) string) []snmpValue {
	var out []snmpValue
	for i, p := range column {
		n := snmpNumber(p)
		if n == 0 || v.invalid[n] {
			continue
		}
		limit := snmpNumber(limits[i])
		if v.invalid[limit] || limit < 20 {
			limit = 0
		}
		out = append(out, snmpValue{label(i), n, limit})
	}
	return out
}

func (w *walker) hostMemory(s *snmpState) {
	names, sizes, used := w.column(oidHrName), w.column(oidHrSize), w.column(oidHrUsed)
	for i, kind := range w.column(oidHrType) {
		if strings.TrimPrefix(snmpText(kind), ".") != oidHrRAM {
			continue
		}
		size, in := snmpNumber(sizes[i]), snmpNumber(used[i])
		if size > 0 && !strings.Contains(strings.ToLower(snmpText(names[i])), "virtual") {
			s.memory = append(s.memory, snmpValue{snmpText(names[i]), 100 * in / size, 0})
		}
	}
}

// standardSensors reads temperatures of ENTITY-SENSOR-MIB: type 8 is °C, the unit is a power of a
// thousand (9 is one), the precision a number of decimals.
func (w *walker) standardSensors(s *snmpState, label func(string) string) {
	values := w.column(oidSensor)
	if len(values) == 0 {
		return
	}
	units, precision := w.column(oidSensorUnit), w.column(oidSensorPrec)
	for i, kind := range w.column(oidSensorType) {
		if snmpNumber(kind) != 8 {
			continue
		}
		v := snmpNumber(values[i])
		for range int(snmpNumber(precision[i])) {
			v /= 10
		}
		if snmpNumber(units[i]) == 8 {
			v /= 1000
		}
		s.temperatures = append(s.temperatures, snmpValue{label(i), v, 0})
	}
}
