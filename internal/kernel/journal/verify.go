package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"

	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

const verifyStep = 1000

// Verify reads the whole chain again, with bounded memory, and names every row that is not as it was
// written: it compares records with hashes, hashes with each other, copies with records, private texts
// with commitments, segments with their trees and signatures, and the end of the chain with the heads
// that were copied outside the database. progress may be nil.
func (j *Journal) Verify(ctx context.Context, progress func(rows int64)) (Report, error) {
	r, err := j.verifyAll(ctx, progress)
	if err != nil {
		return r, store.Classify(fmt.Errorf("verify the journal: %w", err))
	}
	return r, nil
}

// walk is one verification of the database.
type walk struct {
	j        *Journal
	check    *checker
	keys     keyring
	trees    *segmentTrees
	anchors  map[int64][]anchor
	endSeq   int64
	endHash  []byte
	mismatch []Bad
}

func (j *Journal) verifyAll(ctx context.Context, progress func(int64)) (Report, error) {
	report := Report{Bad: []Bad{}, Fingerprint: j.sealer.Fingerprint()}
	key, err := secret.ParsePublicKey(j.sealer.PublicKeyPEM())
	if err != nil {
		return report, err
	}
	w := &walk{j: j, keys: keyring{j: j}, anchors: map[int64][]anchor{}, endHash: genesis()}
	w.check = newChecker(w.accepted)
	// In this order, since the journal grows meanwhile: what is read later covers what was read before.
	anchors, copies, err := j.readAnchors(key, w.note)
	if err != nil {
		return report, err
	}
	if w.trees, err = j.loadTrees(ctx, key, copies, w.note); err != nil {
		return report, err
	}
	h, err := j.headNow(ctx)
	if err != nil {
		return report, err
	}
	if report.Pending, _, err = j.Lag(ctx); err != nil {
		return report, err
	}
	report.Head = hexOf(h.hash)
	for _, s := range w.trees.all {
		anchors = append(anchors, anchor{seq: s.LastSeq, hash: hexOf(s.Head), what: fmt.Sprintf("segment %d", s.Number)})
	}
	for _, a := range anchors {
		w.anchors[a.seq] = append(w.anchors[a.seq], a)
	}
	for at := int64(0); at < h.seq; {
		if at, err = w.step(ctx, at, h.seq); err != nil {
			return report, err
		}
		if progress != nil {
			progress(w.check.rows)
		}
	}
	w.check.finish()
	w.finishTrees()
	w.cut(anchors)
	if err := w.outside(ctx, h.seq); err != nil {
		return report, err
	}
	report.Rows, report.Bad = w.check.rows, append(report.Bad, w.check.bad...)
	report.Bad = append(report.Bad, w.mismatch...)
	slices.SortStableFunc(report.Bad, func(a, b Bad) int { return int(min(1, max(-1, a.Seq-b.Seq))) })
	report.OK = len(report.Bad) == 0
	return report, nil
}

func (w *walk) note(b Bad) {
	if len(w.mismatch) < maxBad {
		w.mismatch = append(w.mismatch, b)
	}
}

// accepted is told of each row in its place.
func (w *walk) accepted(e entry) {
	w.endSeq, w.endHash = e.seq, e.hash
	w.trees.add(e)
	for _, a := range w.anchors[e.seq] {
		if a.hash != hexOf(e.hash) {
			w.note(Bad{Seq: e.seq, Why: "changed: the chain up to this row is not the one of " + a.what})
			break
		}
	}
}

// copies of the record by which a row is found
type foundBy struct {
	id, typ, actor, kind, subject, area, system string
	at                                          int64
}

type walked struct {
	stored
	foundBy
}

// step reads the rows after at and returns the number of the last.
func (w *walk) step(ctx context.Context, at, to int64) (int64, error) {
	var rows []walked
	err := query(ctx, w.j.db.Read(), func(r *sql.Rows) error {
		var v walked
		if err := r.Scan(&v.seq, &v.serial, &v.prev, &v.hash, &v.id, &v.typ, &v.at, &v.actor, &v.kind, &v.subject, &v.area, &v.system, &v.bytes); err != nil {
			return err
		}
		rows = append(rows, v)
		return nil
	}, `SELECT c.seq, c.row, c.prev, c.hash, c.id, c.type, c.at, c.actor_id, c.subject_kind, c.subject_id, c.area_path, c.system_id, r.bytes
		FROM journal_chain AS c LEFT JOIN journal_row AS r ON r.serial = c.row
		WHERE c.seq > ? AND c.seq <= ? ORDER BY c.seq LIMIT ?`, at, to, verifyStep)
	if err != nil {
		return at, fmt.Errorf("read the chain after row %d: %w", at, err)
	}
	if len(rows) == 0 {
		return to, nil
	}
	private := map[int64]*walked{}
	var serials []int64
	for i := range rows {
		v := &rows[i]
		e := entry{seq: v.seq, prev: v.prev, hash: v.hash}
		if v.bytes != nil {
			e.digest = digest(v.bytes)
			rec, err := parseRecord(v.bytes)
			switch {
			case err != nil:
				if bytes.Equal(link(v.prev, e.digest), v.hash) { // else it is reported as changed anyway
					w.note(Bad{Seq: v.seq, Why: "changed: its record cannot be read"})
				}
			case !v.matches(rec) && bytes.Equal(link(v.prev, e.digest), v.hash):
				w.note(Bad{Seq: v.seq, Why: "changed: what it is found by differs from its record"})
			}
			if len(rec.Private) > 0 {
				private[v.serial] = v
				serials = append(serials, v.serial)
			}
		}
		w.check.feed(e)
	}
	if serials != nil {
		if err := w.privates(ctx, serials, private); err != nil {
			return at, err
		}
	}
	return rows[len(rows)-1].seq, nil
}

