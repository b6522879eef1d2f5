package journal

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gowebpki/jcs"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

const (
	maxFirstLine = 64 << 20
	maxRowLine   = 1 << 20
	maxSeq       = 1 << 52
)

// ExportOptions say what a reader of an export knows beforehand.
type ExportOptions struct {
	// Fingerprint is that of the installation's key, as it was written down at set-up; groups and case do not
	// matter. "" takes the key that the file names: then the file is whole, but anybody may have made it.
	Fingerprint string
	Progress    func(rows int64)
}

// VerifyExport checks an export by itself: no database, no key ring. It reads the file once, with
// bounded memory. Its error says that the file cannot be read or is no export; what is wrong with the
// rows is in the report.
func VerifyExport(ctx context.Context, r io.Reader, o ExportOptions) (Report, error) {
	report := Report{Bad: []Bad{}}
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := readLine(in, maxFirstLine)
	if err != nil {
		return report, fmt.Errorf("first line of the export: %w", err)
	}
	v := &exportWalk{end: entry{hash: genesis()}}
	if err := v.start(line, o, &report); err != nil {
		return report, err
	}
	v.check = newChecker(v.accepted)
	for {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("verify the export: %w", err)
		}
		line, err := readLine(in, maxRowLine)
		if errors.Is(err, io.EOF) {
			break
		}
		v.line++
		if err != nil && !errors.Is(err, errLongLine) {
			return report, fmt.Errorf("read the export: %w", err)
		}
		v.row(line, err != nil)
		if o.Progress != nil && v.check.rows%verifyStep == 0 {
			o.Progress(v.check.rows)
		}
	}
	v.finish(&report)
	if o.Progress != nil {
		o.Progress(v.check.rows)
	}
	return report, nil
}

type exportWalk struct {
	head     exportHead
	segments []Segment
	trees    segmentTrees
	check    *checker
	end      entry
	line     int64
	notes    []Bad
}

func (v *exportWalk) note(b Bad) {
	if len(v.notes) < maxBad {
		v.notes = append(v.notes, b)
	}
}

func notAnExport(err error) error {
	return problem.New(problem.Invalid, "the first line is not the head of a journal export").With(err)
}

func (v *exportWalk) start(line []byte, o ExportOptions, report *Report) error {
	var first exportFirst
	if err := json.Unmarshal(line, &first); err != nil {
		return notAnExport(err)
	}
	if err := json.Unmarshal(first.Head, &v.head); err != nil {
		return notAnExport(err)
	}
	if v.head.Kind != kindExport || v.head.Version != 1 || v.head.Seq < 0 || v.head.Seq > maxSeq {
		return notAnExport(fmt.Errorf("kind %q version %d", v.head.Kind, v.head.Version))
	}
	report.Head = v.head.Hash
	key, err := secret.ParsePublicKey(v.head.PublicKey)
	if err != nil {
		v.note(Bad{Why: "changed: the first line holds no public key"})
		return nil
	}
	report.Fingerprint = key.Fingerprint()
	if want := bare(o.Fingerprint); want != "" && want != bare(key.Fingerprint()) {
		v.note(Bad{Why: "the export is signed by another key: " + key.Fingerprint()})
	}
	message, err := jcs.Transform(first.Head)
	if err != nil || !key.Verify(message, unhex(first.Signature)) || v.head.Fingerprint != key.Fingerprint() {
		v.note(Bad{Why: "changed: the signature of the first line does not hold"})
	}
	for _, s := range v.head.Segments {
		seg, err := s.Statement.segment(unhex(s.Signature))
		if err != nil || s.Statement.Kind != kindSegment || seg.FirstSeq < 1 || seg.LastSeq > maxSeq {
			v.note(Bad{Why: fmt.Sprintf("changed: segment %d cannot be read", s.Statement.Number)})
			continue
		}
		v.segments = append(v.segments, seg)
	}
	checkSegments(v.segments, key, v.note)
	v.trees.all = v.segments
	return nil
}

func bare(fingerprint string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == ':' || r == '-' {
			return -1
		}
		return r
	}, fingerprint))
}

