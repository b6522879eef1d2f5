package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Missing is one condition of production (投产条件) that is not met.
type Missing struct {
	Code    string `json:"code"`
	TitleZH string `json:"title_zh"`
	TitleEN string `json:"title_en"`
}

// Mode tells whether the installation is on trial or in production.
func (s *Service) Mode(ctx context.Context) (string, error) {
	i, err := readInstallation(ctx, s.db.Read())
	return i.Mode, err
}

// ProductionMissing lists what keeps the installation from production.
func (s *Service) ProductionMissing(ctx context.Context) ([]Missing, error) {
	return s.missing(ctx, s.db.Read())
}

func (s *Service) missing(ctx context.Context, db bun.IDB) ([]Missing, error) {
	all, err := holders(ctx, db)
	if err != nil {
		return nil, err
	}
	out := []Missing{}
	titles := roleTitles()
	for _, t := range titles {
		if !slices.Contains(Triad(), t.role) {
			continue
		}
		works, withoutTOTP := 0, 0
		for _, h := range all {
			if h.Role != t.role || h.State != Active {
				continue
			}
			if len(h.TOTPSecret) == 0 {
				withoutTOTP++
			} else if s.whole(h.AreaPath, h.SystemID) {
				works++
			}
		}
		if works == 0 {
			out = append(out, Missing{
				Code:    "no_" + string(t.role),
				TitleZH: "缺少负责整个单位、已启用动态口令的" + t.zh,
				TitleEN: "Nobody with one-time codes works as " + lowerFirst(t.en) + " for the whole installation",
			})
		}
		if withoutTOTP > 0 {
			out = append(out, Missing{
				Code:    "totp_" + string(t.role),
				TitleZH: fmt.Sprintf("有 %d 项%s授权的持有人未启用动态口令", withoutTOTP, t.zh),
				TitleEN: fmt.Sprintf("%d grant(s) as %s belong to people without one-time codes", withoutTOTP, lowerFirst(t.en)),
			})
		}
	}
	if n := accountsWithExcludedPair(all); n > 0 {
		out = append(out, Missing{
			Code:    "excluded_roles",
			TitleZH: fmt.Sprintf("有 %d 个账号同时持有系统管理员、安全管理员、审计员中的两种以上角色（三员分立）", n),
			TitleEN: fmt.Sprintf("%d account(s) hold more than one of system administrator, security administrator and auditor", n),
		})
	}
	if !slices.ContainsFunc(all, func(h holder) bool { return h.Role == Engineer && h.State == Active }) {
		out = append(out, Missing{Code: "no_engineer", TitleZH: "缺少在用的运维工程师", TitleEN: "Nobody works as engineer"})
	}
	return out, nil
}

func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+'a'-'A') + s[1:]
}

func accountsWithExcludedPair(all []holder) int {
	grants := map[string][]Grant{}
	for _, h := range all {
		grants[h.AccountID] = append(grants[h.AccountID], Grant{Role: h.Role})
	}
	n := 0
	for _, gs := range grants {
		if _, _, found := excludedPair(gs); found {
			n++
		}
	}
	return n
}

// DeclareProduction ends the trial for good. It is refused with the list of what is missing. Whoever
// declares it confirms by that those who hold the three roles are who they are said to be.
func (s *Service) DeclareProduction(ctx context.Context, reason string) error {
	reason, err := readReason(reason)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		scope, err := s.scopeOf(ctx, tx, api.CallerFrom(ctx).AccountID, PermissionDeclare)
		if err != nil {
			return err
		}
		if !scope.Covers(s.cfg.Installation.AreaPath, "") {
			return problem.New(problem.Forbidden, "this needs the permission %s for the whole installation", PermissionDeclare)
		}
		if mode == Production {
			return problem.New(problem.NotPossibleInState, "the installation is in production already")
		}
		missing, err := s.missing(ctx, tx)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			p := problem.New(CodeProductionRefused, "%d condition(s) of production are not met", len(missing))
			for _, m := range missing {
				p.Fields = append(p.Fields, problem.Field{Location: "production." + m.Code, Code: m.Code, Message: m.TitleEN})
			}
			return p
		}
		_, err = tx.NewUpdate().Model((*installation)(nil)).Set("mode = ?", Production).
			Set("declared_at = ?", store.At(tx.Now())).Set("declared_by = ?", api.CallerFrom(ctx).AccountID).
			Where("id = 1").Exec(ctx)
		if err != nil {
			return fmt.Errorf("declare production: %w", err)
		}
		if err := confirmTriad(ctx, tx, api.CallerFrom(ctx).AccountID); err != nil {
			return err
		}
		return s.noteSystem(ctx, tx, typeProduction, map[string]any{"reason": reason})
	})
}
