// Package spawn runs foreign programs (plug-ins, scripts) for checks, each in a sandbox (沙箱) that it
// cannot outlive, outgrow or flood.
//
// Words: the server is the program that asks; the spawner (派生进程) is a process of the same binary
// beside it; a seat (执行席位) is a child of the spawner that runs one program at a time; the tree
// (进程树) is everything that a program started.
//
//	server ── spawner ──┬─ seat ── program ── what it started
//	                    └─ seat
//
// What does not change between two runs is set once, in the seat: file mode mask, no new privileges,
// limits, the place where orphans go. The program inherits it, so a run costs one fork, not a wrapper.
// The seat keeps the rights of the server, the program gives them up for a user of its own; so a
// program cannot end its seat.
//
// Guarantees: [Spawner.Run] returns within the time of the command, its grace and what ending it takes;
// afterwards nothing of the tree lives, whatever it did to get away (a session of its own, a double
// fork), because orphans become children of the seat and the seat looks until it has none; what was
// kept of the output is bounded and says when it was cut. A seat or a spawner that dies costs the runs
// in flight ([ErrLost]), and the next run starts another. When the server dies, even by SIGKILL, seats
// see their sockets close, end their programs and leave; when a seat dies, its orphans become children
// of the spawner, which ends them.
//
// Failure modes: without root there is no user to change to, so programs may signal the server itself
// ([Identity] says so, and `taxops doctor` shows it). Without cgroup v2 memory is watched each 250 ms
// and may be exceeded in between. A process that the kernel cannot end (state D) is left to the spawner,
// and its run says so. NPROC counts all processes of a user, so programs that run at the same time share
// it; the size of each tree is bounded apart.
package spawn
