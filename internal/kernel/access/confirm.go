package access

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Whoever makes a link sees it, and could accept it in place of the person. In production that would
// undo the separation of duties, so an administrator's or auditor's account counts only once another
// administrator has confirmed (核实) that its credentials are the person's: with the link of an
// administrator it stays invited until then, and nobody who came by such a link is given one of the
// three roles before. Links that were made on the host need no confirmation: whoever is root there needs
// no link. On trial one person may do everything; declaring production confirms those who hold the three
// roles then.

func notConfirmed(format string, args ...any) error {
	return problem.New(CodeNotConfirmed, format, args...)
}

// awaits reports an account whose person accepted and has not been confirmed.
func (a *account) awaits() bool { return a.State == Invited && !a.AcceptedAt.IsZero() }

// confirmed reports whether the credentials are known to be the person's.
func (a *account) confirmed() bool { return !a.ConfirmedAt.IsZero() }

func (a *account) confirm(now store.Time, by string) {
	a.AcceptedAt, a.ConfirmedAt, a.ConfirmedBy = store.Time{}, now, by
}

func (a *account) unconfirm() { a.ConfirmedAt, a.ConfirmedBy = store.Time{}, "" }

// mayHold refuses a grant of one of the three roles, in production, to somebody who works already and
// was never confirmed. Who is still invited is confirmed after accepting.
func mayHold(mode string, a *account, added []Grant) error {
	if mode != Production || a.State == Invited || a.confirmed() || !administers(added) {
		return nil
	}
	return notConfirmed("in production only a confirmed person becomes administrator or auditor: confirm this one first")
}

// Confirm says, as a second administrator, that an account's credentials are in the hands of its person,
// who stands before whoever confirms or was called back; how is recorded. The version is that of the
// account which was looked at: credentials that were replaced meanwhile are not confirmed.
func (s *Service) Confirm(ctx context.Context, id string, version int, how string) (AccountView, error) {
	var view AccountView
	how, err := readReason(how)
	if err != nil {
		return view, err
	}
	caller := api.CallerFrom(ctx).AccountID
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a, err := s.within(ctx, tx, id, PermissionConfirm)
		if err != nil {
			return err
		}
		if err := s.mayConfirm(ctx, tx, a, mode, version, caller); err != nil {
			return err
		}
		if err := step(a, onConfirm); err != nil {
			return err
		}
		a.confirm(store.At(tx.Now()), caller)
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if err := s.note(ctx, tx, typeConfirmed, a, map[string]any{"reason": about(a, how)}); err != nil {
			return err
		}
		view, err = s.viewOf(ctx, tx, a)
		return err
	})
	return view, err
}

func (s *Service) mayConfirm(ctx context.Context, tx *store.Tx, a *account, mode string, version int, caller string) error {
	switch {
	case mode != Production:
		return problem.New(problem.NotPossibleInState, "on trial nobody needs to be confirmed: declaring production confirms those who hold the three roles then")
	case version != a.Version:
		return problem.New(problem.Stale, "the account was changed meanwhile")
	case caller == a.ID:
		return problem.New(CodeSeparation, "nobody confirms themselves")
	case a.State == Invited && !a.awaits():
		return problem.New(problem.NotPossibleInState, "the person has not accepted the invitation yet")
	case a.State == Active && a.confirmed():
		return problem.New(problem.NotPossibleInState, "the person is confirmed already")
	}
	var used []invitation
	err := tx.NewSelect().Model(&used).Where("account_id = ?", a.ID).Where("used_at IS NOT NULL").
		OrderExpr("used_at DESC, id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return fmt.Errorf("link of %s: %w", a.ID, err)
	}
	if len(used) > 0 && used[0].MadeBy == caller {
		return problem.New(CodeSeparation, "you made the link that the person came by: somebody else confirms them")
	}
	return nil
}

// confirmTriad marks those who hold one of the three roles and work as confirmed by whoever declares
// production.
func confirmTriad(ctx context.Context, tx *store.Tx, by string) error {
	_, err := tx.NewUpdate().Model((*account)(nil)).
		Set("confirmed_at = ?", store.At(tx.Now())).Set("confirmed_by = ?", by).Where("state = ?", Active).
		Where("EXISTS (SELECT 1 FROM access_grant AS g WHERE g.account_id = account.id AND g.role IN (?))", bun.List(Triad())).Exec(ctx)
	if err != nil {
		return fmt.Errorf("confirm those who hold the three roles: %w", err)
	}
	return nil
}
