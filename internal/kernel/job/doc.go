// Package job runs side effects that follow a committed change (后台任务): a copy written, a message
// sent, rows swept. A job is enqueued in the transaction of the change ([Enqueue] takes the Tx), so
// it exists exactly when the change does, and it runs at least once: a handler is idempotent.
//
// What is an obligation is never only a job: deadlines are rows with a due time that a loop of the
// module sweeps, so that a lost job loses nothing.
//
// River does the work on both engines behind this package; nothing outside knows it. A job that was
// running when the process was killed is rescued after [rescueAfter]; a failing job is tried again
// with growing pauses, and after its last attempt counts as undelivered ([Queue.Undelivered]), which
// the inspection of this platform reports.
package job
