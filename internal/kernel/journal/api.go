package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Permissions that the operations ask for; package access declares them.
const (
	permRead         = "journal.read"
	permVerify       = "journal.verify"
	permExport       = "journal.export"
	permReveal       = "journal.reveal"
	permSubscription = "journal.subscription.manage"
)

// wholeDoc is what operations say that concern the chain as a whole.
const wholeDoc = " The permission is needed for the whole installation."

type journalActor struct {
	Kind        string `json:"kind" enum:"account,system"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

type journalSubject struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// JournalRow is a row as the API shows it; exported so that the API description shows embedded fields.
type JournalRow struct {
	Seq       int64             `json:"seq"`
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	TitleZH   string            `json:"title_zh"`
	TitleEN   string            `json:"title_en"`
	At        time.Time         `json:"at"`
	Actor     journalActor      `json:"actor"`
	Subject   journalSubject    `json:"subject"`
	AreaPath  string            `json:"area_path"`
	SystemID  string            `json:"system_id"`
	RequestID string            `json:"request_id"`
	Fields    map[string]any    `json:"fields"`
	Private   map[string]string `json:"private" doc:"The text, or erased, or masked"`
	Names     map[string]string `json:"names" doc:"What the accounts are called whose ids the fields and the subject hold"`
	Hash      string            `json:"hash" doc:"SM3, hexadecimal"`
	Prev      string            `json:"prev" doc:"Hash of the row before"`
}

type journalProof struct {
	Number int64    `json:"number"`
	Leaf   string   `json:"leaf"`
	Proof  []string `json:"proof" nullable:"false" doc:"Path from the leaf to the root"`
	Root   string   `json:"root"`
}

type journalRowDetail struct {
	JournalRow
	Canonical string        `json:"canonical" doc:"The record that is hashed, RFC 8785"`
	Segment   *journalProof `json:"segment" doc:"null while the row's segment is open"`
}

type journalVerification struct {
	ID         string       `json:"id"`
	State      string       `json:"state" enum:"running,ok,bad,failed"`
	StartedAt  time.Time    `json:"started_at"`
	FinishedAt *time.Time   `json:"finished_at,omitempty"`
	Rows       int64        `json:"rows"`
	Pending    int64        `json:"pending"`
	Bad        []journalBad `json:"bad" nullable:"false"`
	StartedBy  string       `json:"started_by"`
	Head       string       `json:"head"`
}

type journalBad Bad

type journalSegment struct {
	Number            int64      `json:"number"`
	FirstSeq          int64      `json:"first_seq"`
	LastSeq           int64      `json:"last_seq"`
	Root              string     `json:"root"`
	PrevRoot          string     `json:"prev_root"`
	ClosedAt          time.Time  `json:"closed_at"`
	Signature         string     `json:"signature"`
	SignerFingerprint string     `json:"signer_fingerprint"`
	CopiedAt          *time.Time `json:"copied_at,omitempty" doc:"When this server copied it outside the database"`
}

type journalParked struct {
	Subject  string    `json:"subject"`
	Seq      int64     `json:"seq"`
	Error    string    `json:"error"`
	Since    time.Time `json:"since"`
	Waiting  int64     `json:"waiting" doc:"Later rows of the subject that wait behind it"`
	Retrying bool      `json:"retrying"`
}

type journalSubscription struct {
	Name   string          `json:"name"`
	Cursor int64           `json:"cursor"`
	Head   int64           `json:"head"`
	Lag    int64           `json:"lag" doc:"Rows that it still has to handle, exact up to 10000"`
	Parked []journalParked `json:"parked" nullable:"false"`
}

type journalField struct {
	Name     string `json:"name"`
	TitleZH  string `json:"title_zh"`
	TitleEN  string `json:"title_en"`
	Private  bool   `json:"private"`
	Optional bool   `json:"optional"`
}

type journalType struct {
	Type    string         `json:"type"`
	TitleZH string         `json:"title_zh"`
	TitleEN string         `json:"title_en"`
	Fields  []journalField `json:"fields" nullable:"false"`
}

// RowFilters narrow the rows; exported because only exported parts of an input are read.
type RowFilters struct {
	Type        string `query:"type" maxLength:"2000" doc:"One or more, separated by commas"`
	ActorID     string `query:"actor_id" maxLength:"2000"`
	SubjectKind string `query:"subject_kind" maxLength:"200"`
	SubjectID   string `query:"subject_id" maxLength:"2000"`
	AreaPath    string `query:"area_path" maxLength:"200"`
	SystemID    string `query:"system_id" maxLength:"2000"`
	From        string `query:"from" maxLength:"40" doc:"Written at or after this time"`
	To          string `query:"to" maxLength:"40" doc:"Written before this time"`
}

func (f *RowFilters) filters() map[string]string {
	return map[string]string{
		"type": f.Type, "actor_id": f.ActorID, "subject_kind": f.SubjectKind, "subject_id": f.SubjectID,
		"area_path": f.AreaPath, "system_id": f.SystemID, "from": f.From, "to": f.To,
	}
}

type rowsInput struct {
	api.ListParams
	RowFilters
}

type seqInput struct {
	Seq int64 `path:"seq" minimum:"1"`
}

type journalReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

type revealInput struct {
	Seq  int64 `path:"seq" minimum:"1"`
	Body journalReason
}

type parkedInput struct {
	Name    string `path:"name" maxLength:"100"`
	Subject string `path:"subject" maxLength:"300"`
	Body    journalReason
}

type exportInput struct{}

// Routes declares the operations of the journal.
func (j *Journal) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "journal.rows.list", Method: http.MethodGet, Path: "/journal/rows", Permission: permRead,
		Summary: "List rows", Doc: "Chained rows, the latest first. Sort by seq or -seq. Private values are masked.",
	}, func(ctx context.Context, in *rowsInput) (*api.PageOutput[JournalRow], error) {
		page, err := j.views(ctx, in.Query(in.filters()))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(row JournalRow) JournalRow { return row }), nil
	})
	j.exportRoutes(r)
	api.Register(r, api.Operation{
		ID: "journal.rows.get", Method: http.MethodGet, Path: "/journal/rows/{seq}", Permission: permRead,
		Summary: "Read a row", Doc: "With the record that is hashed and the proof that leads to its segment's root.", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *seqInput) (*api.Output[journalRowDetail], error) {
		return j.detail(ctx, in.Seq, false)
	})
	api.Register(r, api.Operation{
		ID: "journal.rows.reveal", Method: http.MethodPost, Path: "/journal/rows/{seq}/reveal", Permission: permReveal, Sensitive: true, Status: http.StatusOK,
		Summary: "Show private values", Doc: "Shows the private values of one row and records who looked, and why.", Codes: []problem.Code{problem.NotFound},
	}, j.reveal)
	j.verificationRoutes(r)
	j.subscriptionRoutes(r)
	api.Register(r, api.Operation{
		ID: "journal.segments.list", Method: http.MethodGet, Path: "/journal/segments", Permission: permRead,
		Summary: "List segments", Doc: "Closed parts of the chain with their signed roots, the latest first." + wholeDoc,
		Codes: []problem.Code{problem.Forbidden},
	}, func(ctx context.Context, in *api.ListParams) (*api.PageOutput[journalSegment], error) {
		page, err := j.pageOfSegments(ctx, in.Query(nil))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(s journalSegment) journalSegment { return s }), nil
	})
	api.Register(r, api.Operation{
		ID: "journal.types.list", Method: http.MethodGet, Path: "/journal/types", Permission: permRead, Summary: "List types of rows",
	}, func(context.Context, *struct{}) (*api.Output[api.Items[journalType]], error) {
		out := &api.Output[api.Items[journalType]]{Body: api.Items[journalType]{Items: []journalType{}}}
		for _, t := range j.Types() {
			v := journalType{Type: t.Name, TitleZH: t.TitleZH, TitleEN: t.TitleEN, Fields: []journalField{}}
			for _, f := range t.Fields {
				v.Fields = append(v.Fields, journalField(f))
			}
			out.Body.Items = append(out.Body.Items, v)
		}
		return out, nil
	})
	api.Register(r, api.Operation{
		ID: "journal.export", Method: http.MethodGet, Path: "/journal/export", Permission: permExport,
		Summary: "Download the journal", Doc: "JSON Lines: the signed head, then a row with its proof a line. `taxops journal verify --in` checks the file. Recorded.",
		Codes: []problem.Code{problem.Forbidden},
	}, j.download)
}

func (j *Journal) verificationRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "journal.verify", Method: http.MethodPost, Path: "/journal/verify", Permission: permVerify, Status: http.StatusOK,
		Summary: "Verify the journal", Doc: "Starts a verification in the background; one runs at a time, and a restart takes it up again." + wholeDoc,
		Codes: []problem.Code{alreadyRunning, problem.Forbidden},
	}, func(ctx context.Context, _ *struct{}) (*api.Output[journalVerification], error) {
		if err := j.wholeOnly(ctx); err != nil {
			return nil, err
		}
		id, err := j.StartVerification(ctx)
		if err != nil {
			return nil, err
		}
		row := new(verificationRow)
		if err := j.db.Read().NewSelect().Model(row).Where("id = ?", id).Scan(ctx); err != nil {
			return nil, fmt.Errorf("read the verification: %w", err)
		}
		called, err := j.call(ctx, row.StartedBy)
		if err != nil {
			return nil, err
		}
		return &api.Output[journalVerification]{Body: row.view(called)}, nil
	})
	api.Register(r, api.Operation{
		ID: "journal.verifications.list", Method: http.MethodGet, Path: "/journal/verifications", Permission: permRead, Summary: "List verifications", Doc: "The latest first." + wholeDoc,
		Codes: []problem.Code{problem.Forbidden},
	}, func(ctx context.Context, in *api.ListParams) (*api.PageOutput[journalVerification], error) {
		page, err := j.pageOfVerifications(ctx, in.Query(nil))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(v journalVerification) journalVerification { return v }), nil
	})
}

func (j *Journal) subscriptionRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "journal.subscriptions.list", Method: http.MethodGet, Path: "/journal/subscriptions", Permission: permRead,
		Summary: "List subscriptions", Doc: "Where each subscription stands, and the subjects that it has parked." + wholeDoc,
		Codes: []problem.Code{problem.Forbidden},
	}, func(ctx context.Context, _ *struct{}) (*api.Output[api.Items[journalSubscription]], error) {
		if err := j.wholeOnly(ctx); err != nil {
			return nil, err
		}
		all, err := j.Subscriptions(ctx)
		if err != nil {
			return nil, err
		}
		out := &api.Output[api.Items[journalSubscription]]{Body: api.Items[journalSubscription]{Items: []journalSubscription{}}}
		for _, s := range all {
			v := journalSubscription{Name: s.Name, Cursor: s.Cursor, Head: s.Head, Lag: s.Lag, Parked: []journalParked{}}
			for _, p := range s.Parked {
				v.Parked = append(v.Parked, journalParked{Subject: p.Subject, Seq: p.Seq, Error: p.Error, Since: p.Since, Waiting: p.Waiting, Retrying: p.Retry})
			}
			out.Body.Items = append(out.Body.Items, v)
		}
		return out, nil
	})
	for _, op := range []struct {
		name, summary, doc string
		do                 func(ctx context.Context, subscription, subject, reason string) error
	}{
		{"retry", "Try a parked subject again", "Handles the row that failed and those behind it, in order.", j.Retry},
		{"skip", "Give up a parked row", "Leaves the row that failed unhandled and goes on with those behind it.", j.Skip},
	} {
		api.Register(r, api.Operation{
			ID: "journal.subscriptions." + op.name, Method: http.MethodPost, Path: "/journal/subscriptions/{name}/parked/{subject}/" + op.name,
			Permission: permSubscription, Status: http.StatusNoContent, Summary: op.summary, Doc: op.doc + " Recorded with the reason.",
			Codes: []problem.Code{problem.NotFound},
		}, func(ctx context.Context, in *parkedInput) (*api.None, error) {
			if err := j.wholeOnly(ctx); err != nil {
				return nil, err
			}
			reason, err := in.Body.reason()
			if err != nil {
				return nil, err
			}
			return &api.None{}, op.do(ctx, in.Name, in.Subject, reason)
		})
	}
}

func (j *Journal) detail(ctx context.Context, seq int64, open bool) (*api.Output[journalRowDetail], error) {
	row, st, err := j.visible(ctx, seq, open)
	if err != nil {
		return nil, err
	}
	called, err := j.callNames(ctx, row)
	if err != nil {
		return nil, err
	}
	out := &api.Output[journalRowDetail]{Body: journalRowDetail{JournalRow: j.view(row, called), Canonical: string(st.bytes)}}
	p, err := j.proofOf(ctx, seq)
	if err != nil {
		return nil, err
	}
	if p != nil {
		out.Body.Segment = &journalProof{Number: p.Number, Leaf: hexOf(p.Leaf), Root: hexOf(p.Root), Proof: make([]string, len(p.Path))}
		for i, h := range p.Path {
			out.Body.Segment.Proof[i] = hexOf(h)
		}
	}
	return out, nil
}

// visible reads a row that the caller may see; any other one does not exist for them.
func (j *Journal) visible(ctx context.Context, seq int64, open bool) (Row, stored, error) {
	row, st, err := j.find(ctx, seq, open)
	if store.NoRows(err) || err == nil && !api.ScopeFrom(ctx).Covers(row.AreaPath, row.SystemID) {
		return Row{}, stored{}, problem.Missing("journal row", strconv.FormatInt(seq, 10))
	}
	return row, st, err
}

func (j *Journal) reveal(ctx context.Context, in *revealInput) (*api.Output[journalRowDetail], error) {
	reason, err := in.Body.reason()
	if err != nil {
		return nil, err
	}
	row, _, err := j.visible(ctx, in.Seq, false)
	if err != nil {
		return nil, err
	}
	// The record comes first: nobody sees what they could then deny having seen.
	err = j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := j.Append(ctx, tx, Entry{
			Type: typeRevealed, Subject: Subject{Kind: subjectRow, ID: row.ID}, AreaPath: row.AreaPath, SystemID: row.SystemID,
			Fields: map[string]any{"seq": row.Seq, "reason": reason},
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return j.detail(ctx, in.Seq, true)
}

func (j *Journal) download(ctx context.Context, _ *exportInput) (*huma.StreamResponse, error) {
	if err := j.wholeOnly(ctx); err != nil {
		return nil, err
	}
	if err := j.db.Read().NewSelect().ColumnExpr("1").Scan(ctx, new(int)); err != nil { // before the answer begins
		return nil, store.Classify(fmt.Errorf("export the journal: %w", err))
	}
	name := "taxops-journal-" + store.Day(j.clock.Now()) + ".jsonl"
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/x-ndjson")
		hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		if err := j.Export(ctx, api.PatientWriter(hc.BodyWriter(), clock.System{})); err != nil {
			j.log.ErrorContext(ctx, "export broke off", "request_id", api.RequestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // the reader must not take half a file for a whole one
		}
	}}, nil
}

// wholeOnly refuses callers who may see a part of this installation: what concerns the chain as a whole
// tells of subjects, rows and people of every area.
func (j *Journal) wholeOnly(ctx context.Context) error {
	if api.ScopeFrom(ctx).Covers(j.area, "") {
		return nil
	}
	return problem.New(problem.Forbidden, "this concerns the journal of the whole installation, and you may see a part of it")
}

// reason is what was written, without blanks around it; blanks alone are none.
func (r journalReason) reason() (string, error) {
	text := strings.TrimSpace(r.Reason)
	if text == "" {
		return "", problem.InvalidField("body.reason", "required", "say why")
	}
	return text, nil
}

func (j *Journal) view(r Row, called map[string]string) JournalRow {
	t, ok := j.typeOf(r.Type)
	if !ok {
		t = Type{TitleZH: r.Type, TitleEN: r.Type}
	}
	if r.Broken != "" {
		t = Type{TitleZH: "无法读取的行", TitleEN: "Unreadable row"}
	}
	name := called[r.Actor.ID]
	if name == "" {
		name = r.Actor.ID
	}
	names := map[string]string{}
	for id := range accountIDs(r) {
		if n := called[id]; n != "" {
			names[id] = n
		}
	}
	return JournalRow{
		Names: names,
		Seq:   r.Seq, ID: r.ID, Type: r.Type, TitleZH: t.TitleZH, TitleEN: t.TitleEN, At: r.At,
		Actor: journalActor{Kind: r.Actor.Kind, ID: r.Actor.ID, DisplayName: name}, Subject: journalSubject(r.Subject),
		AreaPath: r.AreaPath, SystemID: r.SystemID, RequestID: r.RequestID, Fields: r.Fields, Private: r.Private, Hash: r.Hash, Prev: r.Prev,
	}
}

func (j *Journal) callNames(ctx context.Context, rows ...Row) (map[string]string, error) {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		if r.Actor.Kind == AccountActor {
			ids = append(ids, r.Actor.ID)
		}
		ids = slices.AppendSeq(ids, accountIDs(r))
	}
	slices.Sort(ids)
	return j.call(ctx, slices.Compact(ids)...)
}

func (j *Journal) call(ctx context.Context, ids ...string) (map[string]string, error) {
	if j.names == nil || len(ids) == 0 {
		return nil, nil
	}
	called, err := j.names(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("names of accounts: %w", err)
	}
	return called, nil
}

func (v verificationRow) view(called map[string]string) journalVerification {
	var bad []journalBad
	if err := json.Unmarshal([]byte(v.Bad), &bad); err != nil || bad == nil {
		bad = []journalBad{}
	}
	by := called[v.StartedBy]
	if by == "" {
		by = v.StartedBy
	}
	return journalVerification{
		ID: v.ID, State: v.State, StartedAt: v.StartedAt.Time, FinishedAt: v.FinishedAt.Ptr(), Rows: v.Rows, Pending: v.Pending,
		Bad: bad, StartedBy: by, Head: v.Head,
	}
}
