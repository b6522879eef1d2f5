// Package wrapper turns what an old script (旧脚本) prints into a result, by rules that a person writes:
// most such scripts print tables and always leave with 0.
//
// Words: a rule (判定规则) looks at the decoded output in one of three ways. A text rule (文本) has a
// pattern and the state that it means; of several, the first that matches counts. A number rule (数值)
// has a pattern that captures a number, and ranges that judge it. A column rule (表格列) names a column
// of a table by its heading and judges every row.
//
// Guarantees: the gravest of what the rules and the exit code say is the state; a number or a column
// that was not found is UNKNOWN unless its rule may find nothing; output by which no rule says anything
// is UNKNOWN unless the rules name another state for that, and blank output always is. Patterns are RE2,
// so that no output takes more than linear time.
package wrapper
