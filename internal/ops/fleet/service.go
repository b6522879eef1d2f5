package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// Places knows the areas and systems.
type Places interface {
	// Place refuses an area or system that does not exist, with a problem for the field below location.
	Place(ctx context.Context, location, areaPath, systemID string) error
}

// Timeline reads the journal's rows about one thing, the oldest first, with the private texts that may
// be shown. It may return fewer than there are when there are more than most.
type Timeline interface {
	SubjectRows(ctx context.Context, s journal.Subject, most int) ([]journal.Row, error)
}

// People knows accounts.
type People interface {
	// Names returns what accounts are called; unknown ids are left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
}

// WorstStates tells the gravest state of each asset's checks; an asset without checks is left out.
type WorstStates func(ctx context.Context, assetIDs []string) (map[string]string, error)

// Deps are what the module stands on.
type Deps struct {
	DB      *store.DB
	Journal Journal
	Places  Places
	Worst   WorstStates // nil when nothing is inspected
	Machine Machine
	// Timeline and People show the history of an asset.
	Timeline Timeline
	People   People
	// Seen lists what runs on this machine, for proposals; nil proposes nothing.
	Seen func(ctx context.Context) []Sighting
	// AreaPath and SystemID are where the machine of this server is registered at first;
	// empty means the region and the platform itself.
	AreaPath, SystemID string
	Log                *slog.Logger
}

// Validate refuses what the module cannot work with.
func (d Deps) Validate() error {
	var errs []error
	if d.DB == nil {
		errs = append(errs, errors.New("fleet: no database"))
	}
	if d.Journal == nil {
		errs = append(errs, errors.New("fleet: no journal"))
	}
	if d.Places == nil {
		errs = append(errs, errors.New("fleet: no places"))
	}
	if d.Timeline == nil || d.People == nil {
		errs = append(errs, errors.New("fleet: no timeline or people"))
	}
	return errors.Join(errs...)
}

// List reads one page of assets.
func (m *Module) List(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Asset], error) {
	return store.List[Asset](ctx, m.db.Read(), assetList(), scope, q, nil)
}

// Get reads one asset, or says that it does not exist for this scope.
func (m *Module) Get(ctx context.Context, scope store.Scope, id string) (Asset, error) {
	a, err := find(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Asset{}, err
	}
	return *a, nil
}

// Register adds an asset that a person names.
func (m *Module) Register(ctx context.Context, scope store.Scope, n NewAsset) (Asset, error) {
	var out Asset
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = m.RegisterIn(ctx, tx, scope, n, "")
		return err
	})
	return out, err
}

// RegisterIn adds an asset within a transaction. Source names the list it came from, "" for none.
func (m *Module) RegisterIn(ctx context.Context, tx *store.Tx, scope store.Scope, n NewAsset, source string) (Asset, error) {
	if err := n.check(); err != nil {
		return Asset{}, err
	}
	if err := m.place(ctx, scope, n.AreaPath, n.SystemID); err != nil {
		return Asset{}, err
	}
	if err := m.host(ctx, tx, scope, n.ParentID); err != nil {
		return Asset{}, err
	}
	out := n.asset()
	return out, m.insert(ctx, tx, &out, source)
}

// host refuses a parent that is no active host within the scope; "" is none.
func (m *Module) host(ctx context.Context, tx *store.Tx, scope store.Scope, id string) error {
	if id == "" {
		return nil
	}
	p, err := find(ctx, tx, scope, id)
	if problem.CodeOf(err) == problem.NotFound || (err == nil && (p.Kind != Host || p.State != Active)) {
		return problem.InvalidField("body.parent_id", "unknown", "no active host with this id")
	}
	return err
}

