package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

// Bounds of one reading.
const (
	maxAnswer = 32 << 20 // bytes of one answer
	maxTotal  = 256 << 20
	maxTime   = 5 * time.Minute
	perCall   = 60 * time.Second
)

// endpoint is the last part of the address of every API.
const endpoint = "api_jsonrpc.php"

// Config says where the server is and who asks.
type Config struct {
	// URL of the frontend or of its api_jsonrpc.php.
	URL string
	// Token is an API token (5.4 and later). Without one, User and Password sign in.
	Token    secret.Text
	User     string
	Password secret.Text
	// CA are further authorities in PEM. Fingerprint, the SHA-256 of the server's certificate in hex, stands
	// in for any authority.
	CA          string
	Fingerprint string
	// Plain lets token and password go over HTTP without TLS.
	Plain bool
	// Dial makes connections; nil for the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client asks one server. It is used by one goroutine at a time.
type Client struct {
	url     string
	cfg     Config
	http    *http.Client
	version Version
	session string // of user.login
	id      int
	read    int64
}

// New checks the address and prepares a client; nothing is connected yet.
func New(c Config) (*Client, error) {
	at, err := address(c)
	if err != nil {
		return nil, err
	}
	if c.Token.Empty() && (c.User == "" || c.Password.Empty()) {
		return nil, problem.InvalidField("body.token", "required", "an API token, or a user with a password")
	}
	verify, err := trust(c)
	if err != nil {
		return nil, err
	}
	return &Client{
		url: at, cfg: c,
		http: &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: verify, DialContext: c.Dial, Proxy: nil,
				TLSHandshakeTimeout: 15 * time.Second, MaxIdleConns: 1, MaxResponseHeaderBytes: 64 << 10,
			},
			Timeout:       perCall,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends the session, when there is one, and the connections.
func (c *Client) Close(ctx context.Context) {
	if c.session != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = c.call(ctx, "user.logout", []any{}, nil) // it ends by itself later
		c.session = ""
	}
	c.http.CloseIdleConnections()
}

func address(c Config) (string, error) {
	wrong := func(code, format string, args ...any) (string, error) {
		return "", problem.InvalidField("body.url", code, format, args...)
	}
	u, err := url.Parse(strings.TrimSpace(c.URL))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return wrong("not_an_address", "the address of the frontend, such as https://zabbix.example/zabbix/")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !c.Plain {
			return wrong("not_encrypted", "over http the token can be read on the way: give an https address, or say that it may go unencrypted")
		}
	default:
		return wrong("not_an_address", "an https address")
	}
	if !strings.HasSuffix(u.Path, ".php") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + endpoint
	} else if !strings.HasSuffix(u.Path, "/"+endpoint) {
		u.Path = u.Path[:strings.LastIndexByte(u.Path, '/')+1] + endpoint // copied from the browser
	}
	return u.String(), nil
}

func trust(c Config) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Fingerprint != "" {
		want, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(c.Fingerprint), ":", ""), " ", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, problem.InvalidField("body.fingerprint", "not_a_fingerprint", "the SHA-256 of the certificate: 64 hexadecimal digits")
		}
		out.InsecureSkipVerify = true // the one certificate is known
		out.VerifyConnection = func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if !bytes.Equal(got[:], want) {
				return wrongCertificate{hex.EncodeToString(got[:])}
			}
			return nil
		}
		return out, nil
	}
	if c.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(c.CA)) {
			return nil, problem.InvalidField("body.ca", "not_a_certificate", "certificates in PEM")
		}
		out.RootCAs = pool
	}
	return out, nil
}

type wrongCertificate struct{ got string }

func (w wrongCertificate) Error() string { return "the server shows the certificate " + w.got }

// Version is that of the API, which is the server's.
type Version struct{ Major, Minor int }

// String writes 6.4.
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// from reports a version that is not older than another.
func (v Version) from(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

func parseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("%q is no version", shorten(s))
	}
	major, errA := strconv.Atoi(parts[0])
	minor, errB := strconv.Atoi(parts[1])
	if errA != nil || errB != nil {
		return Version{}, fmt.Errorf("%q is no version", shorten(s))
	}
	return Version{major, minor}, nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

// apiError is what the server refuses with.
type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
}

func (e *apiError) Error() string {
	return "Zabbix: " + shorten(strings.TrimSpace(e.Message+" "+e.Data))
}

