package access

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migrations {
	return store.Migrations{Module: "access", FS: store.Sub(migrations)}
}

// Ledger is what this package asks of the journal.
type Ledger interface {
	// Append writes one row in the transaction that makes the change, and returns its id.
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
	// Erase destroys the key under which a person's values are sealed.
	Erase(ctx context.Context, tx *store.Tx, person string) error
}

// Sealer is what this package asks of the key ring.
type Sealer interface {
	Seal(purpose, rowID string, plain []byte) ([]byte, error)
	Open(purpose, rowID string, sealed []byte) ([]byte, error)
	BlindIndex(purpose, value string) []byte
}

// Places knows areas and systems.
type Places interface {
	// Place refuses an area or system that does not exist, naming the field below location.
	Place(ctx context.Context, location, areaPath, systemID string) error
}

// Installation is what every screen shows of this installation.
type Installation struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint" doc:"Of the key that signs the journal's segments"`
	AreaPath    string `json:"area_path"`
}

// Config is what the service needs.
type Config struct {
	DB      *store.DB
	Journal Ledger
	Ring    Sealer
	Places  Places
	Clock   clock.Clock
	Log     *slog.Logger
	// Permissions are those of all modules, this package's own among them.
	Permissions  []Permission
	Installation Installation
	Version      string
	// BaseURL is what links that people are given begin with: "http://127.0.0.1:8480".
	BaseURL string
	// SetupURL is what the set-up link begins with: an address that reaches this host without a proxy,
	// since set-up is possible on the host only; "" means BaseURL.
	SetupURL string
	// OwnAddress is the one address that this host is reached by when it does not listen on loopback:
	// whoever comes from it sits at the host. "" for none.
	OwnAddress string
	// SecureCookie keeps the session's cookie off plain HTTP.
	SecureCookie bool
	// IdleTimeout locks a session that nobody touches; 0 means 30 minutes.
	IdleTimeout time.Duration
	// Hash are the costs of a password; zero means DefaultHashParams.
	Hash HashParams
	// ConcurrentHashes bounds the memory that sign-ins take; 0 means 2.
	ConcurrentHashes int
}

// Times that are not configured.
const (
	defaultIdle      = 30 * time.Minute
	minIdle          = 2 * time.Minute // a sign of life is written once a minute
	sessionLife      = 12 * time.Hour
	freshFor         = 10 * time.Minute
	touchEvery       = time.Minute
	setupLinkLife    = 30 * time.Minute
	invitationLife   = 24 * time.Hour
	linkKept         = 30 * 24 * time.Hour // so that an old link is told from an invented one
	sessionsEach     = 20                  // of one account; the oldest end
	defaultHashSlots = 2
)

// Validate refuses a configuration that could not work and fills in what was left out.
func (c *Config) Validate() error {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdle
	}
	if c.Hash == (HashParams{}) {
		c.Hash = DefaultHashParams()
	}
	if c.ConcurrentHashes == 0 {
		c.ConcurrentHashes = defaultHashSlots
	}
	var errs []error
	if c.DB == nil || c.Journal == nil || c.Ring == nil || c.Places == nil {
		errs = append(errs, errors.New("access: database, journal, key ring and places are needed"))
	}
	if err := CheckIdleTimeout(c.IdleTimeout); err != nil {
		errs = append(errs, fmt.Errorf("access: %w", err))
	}
	if c.ConcurrentHashes < 1 || c.ConcurrentHashes > 64 {
		errs = append(errs, fmt.Errorf("access: 1 to 64 concurrent hashes, not %d", c.ConcurrentHashes))
	}
	if p := c.Installation.AreaPath; !strings.HasPrefix(p, "/") || !strings.HasSuffix(p, "/") || len(p) < 3 {
		errs = append(errs, fmt.Errorf("access: the installation's area %q is not a path such as /45/", p))
	}
	if err := c.Hash.validate(); err != nil {
		errs = append(errs, fmt.Errorf("access: %w", err))
	}
	return errors.Join(errs...)
}

// CheckIdleTimeout refuses a time after which a session locks that could not work.
func CheckIdleTimeout(d time.Duration) error {
	if d < minIdle || d > sessionLife {
		return fmt.Errorf("an idle session locks after %s to %s, not %s", minIdle, sessionLife, d)
	}
	return nil
}

// Service holds the accounts and decides who may do what. It is safe for concurrent use.
type Service struct {
	cfg       Config
	db        *store.DB
	catalogue catalogue
	hasher    *hasher
	passwords passwordRules
	failures  *failureNotes
}

// New makes the service.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	cat, err := newCatalogue(c.Permissions)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	h, err := newHasher(c.Hash, c.ConcurrentHashes)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	return &Service{
		cfg: c, db: c.DB, catalogue: cat, hasher: h, passwords: newPasswordRules(),
		failures: newFailureNotes(),
	}, nil
}

func (s *Service) now() time.Time { return s.cfg.Clock.Now() }

// note writes a row about an account.
func (s *Service) note(ctx context.Context, tx *store.Tx, kind string, a *account, fields map[string]any) error {
	_, err := s.cfg.Journal.Append(ctx, tx, journal.Entry{
		Type: kind, Subject: journal.Subject{Kind: subjectAccount, ID: a.ID},
		AreaPath: a.AreaPath, SystemID: a.SystemID, Fields: fields,
	})
	return err
}

// noteSystem writes a row about the installation as a whole.
func (s *Service) noteSystem(ctx context.Context, tx *store.Tx, kind string, fields map[string]any) error {
	_, err := s.cfg.Journal.Append(ctx, tx, journal.Entry{
		Type: kind, Subject: journal.Subject{Kind: subjectInstallation, ID: "1"},
		AreaPath: s.cfg.Installation.AreaPath, Fields: fields,
	})
	return err
}

// asAccount makes an account the actor of what follows: in operations that anybody may call, the
// person is known only once they have proved who they are.
func asAccount(ctx context.Context, id string) context.Context {
	return journal.WithActor(ctx, journal.Actor{Kind: journal.AccountActor, ID: id})
}