// insert numbers, stores and journals a new asset.
func (m *Module) insert(ctx context.Context, tx *store.Tx, a *Asset, source string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("new id: %w", err)
	}
	if a.Number, err = store.NextNumber(ctx, tx, "AST"); err != nil {
		return err
	}
	a.ID, a.State, a.Version = id.String(), assetMachine().Initial, 1
	a.CreatedAt, a.UpdatedAt = store.At(tx.Now()), store.At(tx.Now())
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if _, err := tx.NewInsert().Model(a).Exec(ctx); err != nil {
		return fmt.Errorf("store asset: %w", err)
	}
	said := map[string]any{"kind": a.Kind, "name": a.Name, "hostname": a.Hostname}
	if given := a.said(); len(given) > 0 {
		said["given"] = given
	}
	if source != "" {
		said["source"] = source
	}
	return m.note(ctx, tx, TypeRegistered, a, said)
}

// Update changes an asset. The caller must be allowed in the place it comes from and in the one it
// goes to.
func (m *Module) Update(ctx context.Context, scope store.Scope, id string, c Change) (Asset, error) {
	var out Asset
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = m.UpdateIn(ctx, tx, scope, id, c, "")
		return err
	})
	return out, err
}

// UpdateIn changes an asset within a transaction. Source names the list that the change came from, ""
// for none.
func (m *Module) UpdateIn(ctx context.Context, tx *store.Tx, scope store.Scope, id string, c Change, source string) (Asset, error) {
	a, err := m.findAt(ctx, tx, scope, id, c.Version)
	if err != nil {
		return Asset{}, err
	}
	before := *a
	changed, err := c.apply(a)
	if err != nil {
		return Asset{}, err
	}
	if changed["area_path"] != nil || changed["system_id"] != nil {
		if err := m.place(ctx, scope, a.AreaPath, a.SystemID); err != nil {
			return Asset{}, err
		}
	}
	if changed["parent_id"] != nil {
		if a.Kind != Component || a.ParentID == "" {
			return Asset{}, problem.InvalidField("body.parent_id", "not_possible", "a component lies on a host, nothing else does")
		}
		if err := m.host(ctx, tx, scope, a.ParentID); err != nil {
			return Asset{}, err
		}
	}
	err = m.change(ctx, tx, a, &before, changed, source)
	return *a, err
}

// change stores an asset whose values differ from before and writes the row that says so.
func (m *Module) change(ctx context.Context, tx *store.Tx, a, before *Asset, changed map[string]any, source string) error {
	if len(changed) == 0 {
		return nil
	}
	if err := save(ctx, tx, a); err != nil {
		return err
	}
	fields := map[string]any{"changes": changed}
	if source != "" {
		fields["source"] = source
	}
	for _, at := range attributes() {
		if at.personal && changed[at.name] != nil {
			fields[at.name+"_before"], fields[at.name+"_after"] = *at.of(before), *at.of(a)
		}
	}
	return m.note(ctx, tx, TypeChanged, a, fields)
}

// Retire ends the life of an asset; its components must be retired before.
func (m *Module) Retire(ctx context.Context, scope store.Scope, id, reason string, version int64) (Asset, error) {
	var out Asset
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = m.RetireIn(ctx, tx, scope, id, reason, version)
		return err
	})
	return out, err
}

// RetireIn retires an asset within a transaction.
func (m *Module) RetireIn(ctx context.Context, tx *store.Tx, scope store.Scope, id, reason string, version int64) (Asset, error) {
	a, err := m.findAt(ctx, tx, scope, id, version)
	if err != nil {
		return Asset{}, err
	}
	if a.State, err = assetMachine().Next(a.State, retire); err != nil {
		return Asset{}, err
	}
	n, err := tx.NewSelect().Model((*Asset)(nil)).Where("parent_id = ?", id).Where("state = ?", Active).Count(ctx)
	if err != nil {
		return Asset{}, fmt.Errorf("components of the asset: %w", err)
	}
	if n > 0 {
		return Asset{}, problem.New(problem.NotPossibleInState, "%d active components lie on this host: retire them first", n)
	}
	if err := save(ctx, tx, a); err != nil {
		return Asset{}, err
	}
	return *a, m.note(ctx, tx, TypeRetired, a, map[string]any{"reason": reason})
}

