// Package sheet reads tables that people keep: XLSX workbooks and CSV files, as a stream of rows of text.
//
// Read are the first visible sheet of a workbook (Office Open XML; the older XLS is refused with advice)
// and CSV in UTF-8, UTF-16 with a mark, or GB18030 (which covers GBK and GB2312), separated by commas,
// semicolons or tabs. Cells are values as stored: a formula is never evaluated, its stored result is
// read; a date is the number of its day until [Day] reads it. Every cell of a merged range has the value
// of the range, so that headers over several columns and groups over several rows are whole.
//
// Guarantees: a file of any content gives rows or an error; what is too large is refused by size, rows,
// columns, text, and by what a compressed file would unfold to, before it is unfolded; rows are handed
// on one by one, so that memory does not grow with their number beyond the workbook's shared texts.
package sheet
