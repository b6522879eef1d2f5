// Package journal is the one ledger (业务日志账) in which everything that happens is a row: audit
// trail, outbox and evidence at once. DESIGN.md says why it is built as it is.
//
// Words: an [Entry] is what a module writes, inside the transaction that changes its own tables; a
// [Row] is what is kept, as canonical bytes (RFC 8785); the chain (哈希链) joins the rows in one order
// by SM3; a row is pending (待链) until it is chained, which on PostgreSQL happens a moment after the
// commit and on SQLite in the same transaction; a segment (分段) is a closed part of the chain, whose
// tree has one root that the installation signs; a copy (异地副本) of each signed head lies outside
// the database.
//
// Guarantees: an entry is on disc if and only if the transaction that wrote it is. Rows are never
// changed or removed by the product; a row that is changed, dropped, inserted, swapped or cut by
// other hands is found by [Journal.Verify], and in a file by [VerifyExport], and named by its number.
// A [Subscription] is handed every chained row of its types once, in order, its effects and its place
// in the chain in one transaction. A personal value is a commitment in the row, and its text is sealed
// under a key of that person, which [Journal.Erase] destroys: the chain still verifies.
//
// Failure modes: while the database is away nothing is written and the loops wait and try again; a
// row whose handler fails parks its subject, and later rows of that subject wait behind it until a
// person retries or skips; with SegmentDir lost, a tail cut from the database before the next copy
// cannot be shown.
package journal
