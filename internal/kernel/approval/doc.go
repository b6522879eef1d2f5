// Package approval has one person propose and another decide (审批).
//
// Words: a request (审批事项) is what somebody proposed, with its reason; a decision (决定) approves or
// declines it. A decision may be made outside of the program, by a document of the office system (OA
// 公文) or on paper: then whoever records it says which document, who decided and when.
//
// States: proposed → approved | declined by the decision, or withdrawn by who proposed it.
//
// Guarantees: what was approved is carried out in the transaction of the decision, so it happens exactly
// once or the request is still undecided; effects outside of the database go through jobs that the
// transaction enqueues. In production nobody decides what they proposed themselves; on trial one person
// may, and the request is marked as decided alone. A decision needs a fresh proof of identity. The same
// thing cannot wait for two decisions of one kind.
//
// Failure modes: when a thing changed meanwhile so that the approved cannot be done, the decision is
// refused with the reason and the request stays; it can still be declined or withdrawn.
package approval
