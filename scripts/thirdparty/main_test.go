package main

import (
	"slices"
	"testing"
)

func TestIdentify(t *testing.T) {
	for want, text := range map[string]string{
		"MIT":                "MIT License\nCopyright (c) 2020 A\nPermission is hereby granted, free\nof charge, to any person",
		"Apache-2.0":         "Apache License\n  Version 2.0, January 2004",
		"Apache-2.0 AND MIT": "Apache License Version 2.0 ... Permission is hereby granted, free of charge",
		"BSD-3-Clause":       "Redistribution and use in source and binary forms ... Neither the name of",
		"BSD-2-Clause":       "Redistribution and use in source and binary forms, with or without modification",
		"ISC":                "Permission to use, copy, modify, and/or distribute this software for any purpose",
		"MPL-2.0":            "Mozilla Public License Version 2.0",
		"":                   "All rights reserved. Ask us.",
	} {
		if got := identify(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRefusesALicenceThatIsNotOurs(t *testing.T) {
	if err := acceptable([]part{{licence: "MIT"}, {licence: "Apache-2.0 AND MIT"}}); err != nil {
		t.Error(err)
	}
	for _, l := range []string{"GPL-3.0", "MIT AND GPL-2.0", ""} {
		if acceptable([]part{{name: "x", licence: l}}) == nil {
			t.Errorf("%q was accepted", l)
		}
	}
}

func TestNpmPackages(t *testing.T) {
	got, err := npmPackages([]byte(`{"packages": {
		"": {"version": "0.0.0"},
		"node_modules/react": {"version": "19.3.1", "license": "MIT"},
		"node_modules/vite": {"version": "8.3.8", "license": "MIT", "dev": true},
		"node_modules/antd/node_modules/@rc/util": {"version": "1.0.0", "license": "MIT"},
		"node_modules/@rc/util": {"version": "1.0.0", "license": "MIT"}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []part{{name: "@rc/util", version: "1.0.0", licence: "MIT"}, {name: "react", version: "19.3.1", licence: "MIT"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestHolder(t *testing.T) {
	for text, want := range map[string]string{
		"MIT License\n\nCopyright (c) 2020 A | B\n":                             "Copyright (c) 2020 A / B",
		"Copyright © 2021 C\nCopyright 2022 D":                                  "Copyright © 2021 C",
		"   Copyright [yyyy] [name of copyright owner]\n":                       "",
		"copyright notice that is included in or attached to the work\nnothing": "",
	} {
		if got := holder(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
