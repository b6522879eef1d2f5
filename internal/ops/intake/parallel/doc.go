// Package parallel runs beside a Zabbix that is still in charge (并行比对): it takes in the problems that
// Zabbix sends as they begin and end, and compares them with the findings of our own inspection.
//
// Words: a source (来源) is one Zabbix server with a token of its own; a problem (Zabbix 问题) is what one
// of its triggers reported, from its beginning to its recovery; a difference (差异) is a problem without a
// finding of ours on the same asset within some minutes, or a finding without such a problem; a verdict
// (说明) is what a person says of a difference: known or accepted, with the reason.
//
// States of a source: active → revoked.
//
// Guarantees: a report without the token of an active source changes nothing; a problem is kept once
// however often it is sent and in whatever order its beginning and end arrive; of a token only its hash is
// kept; every figure is computed from the problems and findings that are stored, none is kept apart; a
// problem of a host that is not in the register says so and is never counted as seen.
//
// Failure modes: pairs are found by asset and time and not by subject, so two troubles of one asset within
// the tolerance count as seen by both: the rows show both titles. What Zabbix could not send while we were
// away is missing here: its own retries decide.
package parallel
