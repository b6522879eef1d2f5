// Package script keeps the scripts that people bring (巡检脚本) and runs them as checks.
//
// Words: a package (脚本包) is one script under a name; a version (版本) is its text with its manifest
// (清单): interpreter, parameters, arguments, limits, and how its output is judged: by the plug-in
// convention, or by rules ([taxops/internal/ops/inspect/wrapper]).
//
// States of a version: draft (草稿) → released (已发布) → retired (已停用). A draft may be changed and
// tried; a released version never changes again, whoever asks: its digest covers text and manifest, and
// is compared before each run. A check names package and version, so that a new version changes nothing
// that runs until a person moves the check to it.
//
// Guarantees: parameters become separate arguments, never text of a shell; a value cannot be taken for
// an option unless the manifest puts it behind one; secrets travel in the environment, not among the
// arguments that others can list. What runs are the verified bytes, handed over as an open file that
// nobody can change. Every result carries the digest of what ran.
//
// Failure modes: a version that was altered in the database is UNKNOWN (altered) and named in the log; a
// retired one is UNKNOWN (retired) until its checks are moved; an interpreter that is not installed is
// UNKNOWN (no_interpreter).
package script
