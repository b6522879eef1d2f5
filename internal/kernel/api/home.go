package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"taxops/internal/kernel/store"
)

// HomeCard is what a module says on the home page (首页卡片): what needs this person now.
type HomeCard struct {
	Key        string
	Permission string // who sees it
	// Load returns the card within the person's scope; nil when there is nothing to say.
	Load func(ctx context.Context, scope store.Scope) (*Card, error)
}

// Card is one card as shown.
type Card struct {
	Key      string     `json:"key"`
	Severity string     `json:"severity" enum:"critical,warning,info,ok"`
	TitleZH  string     `json:"title_zh"`
	TitleEN  string     `json:"title_en"`
	Count    int        `json:"count"`
	Href     string     `json:"href" doc:"Page of the console that shows all of it"`
	Items    []CardItem `json:"items" nullable:"false" doc:"The first few, the most urgent first"`
}

// CardItem is one line of a card.
type CardItem struct {
	TitleZH string     `json:"title_zh"`
	TitleEN string     `json:"title_en"`
	Href    string     `json:"href"`
	At      *time.Time `json:"at,omitempty"`
	State   string     `json:"state,omitempty"`
}

// Home is the answer of the home page.
type Home struct {
	Cards      []Card    `json:"cards" nullable:"false"`
	ServerTime time.Time `json:"server_time"`
}

// RegisterHome adds the home page made of the modules' cards.
func RegisterHome(r *Router, cards []HomeCard, now func() time.Time) {
	Register(r, Operation{
		ID: "home.get", Method: http.MethodGet, Path: "/home", Self: true,
		Summary: "What needs this person now",
		Doc:     "Cards of all modules that the person may see, the most severe first.",
	}, func(ctx context.Context, _ *struct{}) (*Output[Home], error) {
		out := &Output[Home]{Body: Home{Cards: []Card{}, ServerTime: now()}}
		for _, c := range cards {
			scope, err := r.guard.Authorize(ctx, CallerFrom(ctx), Need{Permission: c.Permission})
			if err != nil {
				continue // not for this person
			}
			card, err := c.Load(ctx, scope)
			if err != nil {
				return nil, err
			}
			if card != nil {
				card.Key = c.Key
				out.Body.Cards = append(out.Body.Cards, *card)
			}
		}
		order := []string{"critical", "warning", "info", "ok"}
		slices.SortStableFunc(out.Body.Cards, func(a, b Card) int {
			return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
		})
		return out, nil
	})
}
