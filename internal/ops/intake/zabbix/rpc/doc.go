// Package rpc asks a Zabbix server through its JSON-RPC API (4.0 to 7.x) for what its export would say:
// hosts with their groups, interfaces, inventory, macros, templates and tags, the triggers with their
// expressions spelled out, and the maintenances. The result is a [zabbix.Export].
//
// Guarantees: nothing but reading methods and the sign-in and sign-out of its own session is called;
// redirects are not followed, so that a token goes nowhere but to the address that a person gave; the
// certificate is verified by the system's authorities, by those given, or by the fingerprint of the one
// certificate that is expected; answers are bounded in size, number and time.
//
// Failure modes: what is wrong with the address, the account or the version is a [problem.Error] that
// names the field; a host whose triggers are hidden from the account comes without them, as Zabbix shows
// it.
package rpc
