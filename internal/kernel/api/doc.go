// Package api is the door of the program: typed operations over HTTP, their documentation, and what
// every request must pass before a module sees it.
//
// An operation is declared once ([Operation], [Register]): the OpenAPI document, the validation, the
// permission and the client are made from that declaration. An operation that names neither a
// permission nor why it needs none is refused when the router is built, not when somebody calls it.
//
// A request passes: request id and log line → security headers → cross-site protection → rate limit →
// session ([Guard]) → permission and scope → size limit and validation → idempotency → the module.
// Every refusal is an RFC 9457 problem with a stable code.
//
// Guarantees: a request with an Idempotency-Key takes effect once (see store.WithOnce), and its
// repeat is answered alike. Causes of accidents go to the log under the request id, never to the
// person.
package api
