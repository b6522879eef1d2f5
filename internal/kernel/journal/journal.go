package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migrations {
	return store.Migrations{Module: "journal", FS: store.Sub(migrations)}
}

// Sealer signs heads. The installation's key does, see [secret.Ring.Signer].
type Sealer interface {
	Sign(message []byte) ([]byte, error)
	PublicKeyPEM() string
	Fingerprint() string
}

// Config is what a journal needs.
type Config struct {
	DB            *store.DB
	Ring          *secret.Ring
	Sealer        Sealer // nil: the ring's
	Types         []Type
	Subscriptions []Subscription
	Log           *slog.Logger
	Clock         clock.Clock
	// SegmentDir is where copies of signed heads lie, outside the database and best on another disc;
	// "" keeps none, and then a cut tail cannot be shown.
	SegmentDir string
	// AreaPath is the area of rows that name none: that of the installation ("/45/").
	AreaPath string
	// Names finds what people are called, by account id, for screens; nil shows ids.
	Names func(ctx context.Context, ids []string) (map[string]string, error)
}

// Validate says what is missing.
func (c Config) Validate() error {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("journal: no database"))
	}
	if c.Ring == nil {
		errs = append(errs, errors.New("journal: no key ring"))
	}
	return errors.Join(errs...)
}

// Journal is the ledger.
type Journal struct {
	db      *store.DB
	ring    *secret.Ring
	sealer  Sealer
	log     *slog.Logger
	clock   clock.Clock
	dir     string
	area    string
	names   func(ctx context.Context, ids []string) (map[string]string, error)
	channel string // PostgreSQL: where chaining is told
	lockKey int64  // PostgreSQL: who chains

	declared sync.RWMutex
	types    map[string]Type
	subs     []*subscriber

	keys     keyCache
	chain    *wake // something may be pending
	news     *wake // something may have been chained
	watches  watches
	verifier verifier
}

// New makes a journal; it touches no table and starts nothing.
func New(c Config) (*Journal, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Sealer == nil {
		c.Sealer = c.Ring.Signer()
	}
	j := &Journal{
		db: c.DB, ring: c.Ring, sealer: c.Sealer, log: c.Log, clock: c.Clock, dir: c.SegmentDir, area: c.AreaPath, names: c.Names,
		types: map[string]Type{}, chain: newWake(), news: newWake(),
	}
	process, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("journal: name this process: %w", err)
	}
	j.verifier = verifier{id: process.String(), bell: newWake()}
	j.channel, j.lockKey = names(c.DB.Schema())
	if err := j.Declare(OwnTypes()...); err != nil {
		return nil, err
	}
	given := slices.DeleteFunc(slices.Clone(c.Types), func(t Type) bool { return strings.HasPrefix(t.Name, "journal.") })
	if err := j.Declare(given...); err != nil {
		return nil, err
	}
	if err := j.Subscribe(c.Subscriptions...); err != nil {
		return nil, err
	}
	return j, nil
}

// Declare adds types. Modules that need the journal to be made declare theirs afterwards, before it
// starts.
func (j *Journal) Declare(types ...Type) error {
	j.declared.Lock()
	defer j.declared.Unlock()
	var errs []error
	for _, t := range types {
		if err := t.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, twice := j.types[t.Name]; twice {
			errs = append(errs, fmt.Errorf("journal type %s is declared twice", t.Name))
			continue
		}
		j.types[t.Name] = t
	}
	return errors.Join(errs...)
}

// Types lists what is declared, by name.
func (j *Journal) Types() []Type {
	j.declared.RLock()
	defer j.declared.RUnlock()
	out := make([]Type, 0, len(j.types))
	for _, t := range j.types {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (j *Journal) typeOf(name string) (Type, bool) {
	j.declared.RLock()
	defer j.declared.RUnlock()
	t, ok := j.types[name]
	return t, ok
}

// Subscribe adds subscriptions, before the journal starts. Their types must be declared.
func (j *Journal) Subscribe(subs ...Subscription) error {
	j.declared.Lock()
	defer j.declared.Unlock()
	var errs []error
	for _, s := range subs {
		switch {
		case s.Name == "" || s.Handle == nil || len(s.Types) == 0:
			errs = append(errs, fmt.Errorf("subscription %q needs a name, types and a handler", s.Name))
			continue
		case slices.ContainsFunc(j.subs, func(o *subscriber) bool { return o.Name == s.Name }):
			errs = append(errs, fmt.Errorf("subscription %s is declared twice", s.Name))
			continue
		}
		for _, t := range s.Types {
			if _, known := j.types[t]; !known {
				errs = append(errs, fmt.Errorf("subscription %s: type %q is not declared", s.Name, t))
			}
		}
		j.subs = append(j.subs, newSubscriber(j, s))
	}
	return errors.Join(errs...)
}
