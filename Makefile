# Kinora: the two commands are `make run` and `make test`.
#
#   make run            build and start, with the demo studio (DEMO=0: empty, the first page creates the admin)
#   make test           every test, the browser's included, against a real PostgreSQL
#   make assets         fonts, styles and scripts into assets/dist
#   make docs           the generated references in docs/
#   make load           the load test against a running Kinora (URL=http://127.0.0.1:8080)
#   make package        a Debian package in target/package

SHELL := /bin/bash
DEMO ?= 1
DATA ?= data
LISTEN ?= 127.0.0.1:8080
METRICS ?= 127.0.0.1:9187
URL ?= http://$(LISTEN)

.DEFAULT_GOAL := help
.PHONY: help run build assets test test-rust test-browser lint docs load package needs-run needs-test

help:
	@sed -n 's/^#   //p' Makefile

needs-run:
	@scripts/needs run

needs-test:
	@scripts/needs test

# The stamp is newer than everything the assets are made from.
assets/dist/manifest.tsv: assets/package-lock.json assets/build.mjs assets/icons.txt assets/favicon.svg $(wildcard assets/css/* assets/js/* assets/bundles/*)
	cd assets && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	node assets/build.mjs

assets: assets/dist/manifest.tsv

build: needs-run assets
	cargo build --release --bin kinora

run: build
	@exec target/release/kinora serve $(if $(filter 1 yes true,$(DEMO)),--demo) --data '$(DATA)' --listen '$(LISTEN)' --metrics-listen '$(METRICS)'

lint: assets
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

test: needs-test assets test-rust test-browser

test-rust: assets
	cargo test --workspace --locked

# The program as the tests have it: chosen alone, it and all its dependencies would be compiled anew with other features.
test-browser: assets
	cargo test --workspace --locked --test it --no-run
	scripts/browser-tests

docs: assets
	WRITE_DOCS=1 cargo test --locked --lib -- reference
	WRITE_DOCS=1 cargo test --locked --test it -- reference

load:
	cargo run --locked --release -p kinora-loadtests -- --url '$(URL)'

# Optimised throughout: docs/decisions/0008-two-optimised-builds.md.
package: needs-run assets
	cargo build --locked --profile dist --bin kinora
	scripts/package
