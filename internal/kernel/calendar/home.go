package calendar

import (
	"context"
	"fmt"
	"strconv"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// HomeCards are what the calendar says on the home page: years that are needed and not there.
func (s *Service) HomeCards() []api.HomeCard {
	return []api.HomeCard{{Key: "calendar.missing", Permission: PermissionRead, Load: s.missingCard}}
}

func (s *Service) missingCard(ctx context.Context, _ store.Scope) (*api.Card, error) {
	c, err := s.Calendar(ctx)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	missing := c.Missing(now)
	card := &api.Card{
		Severity: "warning", TitleZH: "工作日历缺少放假安排", TitleEN: "The calendar lacks a list of holidays", Href: "/calendar", Items: []api.CardItem{},
	}
	for _, y := range missing {
		if y == DateOf(now).Year() {
			card.Severity = "critical"
		}
		card.Items = append(card.Items, api.CardItem{
			TitleZH: fmt.Sprintf("%d 年放假安排未导入：工作日无法判断，按每天执行", y),
			TitleEN: fmt.Sprintf("The holidays of %d are not imported: workdays are not known, plans run every day", y),
			Href:    "/calendar?year=" + itoa(y),
		})
	}
	if year, awaited := c.Awaited(now); awaited && len(missing) == 0 {
		card.Severity = "info"
		card.TitleZH, card.TitleEN = "待导入下一年放假安排", "Next year's holidays are to be imported"
		card.Items = append(card.Items, api.CardItem{
			TitleZH: fmt.Sprintf("%d 年放假安排尚未公布或导入", year), TitleEN: fmt.Sprintf("The holidays of %d are not published or not imported yet", year),
			Href: "/calendar?year=" + itoa(year),
		})
	}
	if card.Count = len(card.Items); card.Count == 0 {
		return nil, nil
	}
	return card, nil
}
