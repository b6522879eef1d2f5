package builtin

import "encoding/binary"

// littleEndian reports the byte order of this machine, in which the kernel writes socket addresses.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
