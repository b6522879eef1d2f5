// Package driver is below a module and talks to the outside as it must.
package driver

import "net/http"

// Driver drives.
func Driver() *http.Client { return http.DefaultClient }
