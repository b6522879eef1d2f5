package spawn

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A frame is a header in JSON and a body of bytes, each with its length before: output need not be
// text, so it stays outside of the JSON.
const (
	frameHead = 8
	maxHeader = 512 << 10
	maxBody   = 2 << 20
)

var errFrame = errors.New("not a frame of this program")

// appendFrame adds a frame to buf.
func appendFrame(buf []byte, header any, body ...[]byte) ([]byte, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("write a frame: %w", err)
	}
	size := 0
	for _, b := range body {
		size += len(b)
	}
	if len(h) > maxHeader || size > maxBody {
		return nil, fmt.Errorf("write a frame: %d and %d bytes are too many", len(h), size)
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(h)))
	buf = binary.BigEndian.AppendUint32(buf, uint32(size))
	buf = append(buf, h...)
	for _, b := range body {
		buf = append(buf, b...)
	}
	return buf, nil
}

// readFrame reads one frame into header and returns its body.
func readFrame(r io.Reader, header any) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err //nolint:wrapcheck // io.EOF says that the other side is gone
	}
	h, b := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	if h > maxHeader || b > maxBody {
		return nil, errFrame
	}
	buf := make([]byte, int(h)+int(b))
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("read a frame: %w", err)
	}
	if err := json.Unmarshal(buf[:h], header); err != nil {
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	return buf[h:], nil
}

// setup is the first frame that a seat gets.
type setup struct {
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Change bool   `json:"change"` // become UID and GID before the program starts
	Dir    string `json:"dir"`    // where programs work
	Limits Limits `json:"limits"`
	Cgroup string `json:"cgroup"` // folder of the group that programs are put into, "" for none
	// Old has the seat do without what kernels before 5.4 do not have.
	Old bool `json:"old,omitempty"`
}

// ready is what a seat answers.
type ready struct {
	PID   int    `json:"pid"`
	Error string `json:"error,omitempty"`
}

// request asks a seat for a run, or to cancel it.
type request struct {
	Seq       uint64   `json:"seq"`
	Cancel    bool     `json:"cancel,omitempty"`
	Path      string   `json:"path,omitempty"`
	Args      []string `json:"args,omitempty"`
	Env       []string `json:"env,omitempty"`
	HasScript bool     `json:"has_script,omitempty"` // the body is the script
	TimeoutMS int64    `json:"timeout_ms,omitempty"`
	Memory    int64    `json:"memory,omitempty"`
	Processes int      `json:"processes,omitempty"`
}

// response is an outcome on its way; the body is standard output, then standard error.
type response struct {
	Seq       uint64 `json:"seq"`
	Ended     Ended  `json:"ended"`
	Exit      int    `json:"exit,omitempty"`
	Signal    int    `json:"signal,omitempty"`
	Out       int    `json:"out"`
	OutCut    bool   `json:"out_cut,omitempty"`
	ErrCut    bool   `json:"err_cut,omitempty"`
	Detail    string `json:"detail,omitempty"`
	TookUS    int64  `json:"took_us"`
	CPUUS     int64  `json:"cpu_us"`
	MaxRSS    int64  `json:"max_rss"`
	Survivors int    `json:"survivors,omitempty"`
	Stuck     bool   `json:"stuck,omitempty"`
}
