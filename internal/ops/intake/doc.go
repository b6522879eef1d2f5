// Package intake takes in what a bureau already keeps (接入): first the list of assets (资产台账) that an
// engineer brings as a workbook or CSV.
//
// Words: a run (导入批次) is one file on its way in: source (what kind of file it is) → parsed (a table of
// text) → preview (what would change) → applied → undone. A mapping says which column is which value of
// an asset; it is proposed from the names of the columns and remembered by their fingerprint, so that
// the same form is understood at once the next time. A row of the preview is new, changed, same, or a
// conflict that names the cells at fault.
//
// States: parsed → applied → undone; or parsed → discarded.
//
// Guarantees: a preview changes nothing. A run is applied in one transaction, all its rows or none, once;
// what is applied is what was previewed, or the application is refused because something changed
// meanwhile. An empty cell changes nothing, and nothing is retired because it is not in a list. Undoing
// puts back what the run changed and retires what it added, except for assets that somebody changed
// since, which are named and left. Every asset's history names the run.
//
// Failure modes: when two rows are the same asset, or one row is two assets by different keys, nothing
// is guessed: the rows are conflicts. Which columns are keys, and in which order, is told by [keysOf].
package intake
