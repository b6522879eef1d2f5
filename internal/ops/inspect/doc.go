// Package inspect runs the contract's inspection (主动巡检) and keeps what it found.
//
// Words: a check (检查项) is one kind of look at one thing on an asset, with its settings; a plan
// (巡检计划) says which checks run when; a round (巡检轮次) is one run of a plan, with
// one item for each check that was planned; a result (检查结果) is what one check said in one round;
// a finding (隐患) is what is wrong, from the first bad result of a check to the first good one; a gap
// (巡检缺口) is a number of rounds that did not take place; the health check of a day (早检) is what a
// person looks through in the morning and signs: draft → signed, or missed when the day ends.
//
// An exemption (不适用) takes a check, or all of a kind on an asset, out of the inspection: one person
// proposes it with a reason, another decides (package approval), and a last day may end it.
//
// States of a finding: open (待派) → assigned (处理中) → repaired (待复检) → closed (已消除). Only a good
// result closes, in whatever state the finding is, or the decision that its check is not applicable,
// after which no result would come; a bad one after "repaired" puts it back to assigned. A closed finding is never opened again: a new one names it as its predecessor.
//
// Guarantees: of the items of a round each is in the end ran or missed, so planned = ran + missed,
// and each missed one says why. A result, its item, the check's state and memory and the finding
// move in one transaction; a result whose item is not there any more is dropped, so nothing counts
// twice. Rounds that were due and did not run are a gap with its reason. What has no source on an
// asset is counted apart: neither green nor red, and never a finding. The journal carries each step
// of a finding and, for the results, one closing row a round with the root of their tree.
//
// Failure modes: while the database is away results wait in memory until the round's deadline and are
// then missed (not_stored); a server that dies leaves its round to be closed by whoever sees the
// lease expire (server_stopped); a clock that is set forward leaves a gap, one that is set back moves
// the plan. DESIGN.md says why it is built so.
package inspect