func (v *exportWalk) row(line []byte, tooLong bool) {
	var r exportRow
	err := errLongLine
	if !tooLong {
		err = json.Unmarshal(line, &r)
	}
	if err != nil || r.Seq < 1 || r.Seq > maxSeq {
		v.note(Bad{Seq: v.check.expected, Why: fmt.Sprintf("changed: line %d is not a row", v.line+1)})
		return
	}
	e := entry{seq: r.Seq, prev: unhex(r.Prev), hash: unhex(r.Hash)}
	switch {
	case r.Record != nil:
		b, err := jcs.Transform(r.Record) // a reader may have written the line anew
		if err != nil {
			b = r.Record
		}
		e.digest = digest(b)
	case r.Bytes != "":
		if b, err := base64.StdEncoding.DecodeString(r.Bytes); err == nil {
			e.digest = digest(b)
		} else {
			e.digest = digest(nil)
		}
	}
	v.check.feed(e)
	v.proof(r, e)
}

// proof checks that the row alone leads to the signed root of its segment.
func (v *exportWalk) proof(r exportRow, e entry) {
	i, in := slices.BinarySearchFunc(v.segments, r.Seq, func(s Segment, seq int64) int {
		switch {
		case s.LastSeq < seq:
			return -1
		case s.FirstSeq > seq:
			return 1
		}
		return 0
	})
	if !in {
		if r.Segment != 0 {
			v.note(Bad{Seq: r.Seq, Why: fmt.Sprintf("changed: it names segment %d, which does not hold it", r.Segment)})
		}
		return
	}
	s := v.segments[i]
	path := make([][]byte, len(r.Proof))
	for k, p := range r.Proof {
		path[k] = unhex(p)
	}
	if r.Segment != s.Number || !proves(e.hash, r.Seq-s.FirstSeq, s.LastSeq-s.FirstSeq+1, path, s.Root) {
		v.note(Bad{Seq: r.Seq, Why: fmt.Sprintf("changed: its proof does not lead to the root of segment %d", s.Number)})
	}
}

func (v *exportWalk) accepted(e entry) {
	v.trees.add(e)
	v.end = e
}

func (v *exportWalk) finish(report *Report) {
	v.check.finish()
	bad := v.check.bad
	switch {
	case v.end.seq < v.head.Seq:
		w := walk{endSeq: v.end.seq}
		w.cutUpTo(v.head.Seq, "cut: the row is gone; the first line names it")
		bad = append(bad, w.mismatch...)
	case v.end.seq > v.head.Seq:
		bad = append(bad, Bad{Seq: v.head.Seq + 1, Why: fmt.Sprintf("inserted: rows up to %d stand after the head that the first line names", v.end.seq)})
	case hexOf(v.end.hash) != v.head.Hash && len(bad) == 0:
		bad = append(bad, Bad{Seq: v.end.seq, Why: "changed: the last row is not the head that the first line names"})
	}
	named := func(from, to int64) bool {
		return slices.ContainsFunc(bad, func(b Bad) bool { return b.Seq >= from && b.Seq <= to })
	}
	for _, n := range v.notes {
		// What is wrong with a row says it best; a proof that fails with it adds nothing.
		if n.Seq == 0 || !named(n.Seq, n.Seq) {
			bad = append(bad, n)
		}
	}
	for _, s := range v.trees.wrong {
		if !named(s.FirstSeq, s.LastSeq) {
			bad = append(bad, Bad{Seq: s.LastSeq, Why: fmt.Sprintf("changed: rows %d to %d are not those whose root was signed as segment %d", s.FirstSeq, s.LastSeq, s.Number)})
		}
	}
	slices.SortStableFunc(bad, func(a, b Bad) int { return int(min(1, max(-1, a.Seq-b.Seq))) })
	report.Rows, report.Bad = v.check.rows, append(report.Bad, bad...)
	report.OK = len(report.Bad) == 0
}

var errLongLine = errors.New("the line is too long")

// readLine reads one line of at most limit bytes; a longer one is passed over with errLongLine.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if !long && len(line)+len(part) > limit {
			line, long = nil, true
		}
		if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0 && !long:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case long:
			return nil, errLongLine
		}
		return line, nil
	}
}
