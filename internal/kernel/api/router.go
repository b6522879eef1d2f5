package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// SessionCookie is the name of the cookie that carries the session.
const SessionCookie = "taxops_session"

// Prefix is where the operations live.
const Prefix = "/api/v1"

// Guard decides who calls and what they may do. Package access implements it.
type Guard interface {
	// Identify finds the person behind a session token. It returns a context that carries whatever
	// later layers need to know of them (the journal's actor). Without a valid session it returns a
	// problem with code unauthenticated or session_idle.
	Identify(ctx context.Context, r SignedRequest) (context.Context, Caller, error)
	// Authorize returns what the caller may see under a permission, or a problem with code
	// forbidden or fresh_sign_in_required.
	Authorize(ctx context.Context, c Caller, n Need) (store.Scope, error)
}

// SignedRequest is what a request shows of its sender.
type SignedRequest struct {
	Token     string // of the session cookie
	Remote    string
	UserAgent string
	// Passive requests come from a screen nobody touches (live updates): they do not keep a session
	// from locking.
	Passive bool
}

// Need is what an operation asks of its caller.
type Need struct {
	Permission string // "" for operations of one's own account
	Fresh      bool   // the caller proved who they are within the last minutes
}

// Operation declares one operation.
type Operation struct {
	ID      string // "inspect.findings.list": also the client's name for it
	Method  string
	Path    string // below Prefix: "/inspect/findings"
	Summary string
	Doc     string

	// Exactly one of these says who may call: a permission, Self for any signed-in person about
	// their own account, Public with the reason why nobody needs to be signed in.
	Permission string
	Self       bool
	Public     string

	Fresh     bool  // needs a recent proof of identity
	Sensitive bool  // the answer holds a secret: it is never kept for a repeat
	Passive   bool  // never counts as a sign of life of the person
	Status    int   // of success; 0 lets huma choose
	MaxBody   int64 // bytes; 0 means 256 KiB
	Codes     []problem.Code
}

// Info is what the router knows of an operation, for the reference and for tests that call each.
type Info struct{ Operation }

// Router collects operations.
type Router struct {
	api   huma.API
	mux   *http.ServeMux
	guard Guard
	db    *store.DB
	log   *slog.Logger
	infos []Info
	errs  []error

	exported func(ctx context.Context, x Exported) error
	places   func(ctx context.Context) (Titles, error)
	exports  chan struct{} // one place for each export that is being written
}

// Config is what a router needs.
type Config struct {
	Version string
	Guard   Guard
	DB      *store.DB // for Idempotency-Key
	Log     *slog.Logger
	// Exported records that a list was taken away; without it every export fails.
	Exported func(ctx context.Context, x Exported) error
	// Places names areas by their path and systems by their id, for exports; nil leaves them as they are.
	Places func(ctx context.Context) (Titles, error)
}

// ownRefusals has huma build its refusals as ours. It takes them from two variables of its package and
// from nowhere else; set once, because a router is made while another one already reads them.
var ownRefusals = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return humaError(ctx.Context(), status, msg, errs...)
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaError(context.Background(), status, msg, errs...)
	}
})

// NewRouter makes a router without operations.
func NewRouter(c Config) *Router {
	ownRefusals()
	cfg := huma.DefaultConfig("taxops", c.Version)
	cfg.CreateHooks = nil // no $schema in bodies
	cfg.DocsPath, cfg.OpenAPIPath, cfg.SchemasPath = "", "", ""
	cfg.Info.Description = "Operations platform for tax systems. Times are RFC 3339 in UTC; lists are paged by cursor; problems follow RFC 9457."
	cfg.Info.License = &huma.License{Name: "Proprietary"}
	cfg.Servers = []*huma.Server{{URL: Prefix}}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "Given by POST /access/sign-in"},
	}
	mux := http.NewServeMux()
	return &Router{
		api: humago.NewWithPrefix(mux, Prefix, cfg), mux: mux, guard: c.Guard, db: c.DB, log: c.Log,
		exported: c.Exported, places: c.Places, exports: make(chan struct{}, exportsAtOnce),
	}
}

// Mux is the multiplexer that the operations are registered on.
func (r *Router) Mux() *http.ServeMux { return r.mux }

