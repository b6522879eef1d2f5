// Package plugin runs monitoring plug-ins (监控插件) as they are: any program that answers by the plug-in
// convention (draft-kaestle-monitoring-plugins-interface).
//
// The convention: the exit code is the state (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, anything else
// UNKNOWN); the first line is the summary, behind a bar stands performance data; further lines are
// details, and once one of them has a bar, all that follows is performance data.
//
// Guarantees: a plug-in that says nothing, dies, or cannot be run is UNKNOWN, never OK; values are kept
// in base units (seconds, bytes), so that charts of different plug-ins compare; thresholds stay where
// they are, in the arguments of the plug-in.
package plugin
