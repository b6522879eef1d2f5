// Package segment writes and reads segments (结果段): thousands of results that say the same as before,
// in the few bytes each that nobody misses when the same is said every five minutes for years.
//
// A segment is written once and never changed. It keeps what it is given exactly: the same text, the same
// numbers, the same microseconds. What makes it small is that little of that is new.
//
// # Layout
//
//	"TXSG"  magic
//	u8      version (1)
//	u8      flags: 1 = rows have ids of their own, 2 = rows have hashes
//	uvarint rows
//	uvarint streams, then for each:
//	        u8 codec (0 as it is, 1 zstd), uvarint length, uvarint stored length, stored bytes
//	u32     CRC-32C of all before it, little endian
//
// The streams, in this order (uvarint: base 128; varint: zigzag, then base 128; text: uvarint length and
// bytes):
//
//	0 words     rounds: count, then for each its id (16 bytes after a 1 for a UUID, a text after a 0) and, as
//	            varint, how far its first result lies from that of the round before, in units; unit of
//	            times in µs; shapes: count, then for each the number of values and for each value label, unit,
//	            warn, crit as text and min, max as a presence byte and 8 bytes; templates: count, then
//	            summary and details as text
//	1 runs      rows are sorted by series and time: series as uvarint from the one before, number of rows
//	2 rounds    number of the round: varint from the row before of the same series
//	3 times     time after the round's first result in units: varint from the row before of the series
//	4 durations a duration of two digits, d·10^e µs, as the number 90·e + d - 10 doubled, or any other
//	            doubled plus one; varint from the row before of the series
//	5 forms     number of the shape, number of the template: varints from the row before of the series
//	6… values   one stream for each of the first four values of a row and one for all after them. For the
//	            values of one series at one place: a byte e ≤ 12, then decimals times 10^e as varints from the
//	            row before; or 255, then the bits of each value XOR those of the row before as uvarint
//	11 figures  the whole numbers in the texts of a row that are not one of its values: varint from the
//	            same place in the row before of the series if that has the same template
//	12 ids      16 bytes a row, all zero for the derived one (if flag 1)
//	13 hashes   32 bytes a row (if flag 2)
//
// A template is a text in which byte 0 begins a hole: 0 0 is byte 0 itself, 0 1 a whole number, 0 2 w one
// with leading zeros in w digits, 0 3 p s d the value at place p on scale s with d digits after the point.
//
// # What the reader promises
//
// It never panics and never allocates much more than the input can justify, whatever the bytes: what does
// not add up is [ErrCorrupt]. The checksum finds accidents; forgeries are found by the tree of a round.
package segment