// OpenAPI returns the document as indented JSON.
func (r *Router) OpenAPI() ([]byte, error) {
	b, err := json.MarshalIndent(r.api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return append(b, '\n'), nil
}

// Operations lists what is registered, in order of id.
func (r *Router) Operations() []Info {
	out := slices.Clone(r.infos)
	slices.SortFunc(out, func(a, b Info) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// Err returns what is wrong with the operations registered: the program does not start with it.
func (r *Router) Err() error { return errors.Join(r.errs...) }

// check notes what is wrong with a declaration and reports whether it can be registered at all.
func (r *Router) check(op Operation) bool {
	had := len(r.errs)
	n := 0
	for _, given := range []bool{op.Permission != "", op.Self, op.Public != ""} {
		if given {
			n++
		}
	}
	if n != 1 {
		r.errs = append(r.errs, fmt.Errorf("operation %s names %d of permission, self, public: exactly one is needed", op.ID, n))
	}
	for _, i := range r.infos {
		if i.ID == op.ID {
			r.errs = append(r.errs, fmt.Errorf("operation %s is registered twice", op.ID))
		} else if i.Method == op.Method && i.Path == op.Path {
			r.errs = append(r.errs, fmt.Errorf("operations %s and %s are both %s %s", i.ID, op.ID, op.Method, op.Path))
		}
	}
	if op.ID == "" || op.Summary == "" {
		r.errs = append(r.errs, fmt.Errorf("operation %s %s needs an id and a summary", op.Method, op.Path))
	}
	return len(r.errs) == had
}

// Register adds an operation. I holds path, query and body as huma describes; O holds the answer.
func Register[I, O any](r *Router, op Operation, handle func(ctx context.Context, in *I) (*O, error)) {
	if !r.check(op) {
		return // Err tells, and the program does not start
	}
	r.infos = append(r.infos, Info{op})
	maxBody := op.MaxBody
	if maxBody == 0 {
		maxBody = 256 << 10
	}
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.describe(),
		Tags: []string{tagOf(op.ID)}, DefaultStatus: op.Status, MaxBodyBytes: maxBody,
		Middlewares: huma.Middlewares{r.admit(op)},
	}
	if op.Public == "" {
		h.Security = []map[string][]string{{"session": {}}}
	} else {
		h.Security = []map[string][]string{}
	}
	if op.Method == http.MethodPost {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(128)},
			Description: "Makes a repeat of this request harmless: it takes effect once and is answered alike",
		})
	}
	huma.Register(r.api, h, func(ctx context.Context, in *I) (*O, error) {
		if err := checkText(in); err != nil {
			return nil, toProblem(ctx, r.log, err)
		}
		out, err := once(ctx, r, op, in, handle)
		if err != nil {
			return nil, toProblem(ctx, r.log, err)
		}
		return out, nil
	})
}

func (op Operation) describe() string {
	d := op.Doc
	switch {
	case op.Permission != "":
		d += "\n\nPermission: `" + op.Permission + "`."
	case op.Self:
		d += "\n\nAny signed-in person, about themselves."
	default:
		d += "\n\nPublic: " + op.Public + "."
	}
	if op.Fresh {
		d += " Needs a recent proof of identity (`/access/reauthenticate`)."
	}
	for i, c := range op.Codes {
		if i == 0 {
			d += "\n\nProblems:"
		}
		d += " `" + string(c) + "`"
	}
	return d
}

// admit identifies and authorizes before the input is read.
func (r *Router) admit(op Operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		ctx := hc.Context()
		if op.Public == "" {
			var token string
			if c, err := huma.ReadCookie(hc, SessionCookie); err == nil {
				token = c.Value
			}
			ctx2, caller, err := r.guard.Identify(ctx, SignedRequest{
				Token: token, Remote: Remote(ctx), UserAgent: hc.Header("User-Agent"),
				Passive: op.Passive || hc.Header("Taxops-Passive") != "",
			})
			if err != nil {
				r.refuse(hc, err)
				return
			}
			ctx = context.WithValue(ctx2, callerKey{}, caller)
			scope, err := r.guard.Authorize(ctx, caller, Need{Permission: op.Permission, Fresh: op.Fresh})
			if err != nil {
				r.refuse(hc, err)
				return
			}
			ctx = context.WithValue(ctx, scopeKey{}, scope)
		}
		if op.Method == http.MethodPost {
			if key := hc.Header("Idempotency-Key"); key != "" {
				if len(key) > 128 {
					r.refuse(hc, problem.InvalidField("header.Idempotency-Key", "too_long", "at most 128 characters"))
					return
				}
				ctx = context.WithValue(ctx, idemKey{}, key)
			}
		}
		next(huma.WithContext(hc, ctx))
	}
}

