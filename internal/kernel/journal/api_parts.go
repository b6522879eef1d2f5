package journal

import (
	"context"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// pageOfSegments reads the closed parts of the chain; whoever sees only a part of the journal is refused.
func (j *Journal) pageOfSegments(ctx context.Context, query store.ListQuery) (store.Page[journalSegment], error) {
	if err := j.wholeOnly(ctx); err != nil {
		return store.Page[journalSegment]{}, err
	}
	page, err := store.List[segmentRow](ctx, j.db.Read(), &store.ListSpec{
		Table: "journal_segment", Key: "number", Sorts: map[string]string{"number": "number"}, DefaultSort: "-number",
	}, store.Everything(), query, nil)
	if err != nil {
		return store.Page[journalSegment]{}, err
	}
	return store.MapPage(page, func(s segmentRow) journalSegment {
		return journalSegment{
			Number: s.Number, FirstSeq: s.FirstSeq, LastSeq: s.LastSeq, Root: hexOf(s.Root), PrevRoot: hexOf(s.PrevRoot),
			ClosedAt: s.ClosedAt.Time, Signature: hexOf(s.Signature), SignerFingerprint: s.Fingerprint, CopiedAt: j.copiedAt(s.Number),
		}
	}), nil
}

// pageOfVerifications reads the verifications; whoever sees only a part of the journal is refused.
func (j *Journal) pageOfVerifications(ctx context.Context, query store.ListQuery) (store.Page[journalVerification], error) {
	if err := j.wholeOnly(ctx); err != nil {
		return store.Page[journalVerification]{}, err
	}
	page, err := store.List[verificationRow](ctx, j.db.Read(), &store.ListSpec{
		Table: "journal_verification", Key: "id", Sorts: map[string]string{"started_at": "started_at"}, DefaultSort: "-started_at",
	}, store.Everything(), query, nil)
	if err != nil {
		return store.Page[journalVerification]{}, err
	}
	ids := make([]string, 0, len(page.Items))
	for _, v := range page.Items {
		ids = append(ids, v.StartedBy)
	}
	called, err := j.call(ctx, ids...)
	if err != nil {
		return store.Page[journalVerification]{}, err
	}
	return store.MapPage(page, func(v verificationRow) journalVerification { return v.view(called) }), nil
}

type partsExportInput struct{ api.ExportParams }

func (j *Journal) partExportRoutes(r *api.Router) {
	ask := func(in *partsExportInput) (api.ExportParams, map[string]string) { return in.ExportParams, nil }
	api.RegisterExport(r, api.Operation{
		ID: "journal.segments.export", Path: "/journal/segments/export", Permission: permRead,
		Summary: "Segments as a file", Doc: "With roots and signatures." + wholeDoc, Codes: []problem.Code{problem.Forbidden},
	}, api.ListExport[partsExportInput, journalSegment]{
		List: "journal.segments", Page: j.pageOfSegments, Columns: segmentColumns(), Ask: ask,
	})
	api.RegisterExport(r, api.Operation{
		ID: "journal.verifications.export", Path: "/journal/verifications/export", Permission: permRead,
		Summary: "Verifications as a file", Doc: wholeDoc, Codes: []problem.Code{problem.Forbidden},
	}, api.ListExport[partsExportInput, journalVerification]{
		List: "journal.verifications", Page: j.pageOfVerifications, Columns: verificationColumns(), Ask: ask,
	})
}

func segmentColumns() []api.ExportColumn[journalSegment] {
	return []api.ExportColumn[journalSegment]{
		{TitleZH: "分段", TitleEN: "Segment", Value: func(s journalSegment, _ api.Words) any { return s.Number }},
		{TitleZH: "首行", TitleEN: "First row", Value: func(s journalSegment, _ api.Words) any { return s.FirstSeq }},
		{TitleZH: "末行", TitleEN: "Last row", Value: func(s journalSegment, _ api.Words) any { return s.LastSeq }},
		{TitleZH: "封存时间", TitleEN: "Closed", Value: func(s journalSegment, _ api.Words) any { return s.ClosedAt }},
		{TitleZH: "另存时间", TitleEN: "Copied", Value: func(s journalSegment, _ api.Words) any { return s.CopiedAt }},
		{TitleZH: "根", TitleEN: "Root", Value: func(s journalSegment, _ api.Words) any { return s.Root }},
		{TitleZH: "前一段的根", TitleEN: "Root before", Value: func(s journalSegment, _ api.Words) any { return s.PrevRoot }},
		{TitleZH: "签名", TitleEN: "Signature", Value: func(s journalSegment, _ api.Words) any { return s.Signature }},
		{TitleZH: "密钥指纹", TitleEN: "Fingerprint", Value: func(s journalSegment, _ api.Words) any { return s.SignerFingerprint }},
	}
}

func verificationColumns() []api.ExportColumn[journalVerification] {
	states := api.Titles{"running": {"校验中", "Running"}, "ok": {"完好", "Intact"}, "bad": {"异常", "Not intact"}, "failed": {"未完成", "Not finished"}}
	return []api.ExportColumn[journalVerification]{
		{TitleZH: "结果", TitleEN: "Result", Value: func(v journalVerification, w api.Words) any { return states.Of(w, v.State) }},
		{TitleZH: "开始时间", TitleEN: "Started", Value: func(v journalVerification, _ api.Words) any { return v.StartedAt }},
		{TitleZH: "完成时间", TitleEN: "Finished", Value: func(v journalVerification, _ api.Words) any { return v.FinishedAt }},
		{TitleZH: "已校验行数", TitleEN: "Rows", Value: func(v journalVerification, _ api.Words) any { return v.Rows }},
		{TitleZH: "异常", TitleEN: "Bad rows", Value: func(v journalVerification, _ api.Words) any { return len(v.Bad) }},
		{TitleZH: "发起人", TitleEN: "Started by", Value: func(v journalVerification, _ api.Words) any { return v.StartedBy }},
		{TitleZH: "链头", TitleEN: "Head", Value: func(v journalVerification, _ api.Words) any { return v.Head }},
	}
}
