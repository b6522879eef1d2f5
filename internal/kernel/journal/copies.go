package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

const headCopy = "head.json"

func segmentCopy(number int64) string { return fmt.Sprintf("segment-%08d.json", number) }

// writeCopies writes what is missing in the folder of copies.
func (j *Journal) writeCopies(ctx context.Context) error {
	if j.dir == "" {
		return nil
	}
	const page = 500
	for from := int64(1); ; from += page {
		segments, err := j.readSegments(ctx, from, page)
		if err != nil {
			return err
		}
		for _, s := range segments {
			name := filepath.Join(j.dir, segmentCopy(s.Number))
			if _, err := os.Stat(name); err == nil {
				continue // Verify compares it
			}
			if err := j.writeCopy(name, s.statement(), s.Signature); err != nil {
				return fmt.Errorf("copy segment %d: %w", s.Number, err)
			}
		}
		if len(segments) < page {
			return j.CopyHead(ctx)
		}
	}
}

// CopyHead signs the head of the chain into the folder of copies. A head that lies behind the copy is
// not written: it would hide that the chain was cut.
func (j *Journal) CopyHead(ctx context.Context) error {
	if j.dir == "" {
		return nil
	}
	h, err := j.headNow(ctx)
	if err != nil || h.seq == 0 {
		return err
	}
	name := filepath.Join(j.dir, headCopy)
	var known headStatement
	_, err = readCopy(name, &known)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("%s is damaged; verify the journal, then move the file aside: %w", name, err)
	case known.Seq == h.seq && known.Hash == hexOf(h.hash):
		return nil
	case known.Seq >= h.seq:
		return fmt.Errorf("the journal ends at row %d, but its head was signed at row %d: it was cut, rewritten or restored from an older backup; "+
			"verify it, and move %s aside when that is accounted for", h.seq, known.Seq, name)
	}
	st := headStatement{Version: 1, Kind: kindHead, Seq: h.seq, Hash: hexOf(h.hash), At: j.clock.Now().Format(timeLayout), Fingerprint: j.sealer.Fingerprint()}
	message, err := canonical(st)
	if err != nil {
		return err
	}
	sig, err := j.sealer.Sign(message)
	if err != nil {
		return err
	}
	return j.writeCopy(name, st, sig)
}

func (j *Journal) writeCopy(name string, statement any, signature []byte) error {
	st, err := canonical(statement)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(copyFile{Statement: st, Signature: hexOf(signature), PublicKey: j.sealer.PublicKeyPEM()}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(j.dir, ".new-*")
	if err != nil {
		return err
	}
	_, werr := f.Write(append(b, '\n'))
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// readCopy reads a copy into statement and returns its signature.
func readCopy(name string, statement any) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f copyFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(f.Statement, statement); err != nil {
		return nil, err
	}
	return hex.DecodeString(f.Signature)
}

// copiedAt tells when this server copied a segment, nil when it has not.
func (j *Journal) copiedAt(number int64) *time.Time {
	if j.dir == "" {
		return nil
	}
	st, err := os.Stat(filepath.Join(j.dir, segmentCopy(number)))
	if err != nil {
		return nil
	}
	t := st.ModTime().UTC()
	return &t
}

// anchors are the heads that were signed and copied outside the database.
type anchor struct {
	seq  int64
	hash string
	what string
	of   string // name of the copy; "" for a segment of the database
}

// readAnchors reads the copies and reports those that are damaged or not signed by the key.
func (j *Journal) readAnchors(key *secret.PublicKey, bad func(Bad)) ([]anchor, map[int64]statement, error) {
	if j.dir == "" {
		return nil, nil, nil
	}
	entries, err := os.ReadDir(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the copies: %w", err)
	}
	var out []anchor
	segments := map[int64]statement{}
	for _, e := range entries {
		name := filepath.Join(j.dir, e.Name())
		switch {
		case e.Name() == headCopy:
			var st headStatement
			sig, err := readCopy(name, &st)
			if err != nil || st.Kind != kindHead || !signed(key, st, sig) {
				bad(Bad{Why: fmt.Sprintf("the copy %s is damaged or not signed by this installation", e.Name())})
				continue
			}
			out = append(out, anchor{seq: st.Seq, hash: st.Hash, what: "the head signed at " + st.At, of: headCopy})
		case strings.HasPrefix(e.Name(), "segment-") && strings.HasSuffix(e.Name(), ".json"):
			var st statement
			sig, err := readCopy(name, &st)
			if err != nil || st.Kind != kindSegment || segmentCopy(st.Number) != e.Name() || !signed(key, st, sig) {
				bad(Bad{Why: fmt.Sprintf("the copy %s is damaged or not signed by this installation", e.Name())})
				continue
			}
			segments[st.Number] = st
			out = append(out, anchor{seq: st.LastSeq, hash: st.Head, what: fmt.Sprintf("the copy of segment %d", st.Number), of: e.Name()})
		}
	}
	return out, segments, nil
}

// copyDue is how old a segment is whose copy has to be there: the loop that copies runs every few seconds.
const copyDue = time.Minute

// VerifyCopies compares what this server keeps outside the database with what is inside: each copy of a
// segment must be there, whole, signed by this installation and the same as the segment; the signed head
// must lie in the chain. There is about one segment a day, so all are looked at each time. Verify goes on
// to the rows; this is the small look that an inspection takes.
func (j *Journal) VerifyCopies(ctx context.Context) ([]Bad, error) {
	if j.dir == "" {
		return nil, nil
	}
	key, err := secret.ParsePublicKey(j.sealer.PublicKeyPEM())
	if err != nil {
		return nil, fmt.Errorf("verify the copies: %w", err)
	}
	var bad []Bad
	note := func(b Bad) {
		if len(bad) < maxBad {
			bad = append(bad, b)
		}
	}
	// The files first: what is read later covers what was read before.
	anchors, copies, err := j.readAnchors(key, note)
	if err != nil {
		return nil, err
	}
	trees, err := j.loadTrees(ctx, key, copies, note)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("verify the copies: %w", err))
	}
	damaged := len(bad) > 0
	for _, s := range trees.all {
		name := segmentCopy(s.Number)
		if _, there := copies[s.Number]; there || j.clock.Now().Sub(s.ClosedAt) < copyDue {
			continue
		}
		if damaged && slices.ContainsFunc(bad, func(b Bad) bool { return strings.Contains(b.Why, name) }) {
			continue // there, and named as damaged
		}
		note(Bad{Seq: s.LastSeq, Why: fmt.Sprintf("dropped: the copy %s of segment %d (rows %d to %d) is gone", name, s.Number, s.FirstSeq, s.LastSeq)})
	}
	for _, a := range anchors {
		if a.of != headCopy {
			continue // compared with its segment
		}
		var hash []byte
		if err := query(ctx, j.db.Read(), func(r *sql.Rows) error { return r.Scan(&hash) },
			`SELECT hash FROM journal_chain WHERE seq = ?`, a.seq); err != nil {
			return nil, store.Classify(fmt.Errorf("verify the copies: %w", err))
		}
		switch {
		case hash == nil:
			note(Bad{Seq: a.seq, Why: fmt.Sprintf("cut: the row is gone; it is covered by the copy %s, %s", headCopy, a.what)})
		case hexOf(hash) != a.hash:
			note(Bad{Seq: a.seq, Why: fmt.Sprintf("changed: the row is not the one of the copy %s, %s", headCopy, a.what)})
		}
	}
	return bad, nil
}