func (r *Router) refuse(hc huma.Context, err error) {
	p := toProblem(hc.Context(), r.log, err)
	writeProblem(hc.SetHeader, hc.SetStatus, hc.BodyWriter(), p)
}

// once answers a repeated request as the first was answered, and otherwise has the first Write of
// the handler claim the key.
func once[I, O any](ctx context.Context, r *Router, op Operation, in *I, handle func(context.Context, *I) (*O, error)) (*O, error) {
	key, _ := ctx.Value(idemKey{}).(string)
	if key == "" || r.db == nil {
		return handle(ctx, in)
	}
	owner := CallerFrom(ctx).AccountID
	if owner == "" {
		owner = "public:" + Remote(ctx)
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("hash the request: %w", err)
	}
	sum := sha256.Sum256(append([]byte(op.ID+"\x00"), b...))
	request := hex.EncodeToString(sum[:])
	row, err := r.db.FindOnce(ctx, owner, key)
	if err != nil {
		return nil, err
	}
	if row != nil {
		switch {
		case row.Request != request:
			return nil, problem.New(problem.DuplicateRequest, "this Idempotency-Key was used for another request")
		case row.Status == 0 || row.Status == store.AnswerForgotten:
			return nil, problem.New(problem.DuplicateRequest, "a request with this Idempotency-Key was carried out already; its answer is not kept")
		}
		out := new(O)
		if err := json.Unmarshal(row.Body, out); err != nil {
			return nil, fmt.Errorf("answer kept for the repeat: %w", err)
		}
		return out, nil
	}
	out, err := handle(store.WithOnce(ctx, store.Once{Owner: owner, Key: key, Request: request}), in)
	if err != nil || op.Sensitive {
		return out, err
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("keep the answer: %w", err)
	}
	if err := r.db.KeepAnswer(context.WithoutCancel(ctx), owner, key, http.StatusOK, body); err != nil {
		// The effect is on disc; a repeat will be refused instead of answered alike.
		r.log.WarnContext(ctx, "answer not kept for a repeat", "request_id", RequestID(ctx), "error", err)
	}
	return out, nil
}

func tagOf(id string) string {
	for i, c := range id {
		if c == '.' {
			return id[:i]
		}
	}
	return id
}

func ptr[T any](v T) *T { return &v }

// ListParams are the query parameters of every list; embed it in the input.
type ListParams struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Rows a page"`
	Cursor string `query:"cursor" maxLength:"1400" doc:"next_cursor of the page before"`
	Sort   string `query:"sort" maxLength:"60" doc:"A field of the list, with - before it for descending"`
}

// Query joins the parameters with the filters of the list.
func (p ListParams) Query(filters map[string]string) store.ListQuery {
	return store.ListQuery{Filters: filters, Sort: p.Sort, Cursor: p.Cursor, Limit: p.Limit}
}

// Page is the answer of a list.
type Page[T any] struct {
	Items       []T    `json:"items" nullable:"false"`
	NextCursor  string `json:"next_cursor" doc:"Cursor of the next page, empty at the end"`
	Total       int    `json:"total" doc:"Rows that match, exact up to 10000"`
	TotalCapped bool   `json:"total_capped" doc:"There are more than total"`
}

// PageOutput is a list as an operation's output.
type PageOutput[T any] struct{ Body Page[T] }

// ToPage makes the answer of a list from a page of the store.
func ToPage[T, U any](p store.Page[T], f func(T) U) *PageOutput[U] {
	m := store.MapPage(p, f)
	return &PageOutput[U]{Body: Page[U]{Items: m.Items, NextCursor: m.NextCursor, Total: m.Total, TotalCapped: m.TotalCapped}}
}

// Output is a plain answer.
type Output[T any] struct{ Body T }

// Items is an answer with a short, complete list.
type Items[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// None is the answer without a body.
type None struct{}

// IDInput is the input of operations on one thing.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}
