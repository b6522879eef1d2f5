# Every target says what it does and how long each step took; the work itself is in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := build

DATA ?= data
RUN_FLAGS ?=

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: ## console and program → bin/taxops
	@scripts/build

run: build ## build, then serve on http://127.0.0.1:8480 with ./data
	@exec bin/taxops serve --data $(DATA) $(RUN_FLAGS)

deps: ## install what the tests need (Debian or Ubuntu; root or sudo)
	@scripts/deps

test: ## every test, against SQLite and a temporary PostgreSQL
	@scripts/test

race: ## the packages without cgo under the race detector
	@scripts/race

check: ## format, vet, lint, generated files, boundaries
	@scripts/check

generate: ## write again what is generated: reference, API types, licences
	@scripts/generate

bench: ## benchmarks, with a temporary PostgreSQL
	@scripts/bench

soak: ## the long versions of the random and fault tests
	@scripts/soak

clean: ## remove what was built; the data directory stays
	@rm -rf bin dist web/node_modules
	@find web/dist -mindepth 1 ! -name placeholder.html -delete

.PHONY: help build run deps test race check generate bench soak clean
