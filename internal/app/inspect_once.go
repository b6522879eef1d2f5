package app

import (
	"context"
	"errors"
	"io"
)

// InspectOnce runs one round on this machine without a server.
func InspectOnce(_ context.Context, _ Options, _ string, _ io.Writer) (worst int, err error) {
	return 3, errors.ErrUnsupported
}
