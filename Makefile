# The commands that people use. Everything else is in `cargo xtask`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := build
.PHONY: help build run test check clean packages-build packages-run packages-test dependencies

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

build: packages-build dependencies web/dist/index.html ## Build the release binary with its console: target/release/postern
	@echo "building postern"
	cargo build --release --locked --package postern

run: packages-run dependencies web/dist/index.html ## Build, then start Postern beside a real demo world; Ctrl-C ends everything
	@echo "building postern (the first time takes some minutes, later ones seconds)"
	cargo build --release --locked --package postern
	exec node scripts/demo.mjs

test: packages-test dependencies web/node_modules/.package-lock.json ## Run all tests: Rust, console, end-to-end, and the checks of the tree
	@scripts/python-drivers.sh || echo "without Python's drivers: the tests that need them will say SKIPPED"
	@scripts/node-drivers.sh || echo "without Node's drivers: the tests that need them will say SKIPPED"
	@scripts/go-drivers.sh || echo "without Go's drivers: the tests that need them will say SKIPPED"
	@scripts/mysql-server.sh || echo "without MySQL's server: the tests that need it will say SKIPPED"
	cargo xtask ci

check: packages-build dependencies web/node_modules/.package-lock.json ## The fast checks only: format, lints, the tree, the console's types
	@cargo xtask ci --fast

clean: ## Remove everything that was built, the demo's data included
	@rm -rf target web/dist web/node_modules third_party

packages-build packages-run packages-test: packages-%:
	@scripts/packages.sh $*

# Lays the dependencies that carry a change of ours; cargo does not start without them.
dependencies:
	@scripts/patch-dependencies.sh

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@echo "fetching what the console is built with"
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch node_modules/.package-lock.json

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	@echo "building the console"
	cd web && npm run --silent build
