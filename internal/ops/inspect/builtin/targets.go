package builtin

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"taxops/internal/kernel/probe"
)

// A check connects to whatever address a person gave it, from the server, which reaches more than the
// person does. An installation may say which networks are inspected; it is held at the moment of
// connecting, on the address that a name turned out to be, so that no name leads around it.

// targetsKey is under what the context of a check carries the networks that it may connect to.
type targetsKey struct{}

// confined holds kinds to some networks; to all when there are none. It does not hold programs that a
// kind runs.
func confined(kinds []probe.Builtin, networks []netip.Prefix) []probe.Builtin {
	if len(networks) == 0 {
		return kinds
	}
	for i := range kinds {
		run, discover := kinds[i].Run, kinds[i].Discover
		kinds[i].Run = func(ctx context.Context, t probe.Target) probe.Result {
			return run(context.WithValue(ctx, targetsKey{}, networks), t)
		}
		if discover != nil {
			kinds[i].Discover = func(ctx context.Context) []probe.Found {
				return discover(context.WithValue(ctx, targetsKey{}, networks))
			}
		}
	}
	return kinds
}

// outside says that an address lies in none of the networks that are inspected.
type outside struct{ address string }

func (e outside) Error() string {
	return fmt.Sprintf("%s is in none of the networks of inspect.targets.allow", e.address)
}

// dialer makes the connections of a check; nothing else in this package may. UNIX sockets lie on this
// machine and are not concerned.
func dialer(ctx context.Context) *net.Dialer {
	networks, _ := ctx.Value(targetsKey{}).([]netip.Prefix)
	if len(networks) == 0 {
		return &net.Dialer{}
	}
	return &net.Dialer{Control: func(network, address string, _ syscall.RawConn) error {
		if network == "unix" {
			return nil
		}
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return outside{address}
		}
		return permitted(ctx, to.Addr())
	}}
}

// permitted is for what sends without a connection: it says outside of an address that may not be
// spoken to.
func permitted(ctx context.Context, addr netip.Addr) error {
	networks, _ := ctx.Value(targetsKey{}).([]netip.Prefix)
	addr = addr.Unmap().WithZone("")
	if len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return outside{addr.String()}
}

// DialWithin makes connections to some networks only; to all when there are none.
func DialWithin(networks []netip.Prefix) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx = context.WithValue(ctx, targetsKey{}, networks)
		return dialer(ctx).DialContext(ctx, network, address)
	}
}
