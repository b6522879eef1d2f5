package org_test

import (
	"strings"
	"testing"

	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

func TestTree(t *testing.T) {
	storetest.Each(t, []store.Migrations{org.Migrations()}, func(t *testing.T, db *store.DB) {
		s := org.New(db)
		areas, err := s.Areas(t.Context())
		if err != nil || len(areas) != 15 {
			t.Fatalf("%d areas, %v", len(areas), err)
		}
		seen := map[string]bool{"": true}
		for _, a := range areas {
			if !seen[a.ParentPath] {
				t.Errorf("%s comes before its parent", a.Path)
			}
			seen[a.Path] = true
			// The path is the chain of codes without their trailing zeros.
			last := a.Path[strings.LastIndexByte(strings.TrimSuffix(a.Path, "/"), '/')+1 : len(a.Path)-1]
			if !strings.HasPrefix(a.Code, last) || strings.Trim(strings.TrimPrefix(a.Code, last), "0") != "" || len(a.Code) != 6 {
				t.Errorf("%s has code %s", a.Path, a.Code)
			}
			if a.Level != strings.Count(a.Path, "/")-1 || !strings.HasSuffix(a.NameZH, "税务局") || a.NameEN == "" {
				t.Errorf("area %+v", a)
			}
			if a.ParentPath != "" && !org.Below(a.Path, a.ParentPath) {
				t.Errorf("%s is not below %s", a.Path, a.ParentPath)
			}
		}
		if areas[0].Path != org.Region || areas[1].NameZH != "南宁市税务局" || areas[14].NameZH != "崇左市税务局" {
			t.Errorf("areas %+v", areas)
		}
	})
}

func TestSystems(t *testing.T) {
	storetest.Each(t, []store.Migrations{org.Migrations()}, func(t *testing.T, db *store.DB) {
		systems, err := org.New(db).Systems(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]string{}
		for _, x := range systems {
			have[x.Key] = x.ID
			if x.AreaPath != org.Region || x.NameZH == "" || x.NameEN == "" {
				t.Errorf("system %+v", x)
			}
		}
		for key, id := range map[string]string{
			"identity": org.SystemIdentity, "delivery": org.SystemDelivery, "seal": org.SystemSeal, "platform": org.SystemPlatform,
		} {
			if have[key] != id {
				t.Errorf("%s is %q", key, have[key])
			}
		}
	})
}

func TestPlace(t *testing.T) {
	storetest.Each(t, []store.Migrations{org.Migrations()}, func(t *testing.T, db *store.DB) {
		s := org.New(db)
		for name, c := range map[string]struct{ area, system, location string }{
			"region":         {"/45/", "", ""},
			"city, system":   {"/45/4501/", org.SystemSeal, ""},
			"unknown area":   {"/45/4599/", "", "body.area_path"},
			"no area":        {"", "", "body.area_path"},
			"half a path":    {"/45", "", "body.area_path"},
			"unknown system": {"/45/", "seal", "body.system_id"},
		} {
			err := s.Place(t.Context(), "body", c.area, c.system)
			if c.location == "" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if c.location != "" && (problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), c.location)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.Area(t.Context(), "/44/"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another region: %v", err)
		}
		if org.Below("/45/4501/", "/45/450") || org.Below("/45/", "/45/4501/") || org.Below("/45/", "") || !org.Below("/45/", "/45/") {
			t.Error("below")
		}
	})
}
