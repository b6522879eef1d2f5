// Package zabbix reads what a Zabbix server exports about its hosts and says which of our checks, with
// which thresholds, ask the same questions. It knows neither the database nor our assets: it turns an
// export into hosts and proposals, and names what it could not turn, with the reason.
//
// Read are the exports that the frontend and configuration.export write, as XML (3.0 to 7.x), JSON
// (4.0 to 7.x) and YAML (5.2 to 7.x): hosts, groups, interfaces, inventory, macros, items, triggers and
// discovery prototypes of hosts and of the templates that are in the same file. Trigger expressions
// are understood in the form of 5.4 and later, func(/host/key,param)>80, and in the older one,
// {host:key.func(param)}>80.
//
// Guarantees: an export is data, nothing in it is run or fetched; a file of any content gives an export
// or an error, within [MaxSize] and with bounded depth; a trigger is never guessed: what is only nearly
// the same says so (see [Fidelity]), and what has no counterpart is listed with its reason.
package zabbix
