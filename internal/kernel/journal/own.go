package journal

// The types that the journal writes about itself.
const (
	typeVerified  = "journal.verified"
	typeExported  = "journal.exported"
	typeList      = "journal.list.exported"
	typeRevealed  = "journal.revealed"
	typeErased    = "journal.erased"
	typeSegment   = "journal.segment.closed"
	typeParked    = "journal.subscription.parked"
	typeRetried   = "journal.subscription.retried"
	typeSkipped   = "journal.subscription.skipped"
	subjectRow    = "journal_row"
	subjectSub    = "journal_subscription"
	subjectVerify = "journal_verification"
	subjectSeg    = "journal_segment"
	subjectPerson = "account"
)

// OwnTypes are the journal's rows about itself. New declares them.
func OwnTypes() []Type {
	reason := Field{Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true}
	subscription := Field{Name: "subscription", TitleZH: "订阅", TitleEN: "Subscription"}
	subject := Field{Name: "subject", TitleZH: "对象", TitleEN: "Subject"}
	seq := Field{Name: "seq", TitleZH: "序号", TitleEN: "Row"}
	return []Type{
		{Name: typeVerified, TitleZH: "日志链校验完成", TitleEN: "Journal verified", Fields: []Field{
			{Name: "ok", TitleZH: "完好", TitleEN: "Intact"},
			{Name: "rows", TitleZH: "行数", TitleEN: "Rows"},
			{Name: "bad", TitleZH: "异常数", TitleEN: "Bad rows"},
			{Name: "head", TitleZH: "链头", TitleEN: "Head"},
		}},
		{Name: typeExported, TitleZH: "日志已导出", TitleEN: "Journal exported", Fields: []Field{
			{Name: "head_seq", TitleZH: "链头序号", TitleEN: "Head row"},
			{Name: "head", TitleZH: "链头", TitleEN: "Head"},
		}},
		{Name: typeList, TitleZH: "列表已导出", TitleEN: "List exported", Fields: []Field{
			{Name: "list", TitleZH: "列表", TitleEN: "List"},
			{Name: "format", TitleZH: "格式", TitleEN: "Format"},
			{Name: "rows", TitleZH: "行数", TitleEN: "Rows"},
			{Name: "filters", TitleZH: "筛选条件", TitleEN: "Filters"},
			{Name: "text", TitleZH: "搜索文字", TitleEN: "Text searched for", Private: true, Optional: true},
		}},
		{Name: typeRevealed, TitleZH: "查看个人信息原文", TitleEN: "Private values revealed", Fields: []Field{seq, reason}},
		{Name: typeErased, TitleZH: "个人密钥已销毁", TitleEN: "Personal key destroyed"},
		{Name: typeSegment, TitleZH: "日志分段已封存", TitleEN: "Journal segment closed", Fields: []Field{
			{Name: "number", TitleZH: "段号", TitleEN: "Number"},
			{Name: "first_seq", TitleZH: "首行", TitleEN: "First row"},
			{Name: "last_seq", TitleZH: "末行", TitleEN: "Last row"},
			{Name: "root", TitleZH: "树根", TitleEN: "Root"},
		}},
		{Name: typeParked, TitleZH: "订阅处理受阻", TitleEN: "Subscription parked a subject", Fields: []Field{
			subscription, subject, seq, {Name: "error", TitleZH: "错误", TitleEN: "Error", Private: true},
		}},
		{Name: typeRetried, TitleZH: "受阻对象重试", TitleEN: "Parked subject retried", Fields: []Field{subscription, subject, seq, reason}},
		{Name: typeSkipped, TitleZH: "受阻行已跳过", TitleEN: "Parked row skipped", Fields: []Field{subscription, subject, seq, reason}},
	}
}