func (m *Module) findAt(ctx context.Context, tx *store.Tx, scope store.Scope, id string, version int64) (*Asset, error) {
	a, err := find(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	if a.Version != version {
		return nil, problem.New(problem.Stale, "the asset is at version %d", a.Version)
	}
	return a, nil
}

// place refuses a place that does not exist or where the caller may not put anything.
func (m *Module) place(ctx context.Context, scope store.Scope, areaPath, systemID string) error {
	if systemID == "" {
		return problem.InvalidField("body.system_id", "required", "every asset belongs to a system")
	}
	if err := m.places.Place(ctx, "body", areaPath, systemID); err != nil {
		return err
	}
	if !scope.Covers(areaPath, systemID) {
		return problem.New(problem.Forbidden, "not allowed in area %s for this system", areaPath)
	}
	return nil
}

// EnsureLocalHost registers the machine of this server when it is new and refreshes its facts when
// they changed. Two servers on one machine get the same asset.
func (m *Module) EnsureLocalHost(ctx context.Context) (Asset, error) {
	l, err := m.machine.read()
	if err != nil {
		return Asset{}, err
	}
	ctx = journal.WithActor(ctx, journal.SystemActor("fleet"))
	var out Asset
	once := func(ctx context.Context, tx *store.Tx) error {
		a, err := byMachine(ctx, tx, l.key)
		if err != nil {
			return err
		}
		if a == nil {
			out = Asset{
				Kind: Host, Name: l.hostname, Hostname: l.hostname, Machine: l.key, Facts: l.facts,
				AreaPath: m.areaPath, SystemID: m.systemID, Profile: Profile{Reach: ReachLocal},
			}
			return m.insert(ctx, tx, &out, "")
		}
		if out = *a; reflect.DeepEqual(a.Facts, l.facts) {
			return nil
		}
		changed := factChanges(a.Facts, l.facts)
		a.Facts = l.facts
		if err := save(ctx, tx, a); err != nil {
			return err
		}
		out = *a
		return m.note(ctx, tx, TypeChanged, a, map[string]any{"changes": changed})
	}
	err = m.db.Write(ctx, once)
	if store.Unique(err) || problem.CodeOf(err) == problem.Stale {
		err = m.db.Write(ctx, once) // another server on this machine was first
	}
	if err != nil {
		return Asset{}, fmt.Errorf("register this machine: %w", err)
	}
	return out, nil
}

// LocalHost returns the asset of this machine without writing anything, or a problem with code
// not_found while it is not registered.
func (m *Module) LocalHost(ctx context.Context) (Asset, error) {
	l, err := m.machine.read()
	if err != nil {
		return Asset{}, err
	}
	a, err := byMachine(ctx, m.db.Read(), l.key)
	if err != nil {
		return Asset{}, err
	}
	if a == nil {
		return Asset{}, problem.Missing("asset", l.hostname)
	}
	return *a, nil
}

func factChanges(before, after Facts) map[string]any {
	out := map[string]any{}
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		if x, y := b.Field(i).Interface(), a.Field(i).Interface(); x != y {
			out[b.Type().Field(i).Tag.Get("json")] = []any{x, y}
		}
	}
	return out
}

// worst asks for the gravest state of each asset's checks.
func (m *Module) worst(ctx context.Context, ids []string) (map[string]string, error) {
	if m.worstOf == nil || len(ids) == 0 {
		return nil, nil
	}
	return m.worstOf(ctx, ids)
}

// scopeOf is what the caller of an operation may see.
func scopeOf(ctx context.Context) store.Scope { return api.ScopeFrom(ctx) }

// The region and the platform are where a machine belongs until a person says otherwise.
const (
	defaultArea   = org.Region
	defaultSystem = org.SystemPlatform
)
