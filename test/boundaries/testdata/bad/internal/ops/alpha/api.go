package alpha

import "net/http"

func route() string { return http.MethodGet }
