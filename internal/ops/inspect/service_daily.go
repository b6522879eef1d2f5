package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// firstSince is how far the first health check looks back.
const firstSince = 24 * time.Hour

// report gathers what the health check of a day tells now.
func (m *Module) report(ctx context.Context, day calendar.Date) (*dailyReport, error) {
	db, now := m.db.Read(), m.clock.Now()
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return nil, err
	}
	since, err := lastSigned(ctx, db, day)
	if err != nil {
		return nil, err
	}
	if since.IsZero() {
		since = now.Add(-firstSince)
	}
	r := &dailyReport{Day: c.Day(day), Periods: c.PeriodsAt(now), At: now, Since: since}
	if err := m.dailyFigures(ctx, r); err != nil {
		return nil, err
	}
	for _, add := range []func(context.Context, *dailyReport) error{m.addChecks, m.addLost, m.addPlans} {
		if err := add(ctx, r); err != nil {
			return nil, err
		}
	}
	for _, y := range c.Missing(now) {
		r.Items = append(r.Items, DailyItem{
			Key: fmt.Sprintf("calendar:%d", y), Kind: dailyCalendar, Severity: "WARNING", TitleZH: fmt.Sprintf("%d年放假安排未导入", y),
			TitleEN: fmt.Sprintf("The holidays of %d are not imported", y), Href: fmt.Sprintf("/calendar?year=%d", y),
		})
	}
	slices.SortStableFunc(r.Items, func(a, b DailyItem) int { return b.gravity() - a.gravity() })
	if len(r.Items) > mostDailyItems {
		r.More += len(r.Items) - mostDailyItems
		r.Items = r.Items[:mostDailyItems]
	}
	for i := range r.Items {
		r.Items[i].Position = int64(i)
	}
	return r, nil
}

func (m *Module) dailyFigures(ctx context.Context, r *dailyReport) (err error) {
	db, f := m.db.Read(), &r.Figures
	if f.Since, err = spanOf(ctx, db, r.Since); err != nil {
		return err
	}
	if f.Today, err = spanOf(ctx, db, calendar.DateOf(r.At).Start()); err != nil {
		return err
	}
	counts, err := checkCounts(ctx, db)
	if err != nil {
		return err
	}
	for _, c := range counts {
		switch rankOf(c.State, c.Reason) {
		case rankOK:
			f.OK += c.N
		case rankNew:
			f.NotRun += c.N
		case rankNoSource:
			f.NoSource += c.N
		case rankWarning:
			f.Warning += c.N
		case rankCritical:
			f.Critical += c.N
		default:
			f.Unknown += c.N
		}
	}
	f.Open, f.Overdue, f.Opened, f.Closed, err = findingCounts(ctx, db, r.Since)
	return err
}

// addChecks adds the checks that are not good, with what is done about them.
func (m *Module) addChecks(ctx context.Context, r *dailyReport) error {
	db := m.db.Read()
	checks, err := badChecks(ctx, db, mostDailyItems)
	if err != nil {
		return err
	}
	r.More += max(0, int(r.Figures.Critical+r.Figures.Unknown+r.Figures.Warning)-len(checks))
	ids := make([]string, len(checks))
	for i, c := range checks {
		ids[i] = c.ID
	}
	states, err := statesOf(ctx, db, ids)
	if err != nil {
		return err
	}
	findings, err := activeFindings(ctx, db, ids)
	if err != nil {
		return err
	}
	var people []string
	for _, f := range findings {
		people = append(people, f.AssigneeID)
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return err
	}
	for _, c := range checks {
		it := DailyItem{
			Key: "check:" + c.ID, Kind: dailyCheck, Severity: c.State, Href: "/inspect/checks/" + c.ID,
			TitleZH: oneLine(c.AssetName + " " + c.TitleZH + " " + c.Target), TitleEN: oneLine(c.AssetName + " " + c.TitleEN + " " + c.Target),
		}
		if s := states[c.ID]; s != nil {
			it.Detail, it.SinceAt = s.Summary, s.Since
		}
		if f := findings[c.ID]; f != nil {
			it.FindingID, it.Href, it.Note = f.ID, "/inspect/findings/"+f.ID, findingNote(f, names[f.AssigneeID])
		}
		r.Items = append(r.Items, it)
	}
	return nil
}

