package journal

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"taxops/internal/kernel/store"
)

// An export is JSON Lines. The first line is {"head": …, "signature": …}, signed by the installation;
// each further line is one row with what joins it to the chain and, once its segment is closed, the
// path that leads from it to the segment's signed root. Private values are commitments in it: an
// export never holds their text.
type exportHead struct {
	Version     int             `json:"v"`
	Kind        string          `json:"kind"`
	Seq         int64           `json:"seq"`
	Hash        string          `json:"hash"`
	At          string          `json:"at"`
	Segments    []exportSegment `json:"segments"`
	PublicKey   string          `json:"public_key"`
	Fingerprint string          `json:"fingerprint"`
}

type exportSegment struct {
	Statement statement `json:"statement"`
	Signature string    `json:"signature"`
}

type exportFirst struct {
	Head      json.RawMessage `json:"head"` // canonical
	Signature string          `json:"signature"`
}

type exportRow struct {
	Seq     int64           `json:"seq"`
	Prev    string          `json:"prev"`
	Hash    string          `json:"hash"`
	Record  json.RawMessage `json:"record,omitempty"`
	Bytes   string          `json:"bytes,omitempty"` // base64, in place of a record that is no JSON any more
	Segment int64           `json:"segment,omitempty"`
	Proof   []string        `json:"proof,omitempty"`
}

// Export writes the chain up to its present head as JSON Lines, and records that it did.
func (j *Journal) Export(ctx context.Context, w io.Writer) error {
	if err := j.export(ctx, w); err != nil {
		return store.Classify(fmt.Errorf("export the journal: %w", err))
	}
	return nil
}

func (j *Journal) export(ctx context.Context, w io.Writer) error {
	segments := []Segment{}
	for from := int64(1); ; {
		page, err := j.readSegments(ctx, from, 1000)
		if err != nil {
			return err
		}
		segments = append(segments, page...)
		if len(page) < 1000 {
			break
		}
		from = page[len(page)-1].Number + 1
	}
	h, err := j.headNow(ctx)
	if err != nil {
		return err
	}
	err = j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := j.Append(ctx, tx, Entry{Type: typeExported, Fields: map[string]any{"head_seq": h.seq, "head": hexOf(h.hash)}})
		return err
	})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // a record stays as it is
	first, err := j.exportFirst(h, segments)
	if err != nil {
		return err
	}
	if err := enc.Encode(first); err != nil {
		return err
	}
	next := int64(1)
	for _, s := range segments {
		if err := j.exportPart(ctx, enc, next, s.FirstSeq-1, nil); err != nil { // rows between segments: only in a damaged journal
			return err
		}
		if err := j.exportPart(ctx, enc, s.FirstSeq, s.LastSeq, &s); err != nil {
			return err
		}
		next = s.LastSeq + 1
	}
	if err := j.exportPart(ctx, enc, next, h.seq, nil); err != nil {
		return err
	}
	return out.Flush()
}

func (j *Journal) exportFirst(h head, segments []Segment) (exportFirst, error) {
	head := exportHead{
		Version: 1, Kind: kindExport, Seq: h.seq, Hash: hexOf(h.hash), At: j.clock.Now().Format(timeLayout),
		Segments: make([]exportSegment, len(segments)), PublicKey: j.sealer.PublicKeyPEM(), Fingerprint: j.sealer.Fingerprint(),
	}
	for i, s := range segments {
		head.Segments[i] = exportSegment{Statement: s.statement(), Signature: hexOf(s.Signature)}
	}
	message, err := canonical(head)
	if err != nil {
		return exportFirst{}, err
	}
	sig, err := j.sealer.Sign(message)
	if err != nil {
		return exportFirst{}, err
	}
	return exportFirst{Head: message, Signature: hexOf(sig)}, nil
}

// exportPart writes the rows from first to last, with proofs when they lie in a segment.
func (j *Journal) exportPart(ctx context.Context, enc *json.Encoder, first, last int64, s *Segment) error {
	if last < first {
		return nil
	}
	var proofs levels
	if s != nil {
		var hashes [][]byte
		if err := j.eachHash(ctx, first, last, func(h []byte) { hashes = append(hashes, h) }); err != nil {
			return err
		}
		if int64(len(hashes)) == last-first+1 {
			proofs = buildLevels(hashes)
		}
	}
	for from := first; from <= last; from += verifyStep {
		to := min(last, from+verifyStep-1)
		rows, err := readStored(ctx, j.db.Read(), `SELECT c.seq, c.row, c.prev, c.hash, r.bytes FROM journal_chain AS c
			LEFT JOIN journal_row AS r ON r.serial = c.row WHERE c.seq >= ? AND c.seq <= ? ORDER BY c.seq`, from, to)
		if err != nil {
			return err
		}
		for _, v := range rows {
			line := exportRow{Seq: v.seq, Prev: hexOf(v.prev), Hash: hexOf(v.hash)}
			switch {
			case v.bytes == nil:
			case json.Valid(v.bytes):
				line.Record = v.bytes
			default:
				line.Bytes = base64.StdEncoding.EncodeToString(v.bytes)
			}
			if s != nil {
				line.Segment = s.Number
				if proofs != nil {
					path := proofs.proof(int(v.seq - first))
					line.Proof = make([]string, len(path))
					for i, p := range path {
						line.Proof[i] = hexOf(p)
					}
				}
			}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}
