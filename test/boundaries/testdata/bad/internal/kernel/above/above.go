// Package above imports the composition root.
package above

import "taxops/internal/app" // want app-knows-all

// Above is upside down.
func Above() { app.Run() }
