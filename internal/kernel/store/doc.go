// Package store is the database: one program, two engines (embedded SQLite, or PostgreSQL), the
// same behaviour on both.
//
// Words: the [DB] is the open database; [DB.Read] reads; [DB.Write] runs one transaction and hands
// out the [Tx], which is the only way to change anything, to write the journal or to enqueue a job.
// A [Scope] is what a person may see, and every scoped list asks for one.
//
// Guarantees: a Write that returned nil is on disc (SQLite: WAL with synchronous=FULL; PostgreSQL:
// its own default) and one that returned an error left nothing behind. Serialization failures and
// deadlocks of PostgreSQL are retried here, so the function given to Write may run several times and
// must have no effect outside the transaction; what should happen afterwards is given to
// [Tx.AfterCommit]. Times are UTC microseconds, stored as integers ([Time]), so that both engines
// sort and compare them alike.
//
// Failure modes: [Classify] turns an engine's error into a problem: the disc is full
// (storage_full), the database is away (database_unavailable), a row that must be unique exists
// (conflict). No network call belongs inside Write: on SQLite it holds up every writer, and a Write
// that takes longer than 200 ms is logged with its caller.
package store
