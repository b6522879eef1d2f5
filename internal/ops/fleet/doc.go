// Package fleet is the register of what is kept running (资产台账).
//
// Words: an asset (资产) is a host (主机) or a component (组件) on one: a database, an application
// server, a queue. Every asset lies under one area and belongs to one system, so that each check,
// finding and report finds its owner. Facts (配置信息) are what a host says of itself; labels (标签)
// are what people add.
//
// States: active → retired (下线). A retired asset stays in the register, since results and findings
// name it, and nothing is inspected on it any more.
//
// Guarantees: a machine registers itself once, whatever number of servers runs on it and however
// often they start; every change is a row of the journal in the same transaction; a change made on
// an older version is refused as stale.
//
// Failure modes: a machine without an id of its own (/etc/machine-id) is known by its host name
// only, so renaming it makes a new asset.
package fleet