// addLost adds rounds that did not take place and items that were missed since the check before.
func (m *Module) addLost(ctx context.Context, r *dailyReport) error {
	db := m.db.Read()
	gaps, err := gapsSince(ctx, db, r.Since, mostDailyItems)
	if err != nil {
		return err
	}
	ids := make([]string, len(gaps))
	for i, g := range gaps {
		ids[i] = g.PlanID
	}
	plans, err := byID(ctx, db, ids, func(p *Plan) string { return p.ID }, "id")
	if err != nil {
		return err
	}
	for _, g := range gaps {
		name := ""
		if p := plans[g.PlanID]; p != nil {
			name = p.Name
		}
		r.Items = append(r.Items, DailyItem{
			Key: "gap:" + g.ID, Kind: dailyGap, Severity: "UNKNOWN", TitleZH: fmt.Sprintf("计划「%s」缺%d轮", name, g.MissedRounds),
			TitleEN: fmt.Sprintf("Plan “%s”: %d rounds did not take place", name, g.MissedRounds),
			Detail:  g.FromAt.In(clock.Shanghai()).Format("1月2日15:04") + "起，" + reasonZH(g.Reason), SinceAt: g.FromAt, Href: "/inspect/plans/" + g.PlanID,
		})
	}
	lost, err := lostSince(ctx, db, r.Since, mostDailyItems)
	if err != nil {
		return err
	}
	for _, l := range lost {
		r.Items = append(r.Items, DailyItem{
			Key: "missed:" + l.PlanID + ":" + l.MissedReason, Kind: dailyLost, Severity: "UNKNOWN",
			TitleZH: fmt.Sprintf("计划「%s」漏检%d项", l.PlanName, l.Missed), TitleEN: fmt.Sprintf("Plan “%s”: %d items missed", l.PlanName, l.Missed),
			Detail: fmt.Sprintf("%d轮，%s", l.Rounds, reasonZH(l.MissedReason)), SinceAt: l.First, Href: "/inspect/rounds?plan_id=" + l.PlanID,
		})
	}
	return nil
}

// addPlans adds plans that are on and inspect nothing.
func (m *Module) addPlans(ctx context.Context, r *dailyReport) error {
	plans, err := store.List[Plan](ctx, m.db.Read(), planList(), store.Everything(), store.ListQuery{Limit: store.MaxLimit, Filters: map[string]string{"enabled": "1"}}, nil)
	if err != nil {
		return err
	}
	for _, p := range plans.Items {
		checks, err := checksOf(ctx, m.db.Read(), &p)
		if err != nil {
			return err
		}
		if len(checks) == 0 {
			r.Items = append(r.Items, DailyItem{
				Key: "plan:" + p.ID, Kind: dailyPlan, Severity: "WARNING", TitleZH: "计划「" + p.Name + "」没有检查项",
				TitleEN: "Plan “" + p.Name + "” inspects nothing", SinceAt: p.EmptySince, Href: "/inspect/plans/" + p.ID,
			})
		}
	}
	return nil
}

// seesDaily refuses who may not see all of the installation, which the health check is about.
func (m *Module) seesDaily(scope store.Scope) error {
	if !scope.Covers(m.daily.AreaPath, "") {
		return problem.New(problem.Forbidden, "the daily check is about all of %s", m.daily.AreaPath)
	}
	return nil
}

// Today reads the health check of today as it is now, nil when none is due today, with what it tells.
func (m *Module) Today(ctx context.Context, scope store.Scope) (*Daily, *dailyReport, error) {
	if err := m.seesDaily(scope); err != nil {
		return nil, nil, err
	}
	day := calendar.DateOf(m.clock.Now())
	d, err := dailyOf(ctx, m.db.Read(), day)
	if err != nil {
		return nil, nil, err
	}
	r, err := m.report(ctx, day)
	return d, r, err
}

// Signing is what a person signs.
type Signing struct {
	Day         calendar.Date
	Notes       map[string]string // by key; items that are left out keep the note of the records
	Remark      string
	Fingerprint string // of what the person was shown
}

// SignDaily signs the health check of today. It is made when none was due: one more is never wrong.
func (m *Module) SignDaily(ctx context.Context, scope store.Scope, accountID, name string, s Signing) (*Daily, []DailyItem, error) {
	if err := m.seesDaily(scope); err != nil {
		return nil, nil, err
	}
	if err := checkNotes(s.Notes, s.Remark); err != nil {
		return nil, nil, err
	}
	if today := calendar.DateOf(m.clock.Now()); s.Day != today {
		return nil, nil, problem.New(problem.NotPossibleInState, "only today's health check can be signed, that of %s", today)
	}
	r, err := m.report(ctx, s.Day)
	if err != nil {
		return nil, nil, err
	}
	if fingerprint(r.Items) != s.Fingerprint {
		return nil, nil, problem.New(problem.Stale, "what the health check tells has changed meanwhile")
	}
	for i, it := range r.Items {
		if note, given := s.Notes[it.Key]; given {
			r.Items[i].Note = oneLine(note)
		}
	}
	var out *Daily
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := dailyOf(ctx, tx, s.Day)
		if err != nil {
			return err
		}
		if d == nil {
			if d, err = m.insertDaily(ctx, tx, s.Day, (s.Day + 1).Start(), r.Since); err != nil {
				return err
			}
		}
		if d.State, err = dailyMachine().Next(d.State, signDaily); err != nil {
			return err
		}
		r.At = tx.Now()
		d.SignedAt, d.SignedBy, d.SinceAt, d.Figures = store.At(tx.Now()), accountID, store.At(r.Since), r.Figures
		d.Text = r.text(name, s.Remark)
		d.SHA256 = sumOf(d.Text)
		if d.SignedAt.After(d.DueAt.Time) {
			d.Late = 1
		}
		if err := saveDaily(ctx, tx, d); err != nil {
			return err
		}
		for i := range r.Items {
			r.Items[i].DailyID = d.ID
		}
		if len(r.Items) > 0 {
			if _, err := tx.NewInsert().Model(&r.Items).Exec(ctx); err != nil {
				return fmt.Errorf("store the items of the health check: %w", err)
			}
		}
		out = d
		f := r.Figures
		return m.note(ctx, tx, TypeDailySigned, subjectDaily, d.ID, d.AreaPath, d.SystemID, map[string]any{
			"day": d.Day.String(), "late": d.Late == 1, "planned": f.Since.Planned, "ran": f.Since.Ran, "missed": f.Since.Missed,
			"gap_rounds": f.Since.GapRounds, "critical": f.Critical, "unknown": f.Unknown, "warning": f.Warning,
			"findings_open": f.Open, "findings_overdue": f.Overdue, "sha256": d.SHA256, "text": d.Text,
		})
	})
	if store.Unique(err) {
		return nil, nil, problem.New(problem.Stale, "the health check was changed meanwhile").With(err)
	}
	return out, r.Items, err
}

