// Command taxops is longer than a command line may be.
package main

import "taxops/internal/app"

func main() {
	app.Run()
	app.Run()
	app.Run()
	app.Run()
	app.Run()
}
