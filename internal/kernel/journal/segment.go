package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

const (
	kindSegment = "taxops.journal.segment"
	kindHead    = "taxops.journal.head"
	kindExport  = "taxops.journal.export"

	// segmentRows bounds a segment: a busy day makes several, and the tree of one fits in memory.
	segmentRows = 1 << 16
	// segmentDelay is when a day is closed, counted from midnight in Shanghai.
	segmentDelay = 5 * time.Minute
	segmentCheck = 10 * time.Second
)

// statement is what is signed of a segment, in canonical form.
type statement struct {
	Version     int    `json:"v"`
	Kind        string `json:"kind"`
	Number      int64  `json:"number"`
	FirstSeq    int64  `json:"first_seq"`
	LastSeq     int64  `json:"last_seq"`
	Root        string `json:"root"`
	PrevRoot    string `json:"prev_root"`
	Head        string `json:"head"` // hash of the last row
	ClosedAt    string `json:"closed_at"`
	Fingerprint string `json:"fingerprint"`
}

// headStatement is what is signed of the chain's head between segments.
type headStatement struct {
	Version     int    `json:"v"`
	Kind        string `json:"kind"`
	Seq         int64  `json:"seq"`
	Hash        string `json:"hash"`
	At          string `json:"at"`
	Fingerprint string `json:"fingerprint"`
}

// Segment is a closed part of the chain.
type Segment struct {
	Number, FirstSeq, LastSeq int64
	Root, PrevRoot, Head      []byte
	ClosedAt                  time.Time
	Fingerprint               string
	Signature                 []byte
}

func (s Segment) statement() statement {
	return statement{
		Version: 1, Kind: kindSegment, Number: s.Number, FirstSeq: s.FirstSeq, LastSeq: s.LastSeq, Root: hexOf(s.Root),
		PrevRoot: hexOf(s.PrevRoot), Head: hexOf(s.Head), ClosedAt: s.ClosedAt.UTC().Format(timeLayout), Fingerprint: s.Fingerprint,
	}
}

func (st statement) segment(signature []byte) (Segment, error) {
	s := Segment{Number: st.Number, FirstSeq: st.FirstSeq, LastSeq: st.LastSeq, Fingerprint: st.Fingerprint, Signature: signature}
	var err error
	for _, p := range []struct {
		to   *[]byte
		from string
	}{{&s.Root, st.Root}, {&s.PrevRoot, st.PrevRoot}, {&s.Head, st.Head}} {
		if *p.to, err = hex.DecodeString(p.from); err != nil {
			return s, fmt.Errorf("statement of segment %d: %w", st.Number, err)
		}
	}
	if s.ClosedAt, err = time.Parse(timeLayout, st.ClosedAt); err != nil {
		return s, fmt.Errorf("statement of segment %d: %w", st.Number, err)
	}
	return s, nil
}

func signed(key *secret.PublicKey, v any, signature []byte) bool {
	message, err := canonical(v)
	return err == nil && key.Verify(message, signature)
}

// readSegments lists closed segments from a number on, at most limit.
func (j *Journal) readSegments(ctx context.Context, from int64, limit int) ([]Segment, error) {
	var out []Segment
	err := query(ctx, j.db.Read(), func(rows *sql.Rows) error {
		var s Segment
		var at store.Time
		if err := rows.Scan(&s.Number, &s.FirstSeq, &s.LastSeq, &s.Root, &s.PrevRoot, &s.Head, &at, &s.Fingerprint, &s.Signature); err != nil {
			return err
		}
		s.ClosedAt = at.Time
		out = append(out, s)
		return nil
	}, `SELECT number, first_seq, last_seq, root, prev_root, head, closed_at, fingerprint, signature
		FROM journal_segment WHERE number >= ? ORDER BY number LIMIT ?`, from, limit)
	if err != nil {
		return nil, fmt.Errorf("read segments: %w", err)
	}
	return out, nil
}

func (j *Journal) lastSegment(ctx context.Context) (Segment, error) {
	last := Segment{Root: emptyRoot()}
	var n sql.NullInt64
	if err := query(ctx, j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&n) }, `SELECT max(number) FROM journal_segment`); err != nil {
		return last, fmt.Errorf("read the last segment: %w", err)
	}
	if !n.Valid {
		return last, nil
	}
	all, err := j.readSegments(ctx, n.Int64, 1)
	if err != nil || len(all) == 0 {
		return last, err
	}
	return all[0], nil
}

// day is the day in Shanghai to whose segment a moment belongs.
func day(t time.Time) string {
	return t.Add(-segmentDelay).In(clock.Shanghai()).Format(time.DateOnly)
}

// segmentLoop closes segments when they are due and keeps copies of signed heads outside the database.
func (j *Journal) segmentLoop(ctx context.Context) {
	again := retry{j: j, what: "closing journal segments"}
	for {
		// A chain that cannot be closed still gets its head copied.
		if err := errors.Join(j.CloseSegments(ctx), j.writeCopies(ctx)); err != nil {
			if !again.failed(ctx, err) {
				break
			}
			continue
		}
		again.worked(ctx)
		if !sleep(ctx, segmentCheck) {
			break
		}
	}
	// A last copy, so that what happened until the stop is covered.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := j.CopyHead(last); err != nil {
		j.log.WarnContext(last, "copy of the journal's head not written", "error", err)
	}
}

