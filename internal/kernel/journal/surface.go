package journal

import (
	"context"
	"errors"
	"io"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/lifecycle"
)

type subscriber struct{ Subscription }

func newSubscriber(_ *Journal, s Subscription) *subscriber { return &subscriber{Subscription: s} }

type verifier struct{}

// Services are the loops of the journal.
func (j *Journal) Services() []lifecycle.Service { return nil }

// Drain chains everything and runs the subscriptions until nothing is left to do.
func (j *Journal) Drain(ctx context.Context) error {
	for {
		n, _, err := j.chainPending(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// Verify reads the whole chain again.
func (j *Journal) Verify(ctx context.Context, progress func(rows int64)) (Report, error) {
	return Report{}, errors.ErrUnsupported
}

// Export writes the chain as JSON Lines.
func (j *Journal) Export(ctx context.Context, w io.Writer) error { return errors.ErrUnsupported }

// ExportOptions say what a reader of an export knows beforehand.
type ExportOptions struct {
	// Fingerprint of the installation's key; "" takes the key that the file names.
	Fingerprint string
	Progress    func(rows int64)
}

// VerifyExport checks an export by itself.
func VerifyExport(ctx context.Context, r io.Reader, o ExportOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}

// Lag counts pending rows and tells the age of the oldest.
func (j *Journal) Lag(ctx context.Context) (pending int64, oldest time.Duration, err error) {
	return 0, 0, errors.ErrUnsupported
}

// Routes declares the operations of the journal.
func (j *Journal) Routes(r *api.Router) {}