func (m *Module) insertDaily(ctx context.Context, tx *store.Tx, day calendar.Date, due, since time.Time) (*Daily, error) {
	d := &Daily{
		Day: day, State: dailyMachine().Initial, DueAt: store.At(due), SinceAt: store.At(since), AreaPath: m.daily.AreaPath,
		CreatedAt: store.At(tx.Now()), Version: 1,
	}
	var err error
	if d.ID, err = newID(); err != nil {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(d).Exec(ctx); err != nil {
		return nil, fmt.Errorf("store the health check: %w", err)
	}
	return d, nil
}

const (
	dailyEvery = 15 * time.Second
	// mostDaysBack is how many days are made good after the platform was down.
	mostDaysBack = 92
)

// watchDaily makes the health checks of the days, and notes those that are late or were missed.
func (m *Module) watchDaily(ctx context.Context) {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	lifecycle.Every(ctx, dailyEvery, func(ctx context.Context) {
		if err := m.sweepDaily(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "daily checks not looked after", "error", err)
		}
	})
}

// sweepDaily brings the health checks up to the day: each day on which one is due gets its row, also
// days on which no server ran; each becomes late and missed once, whichever server sees it.
func (m *Module) sweepDaily(ctx context.Context) error {
	if m.daily.AreaPath == "" {
		return nil
	}
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return err
	}
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := m.clock.Now()
		today := calendar.DateOf(now)
		last, err := lastDaily(ctx, tx)
		if err != nil {
			return err
		}
		if last == nil {
			return m.beginDaily(ctx, tx, c, today, now)
		}
		for d := max(last.Day+1, today-mostDaysBack); d <= today; d++ {
			if !m.daily.on(c, d) {
				continue
			}
			if _, err := m.insertDaily(ctx, tx, d, d.At(m.daily.Due), d.Start()); err != nil {
				return err
			}
		}
		open, err := drafts(ctx, tx)
		if err != nil {
			return err
		}
		return m.expire(ctx, tx, open, today, now)
	})
	if store.Unique(err) {
		return nil // another server was first
	}
	return err
}

// beginDaily makes the first health check there ever is; when its time has passed already it is due by
// the end of the day.
func (m *Module) beginDaily(ctx context.Context, tx *store.Tx, c *calendar.Calendar, today calendar.Date, now time.Time) error {
	if !m.daily.on(c, today) {
		return nil
	}
	due := today.At(m.daily.Due)
	if now.After(due) {
		due = (today + 1).Start()
	}
	_, err := m.insertDaily(ctx, tx, today, due, now.Add(-firstSince))
	return err
}

// expire notes health checks whose due time or whose day has passed.
func (m *Module) expire(ctx context.Context, tx *store.Tx, open []*Daily, today calendar.Date, now time.Time) error {
	for _, d := range open {
		var err error
		typ := ""
		if d.Late == 0 && now.After(d.DueAt.Time) {
			d.Late, typ = 1, TypeDailyLate
		}
		if d.Day < today {
			if d.State, err = dailyMachine().Next(d.State, expireDaily); err != nil {
				return err
			}
			d.Late, typ = 1, TypeDailyMissed
		}
		if typ == "" {
			continue
		}
		if err := saveDaily(ctx, tx, d); err != nil {
			return err
		}
		if err := m.note(ctx, tx, typ, subjectDaily, d.ID, d.AreaPath, d.SystemID, map[string]any{"day": d.Day.String(), "due_at": d.DueAt.Time}); err != nil {
			return err
		}
	}
	return nil
}
