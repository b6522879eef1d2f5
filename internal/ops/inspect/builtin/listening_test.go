package builtin

import (
	"net/netip"
	"testing"
)

func TestServices(t *testing.T) {
	at := func(port uint16, owner string) listener {
		return listener{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), owner: owner}
	}
	got := services([]listener{
		at(5432, "postgres"), at(5433, "postgres"), {path: "/run/postgresql/.s.PGSQL.5432", owner: "postgres"},
		at(3306, ""), at(22, "sshd"), at(8080, "java"), at(7001, "java"), at(8000, "python3"),
		at(5672, "beam.smp"), at(25672, "beam.smp"), at(6380, "redis-server"), at(6379, "python3"),
	})
	var keys []string
	for _, s := range got {
		keys = append(keys, s.Key)
	}
	want := "java:8080 mysql:3306 postgresql:5432 rabbitmq:5672 redis:6380 weblogic:7001"
	if s := join(keys); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func join(words []string) string {
	out := ""
	for i, w := range words {
		if i > 0 {
			out += " "
		}
		out += w
	}
	return out
}
