package builtin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// scanQueue counts the files of a directory and finds the oldest, a thousand names at a time: a queue that
// nobody works on may hold millions.
func scanQueue(ctx context.Context, dir, pattern string) (waiting int, oldest time.Time, name string, missing *probe.Result) {
	d, err := os.Open(dir)
	if err != nil {
		r := cannotRead(dir, "目录 "+dir, err)
		if errors.Is(err, fs.ErrNotExist) { // named by a person: its absence is a fault
			r = probe.Result{State: probe.Critical, Reason: "missing", Summary: "目录 " + dir + " 不存在"}
		}
		return 0, oldest, "", &r
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(1000)
		for _, e := range entries {
			ok, _ := filepath.Match(pattern, e.Name()) // checked before
			if !ok || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			info, err := e.Info()
			if err != nil {
				continue // taken meanwhile
			}
			if waiting++; waiting == 1 || info.ModTime().Before(oldest) {
				oldest, name = info.ModTime(), e.Name()
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return waiting, oldest, name, nil
		case err != nil:
			r := cannotRead(dir, "目录 "+dir, err)
			return 0, oldest, "", &r
		case ctx.Err() != nil:
			r := probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("%s 中文件过多，未能在规定时间内数完（已数 %d 个）", dir, waiting))
			return 0, oldest, "", &r
		}
	}
}