// denied reports the words of every version for an account that may not.
func (e *apiError) denied() bool {
	t := strings.ToLower(e.Message + " " + e.Data)
	for _, w := range []string{
		"not authori", "session terminated", "re-login", "incorrect user name", "login name or password", "no permissions",
		"api token", "no api access", "account is temporarily blocked", "gui access denied",
	} {
		if strings.Contains(t, w) {
			return true
		}
	}
	return false
}

// call asks one method. Only reading methods and those of the own session are called.
func (c *Client) call(ctx context.Context, method string, params any, out any) error {
	c.id++
	body := map[string]any{"jsonrpc": "2.0", "method": method, "params": params, "id": c.id}
	open := method == "apiinfo.version" || method == "user.login"
	key := c.session
	if key == "" {
		key = c.cfg.Token.Reveal()
	}
	bearer := c.version.from(6, 4)
	if !open && !bearer {
		body["auth"] = key
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("ask %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json-rpc")
	if !open && bearer {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if c.read += int64(len(answer)); len(answer) > maxAnswer || c.read > maxTotal {
		return problem.New(problem.TooLarge, "the server answers with more than %d MiB", maxAnswer>>20)
	}
	if res.StatusCode != http.StatusOK {
		return notZabbix("the server answers with HTTP status %d at %s", res.StatusCode, c.url)
	}
	var reply struct {
		Version string          `json:"jsonrpc"`
		Result  json.RawMessage `json:"result"`
		Error   *apiError       `json:"error"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil || reply.Version != "2.0" {
		return notZabbix("what answers at %s is no Zabbix API", c.url)
	}
	if reply.Error != nil {
		return reply.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Result, out); err != nil {
		return notZabbix("the answer to %s is not understood: %v", method, err)
	}
	return nil
}

func notZabbix(format string, args ...any) error {
	return problem.InvalidField("body.url", "not_zabbix", format, args...)
}

// unreachable says in the words of a person why no answer came.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ask Zabbix: %w", err)
	}
	var said *problem.Error // by whoever holds connections to some networks
	if errors.As(err, &said) {
		return said
	}
	var pinned wrongCertificate
	var unknown *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &pinned):
		return problem.InvalidField("body.fingerprint", "another_certificate", "the server shows a certificate with the fingerprint %s", pinned.got).With(err)
	case errors.As(err, &unknown):
		return problem.InvalidField("body.ca", "not_trusted", "the certificate of the server is not trusted: %v; give its authority or its fingerprint", unknown.Err).With(err)
	case errors.As(err, &record):
		return problem.InvalidField("body.url", "not_encrypted", "the server does not speak TLS at this address").With(err)
	case errors.As(err, &dns):
		return problem.InvalidField("body.url", "unknown_host", "the name %s is not known", dns.Name).With(err)
	case isTimeout(err):
		return problem.InvalidField("body.url", "no_answer", "no answer within the time").With(err)
	}
	return problem.InvalidField("body.url", "unreachable", "the server is not reached: %v", rootCause(err)).With(err)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// rootCause is the innermost reason, without the address that says nothing new.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// begin finds the version and signs in.
func (c *Client) begin(ctx context.Context) error {
	var v string
	if err := c.call(ctx, "apiinfo.version", []any{}, &v); err != nil {
		var refused *apiError
		if errors.As(err, &refused) {
			return notZabbix("the server does not tell its version: %v", refused)
		}
		return err
	}
	var err error
	if c.version, err = parseVersion(v); err != nil {
		return notZabbix("%v", err)
	}
	if !c.version.from(4, 0) {
		return problem.InvalidField("body.url", "too_old", "the server is of version %s; 4.0 and later are read; export a file instead", c.version)
	}
	if !c.cfg.Token.Empty() {
		if !c.version.from(5, 4) {
			return problem.InvalidField("body.token", "not_in_version", "version %s has no API tokens, they came with 5.4: give a user with a password", c.version)
		}
		return nil
	}
	name := "username"
	if !c.version.from(5, 4) {
		name = "user"
	}
	err = c.call(ctx, "user.login", map[string]any{name: c.cfg.User, "password": c.cfg.Password.Reveal()}, &c.session)
	return c.explain(err)
}

// explain turns a refusal into what a person can act on.
func (c *Client) explain(err error) error {
	var refused *apiError
	if !errors.As(err, &refused) {
		return err
	}
	field := "body.token"
	if c.cfg.Token.Empty() {
		field = "body.password"
	}
	if refused.denied() {
		return problem.InvalidField(field, "refused", "%v (version %s)", refused, c.version)
	}
	return notZabbix("%v (version %s)", refused, c.version)
}