func (f foundBy) matches(r record) bool {
	s := recordRef{}
	if r.Subject != nil {
		s = *r.Subject
	}
	t, err := r.at()
	return err == nil && f == foundBy{
		id: r.ID, typ: r.Type, at: t.UnixMicro(), actor: r.Actor.ID,
		kind: s.Kind, subject: s.ID, area: r.AreaPath, system: r.SystemID,
	}
}

// privates compares texts with commitments. A text whose person was erased cannot be compared, and
// need not be.
func (w *walk) privates(ctx context.Context, serials []int64, rows map[int64]*walked) error {
	seen := map[int64]map[string]bool{}
	err := w.j.eachPrivate(ctx, w.j.db.Read(), serials, func(p storedPrivate) error {
		v := rows[p.serial]
		if seen[p.serial] == nil {
			seen[p.serial] = map[string]bool{}
		}
		seen[p.serial][p.field] = true
		rec, err := parseRecord(v.bytes)
		if err != nil {
			return nil
		}
		commitment, ok := rec.Private[p.field]
		switch {
		case !ok:
			w.note(Bad{Seq: v.seq, Why: fmt.Sprintf("inserted: a private text %q that its record does not know", p.field)})
			return nil
		case p.wrapped == nil || len(p.sealed) == 0:
			return nil
		}
		key, err := w.keys.open(p.person, p.wrapped)
		if err != nil {
			w.note(Bad{Seq: v.seq, Why: fmt.Sprintf("changed: the key of its private text %q does not open", p.field)})
			return nil
		}
		if _, err := openText(key, rec.ID, p.field, commitment, p.sealed); err != nil {
			w.note(Bad{Seq: v.seq, Why: fmt.Sprintf("changed: its private text %q is not the one committed to", p.field)})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read private texts: %w", err)
	}
	for _, serial := range serials {
		v := rows[serial]
		rec, err := parseRecord(v.bytes)
		if err != nil {
			continue
		}
		for name := range rec.Private {
			if !seen[serial][name] {
				w.note(Bad{Seq: v.seq, Why: fmt.Sprintf("dropped: its private text %q is gone", name)})
			}
		}
	}
	return nil
}

// cut looks for signed heads beyond the end of the chain.
func (w *walk) cut(anchors []anchor) {
	var last anchor
	for _, a := range anchors {
		if a.seq > last.seq {
			last = a
		}
	}
	if last.seq > w.endSeq {
		w.cutUpTo(last.seq, "cut: the row is gone; it is covered by "+last.what)
	}
}

func (w *walk) cutUpTo(seq int64, why string) {
	for n := w.endSeq + 1; n <= seq; n++ {
		if n-w.endSeq > nameEach {
			w.note(Bad{Seq: n, Why: fmt.Sprintf("%s (this one and all up to row %d)", why, seq)})
			return
		}
		w.note(Bad{Seq: n, Why: why})
	}
}

// outside looks for records that are in no chain and keys that were destroyed without a record.
func (w *walk) outside(ctx context.Context, headSeq int64) error {
	text := `SELECT r.serial FROM journal_row AS r WHERE NOT EXISTS (SELECT 1 FROM journal_chain AS c WHERE c.row = r.serial)`
	if w.j.db.Dialect() == store.Postgres {
		text += ` AND NOT EXISTS (SELECT 1 FROM journal_pending AS p WHERE p.serial = r.serial)`
	}
	err := query(ctx, w.j.db.Read(), func(rows *sql.Rows) error {
		var serial int64
		if err := rows.Scan(&serial); err != nil {
			return err
		}
		w.note(Bad{Why: fmt.Sprintf("inserted or dropped: the record stored as number %d is in no chain", serial)})
		return nil
	}, text+` ORDER BY r.serial LIMIT ?`, maxBad)
	if err != nil {
		return fmt.Errorf("look for records outside the chain: %w", err)
	}
	erased := `SELECT k.person FROM journal_person AS k WHERE k.wrapped IS NULL
		AND NOT EXISTS (SELECT 1 FROM journal_chain AS c WHERE c.type = ? AND c.subject_kind = ? AND c.subject_id = k.person)`
	args := []any{typeErased, subjectPerson}
	if w.j.db.Dialect() == store.Postgres {
		erased += ` AND NOT EXISTS (SELECT 1 FROM journal_pending AS c WHERE c.type = ? AND c.subject_id = k.person)`
		args = append(args, typeErased)
	}
	err = query(ctx, w.j.db.Read(), func(rows *sql.Rows) error {
		var person string
		if err := rows.Scan(&person); err != nil {
			return err
		}
		w.note(Bad{Why: fmt.Sprintf("the personal key of %s was destroyed without a record", person)})
		return nil
	}, erased+` ORDER BY k.person LIMIT ?`, append(args, maxBad)...)
	if err != nil {
		return fmt.Errorf("look for destroyed keys: %w", err)
	}
	return nil
}

// finishTrees reports segments whose rows are not those that were signed, unless a row of theirs is
// named already.
func (w *walk) finishTrees() {
	for _, s := range w.trees.wrong {
		if !slices.ContainsFunc(w.check.bad, func(b Bad) bool { return b.Seq >= s.FirstSeq && b.Seq <= s.LastSeq }) {
			w.note(Bad{Seq: s.LastSeq, Why: fmt.Sprintf("changed: rows %d to %d are not those whose root was signed as segment %d", s.FirstSeq, s.LastSeq, s.Number)})
		}
	}
}

// segmentTrees grows the trees of segments as the rows come.
type segmentTrees struct {
	all   []Segment
	at    int
	tree  tree
	head  []byte
	wrong []Segment
}

func (s *segmentTrees) add(e entry) {
	for s.at < len(s.all) && e.seq > s.all[s.at].LastSeq { // its last row never came
		s.close()
	}
	if s.at == len(s.all) || e.seq < s.all[s.at].FirstSeq {
		return
	}
	s.tree.add(e.hash)
	s.head = e.hash
	if e.seq == s.all[s.at].LastSeq {
		s.close()
	}
}

func (s *segmentTrees) close() {
	seg := s.all[s.at]
	if s.tree.size != seg.LastSeq-seg.FirstSeq+1 || !bytes.Equal(s.tree.root(), seg.Root) || !bytes.Equal(s.head, seg.Head) {
		s.wrong = append(s.wrong, seg)
	}
	s.at, s.tree, s.head = s.at+1, tree{}, nil
}

// checkSegments looks at what can be told of segments without their rows.
func checkSegments(all []Segment, key *secret.PublicKey, bad func(Bad)) {
	last := Segment{Root: emptyRoot()}
	for _, s := range all {
		switch {
		case s.Fingerprint != key.Fingerprint() || !signed(key, s.statement(), s.Signature):
			bad(Bad{Seq: s.LastSeq, Why: fmt.Sprintf("changed: segment %d is not signed by this installation", s.Number)})
		case s.Number != last.Number+1 || s.FirstSeq != last.LastSeq+1 || s.LastSeq < s.FirstSeq:
			bad(Bad{Seq: s.FirstSeq, Why: fmt.Sprintf("dropped: segment %d (rows from %d) does not follow segment %d (rows to %d)", s.Number, s.FirstSeq, last.Number, last.LastSeq)})
		case !bytes.Equal(s.PrevRoot, last.Root):
			bad(Bad{Seq: s.FirstSeq, Why: fmt.Sprintf("changed: segment %d does not link to the root of segment %d", s.Number, last.Number)})
		}
		last = s
	}
}

func (j *Journal) loadTrees(ctx context.Context, key *secret.PublicKey, copies map[int64]statement, bad func(Bad)) (*segmentTrees, error) {
	t := &segmentTrees{}
	const page = 1000
	for from := int64(1); ; {
		segments, err := j.readSegments(ctx, from, page)
		if err != nil {
			return nil, err
		}
		t.all = append(t.all, segments...)
		if len(segments) < page {
			break
		}
		from = segments[len(segments)-1].Number + 1
	}
	checkSegments(t.all, key, bad)
	there := map[int64]bool{}
	for _, s := range t.all {
		there[s.Number] = true
		if c, ok := copies[s.Number]; ok && c != s.statement() {
			bad(Bad{Seq: s.LastSeq, Why: fmt.Sprintf("changed: segment %d differs from its copy", s.Number)})
		}
	}
	for n, c := range copies {
		if !there[n] {
			bad(Bad{Seq: c.LastSeq, Why: fmt.Sprintf("dropped: segment %d is gone, and its copy is there", n)})
		}
	}
	return t, nil
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
