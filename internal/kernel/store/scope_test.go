package store_test

import (
	"testing"

	"taxops/internal/kernel/store"
)

func TestScopeCovers(t *testing.T) {
	grant := func(area, system string) store.Scope {
		return store.NewScope(store.ScopeGrant{AreaPath: area, SystemID: system})
	}
	tests := []struct {
		name         string
		scope        store.Scope
		area, system string
		want         bool
	}{
		{"the zero scope sees nothing", store.Scope{}, "/45/", "seal", false},
		{"the program sees everything", store.Everything(), "/46/", "seal", true},
		{"an area sees itself", grant("/45/4501/", ""), "/45/4501/", "seal", true},
		{"an area sees what is below", grant("/45/", ""), "/45/4501/450102/", "seal", true},
		{"an area does not see what is above", grant("/45/4501/", ""), "/45/", "seal", false},
		{"an area does not see its neighbour", grant("/45/4501/", ""), "/45/4502/", "seal", false},
		{"a code that begins alike is another area", grant("/45/450/", ""), "/45/4501/", "seal", false},
		{"a grant for one system", grant("/45/", "seal"), "/45/4501/", "seal", true},
		{"a grant for another system", grant("/45/", "seal"), "/45/4501/", "delivery", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.scope.Covers(tt.area, tt.system); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if !(store.Scope{}).Empty() || store.Everything().Empty() || grant("/45/", "").Empty() {
		t.Error("Empty is wrong")
	}
}