// CloseSegments closes what is due: all rows up to the head once the day of the first open row is
// over (00:05 in Shanghai), and whatever fills a segment.
func (j *Journal) CloseSegments(ctx context.Context) error {
	for {
		last, err := j.lastSegment(ctx)
		if err != nil {
			return err
		}
		h, err := j.headNow(ctx)
		if err != nil {
			return err
		}
		first := last.LastSeq + 1
		if h.seq < first {
			return nil
		}
		full := h.seq-last.LastSeq >= segmentRows
		if !full {
			var at store.Time
			if err := query(ctx, j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&at) }, `SELECT at FROM journal_chain WHERE seq = ?`, first); err != nil {
				return fmt.Errorf("read the first open row: %w", err)
			}
			if day(at.Time) >= day(j.clock.Now()) {
				return nil
			}
		}
		if err := j.closeSegment(ctx, last, first, min(h.seq, last.LastSeq+segmentRows)); err != nil {
			return fmt.Errorf("close segment %d: %w", last.Number+1, err)
		}
	}
}

func (j *Journal) closeSegment(ctx context.Context, last Segment, first, to int64) error {
	s := Segment{Number: last.Number + 1, FirstSeq: first, LastSeq: to, PrevRoot: last.Root, ClosedAt: j.clock.Now(), Fingerprint: j.sealer.Fingerprint()}
	var t tree
	err := j.eachHash(ctx, first, to, func(hash []byte) {
		t.add(hash)
		s.Head = hash
	})
	if err != nil {
		return err
	}
	if t.size != to-first+1 {
		return fmt.Errorf("the chain has %d of the %d rows from %d to %d: verify the journal", t.size, to-first+1, first, to)
	}
	s.Root = t.root()
	message, err := canonical(s.statement())
	if err != nil {
		return err
	}
	if s.Signature, err = j.sealer.Sign(message); err != nil {
		return err
	}
	return j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		res, err := tx.NewRaw(`INSERT INTO journal_segment (number, first_seq, last_seq, root, prev_root, head, closed_at, fingerprint, signature)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict(tx), s.Number, s.FirstSeq, s.LastSeq, s.Root, s.PrevRoot, s.Head,
			store.At(s.ClosedAt), s.Fingerprint, s.Signature).Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep the segment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // another server closed it
		}
		_, err = j.Append(WithActor(ctx, SystemActor("journal")), tx, Entry{
			Type: typeSegment, Subject: Subject{Kind: subjectSeg, ID: fmt.Sprint(s.Number)},
			Fields: map[string]any{"number": s.Number, "first_seq": s.FirstSeq, "last_seq": s.LastSeq, "root": hexOf(s.Root)},
		})
		return err
	})
}

// onConflict lets the second of two servers see that it was second. On SQLite there is one, and the
// trigger against REPLACE would fire first.
func onConflict(tx *store.Tx) string {
	if tx.Engine() == store.Postgres {
		return ` ON CONFLICT DO NOTHING`
	}
	return ``
}

// eachHash walks the hashes of a part of the chain in order.
func (j *Journal) eachHash(ctx context.Context, first, to int64, f func(hash []byte)) error {
	const step = 10_000
	for at := first; at <= to; at += step {
		err := query(ctx, j.db.Read(), func(rows *sql.Rows) error {
			var h []byte
			if err := rows.Scan(&h); err != nil {
				return err
			}
			f(bytes.Clone(h))
			return nil
		}, `SELECT hash FROM journal_chain WHERE seq >= ? AND seq <= ? ORDER BY seq`, at, min(to, at+step-1))
		if err != nil {
			return fmt.Errorf("read hashes: %w", err)
		}
	}
	return nil
}

// Proof says how a row leads to the signed root of its segment.
type Proof struct {
	Number int64
	Leaf   []byte
	Path   [][]byte
	Root   []byte
}

// proofOf makes the proof of one row, nil while its segment is open.
func (j *Journal) proofOf(ctx context.Context, seq int64) (*Proof, error) {
	number := int64(0)
	err := query(ctx, j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&number) },
		`SELECT number FROM journal_segment WHERE last_seq >= ? ORDER BY last_seq LIMIT 1`, seq)
	if err != nil {
		return nil, fmt.Errorf("find the segment of row %d: %w", seq, err)
	}
	if number == 0 {
		return nil, nil
	}
	segments, err := j.readSegments(ctx, number, 1)
	if err != nil || len(segments) == 0 || segments[0].FirstSeq > seq {
		return nil, err
	}
	s := segments[0]
	var hashes [][]byte
	if err := j.eachHash(ctx, s.FirstSeq, s.LastSeq, func(h []byte) { hashes = append(hashes, h) }); err != nil {
		return nil, err
	}
	i := int(seq - s.FirstSeq)
	if i >= len(hashes) {
		return nil, nil
	}
	l := buildLevels(hashes)
	return &Proof{Number: s.Number, Leaf: leafOf(hashes[i]), Path: l.proof(i), Root: s.Root}, nil
}

// copyFile is a signed statement as a file.
type copyFile struct {
	Statement json.RawMessage `json:"statement"`
	Signature string          `json:"signature"`
	PublicKey string          `json:"public_key"`
}
