// Package calendar knows which days are worked (工作日历) and which times want more care (保障期).
//
// Words: a list (放假安排) is what one authority published for one year: days off (放假), weekend days
// that are worked instead (调休补班), and ordinary workdays that a later notice made so again. Layers of
// lists: national (国务院办公厅) and region (广西, 三月三), which wins. A period is a span of time that wants
// more care: a filing period (征期), the larger one of a quarter (大征期), an annual settlement (汇算清缴),
// a holiday (节假日) or an event (重大活动).
//
// Guarantees: a year whose national list is not there has no workdays and no days off: its days are
// Unpublished, and whoever counts workdays over them gets an UnpublishedError that names the year.
// Monday to Friday is never assumed in silence. A list that is imported anew replaces the one before,
// which stays readable; both carry the document and its version. What is computed by a rule because no
// notice is there yet is marked provisional (暂定).
//
// A Calendar is a value that never changes: rules over it are pure, and Revision tells two apart. All
// days are days of Asia/Shanghai, which has had no daylight saving time since 1991.
//
// Failure modes: while the database is away the calendar that was read last is not used, since it may
// be outdated: the caller gets the error and tries again.
package calendar
