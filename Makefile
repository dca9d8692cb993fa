# Flattr: every target is described by `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= 0.1.0
GO ?= go
# One way of building for programs and checks: SQLite is compiled once for it,
# and once more for the race detector, which knows no position-independent code.
export GOFLAGS := $(GOFLAGS) -buildmode=pie -trimpath
# A tenth of a position-independent program is the list of what the loader has to
# move; packed, as every glibc from 2.36 on reads it, it is next to nothing.
ifeq ($(shell uname -s),Linux)
PACKED := -extldflags=-Wl,-z,pack-relative-relocs
endif
GOBUILD = $(GO) build -ldflags "-s -w -X main.version=$(VERSION) $(PACKED)"
STORY ?= 1
EXT := extension
MODULES := $(EXT)/node_modules/.package-lock.json
# A site that signs members in by a library from the registry; a test of the ledger drives it.
SITE := ledger/oauth/testdata/grant
SITE_MODULES := $(SITE)/node_modules/.package-lock.json
# A chat bot whose script asks Flattr's interface; another test of the ledger speaks to it.
BOT := ledger/rest/testdata/hubot
BOT_MODULES := $(BOT)/node_modules/.package-lock.json

.PHONY: help run check test soak fuzz bench mutants build package test-packages generate clean e2e

help: ## says what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: ## tells the story with real parts, data under ./var; STORY=0 only starts the services
	@.ci/install run
	@$(MAKE) -j2 build
	@STORY=$(STORY) node .ci/e2e.mjs story

build: bin/flattrd bin/flattr-ledger extension/dist ## writes bin/ and extension/dist/

# The programs are always handed to `go build`, which knows best what changed.
.PHONY: bin/flattrd bin/flattr-ledger extension/dist
bin/flattrd:
	@mkdir -p bin
	$(GOBUILD) -o $@ ./daemon

# One after the other: at the same time SQLite would be compiled twice.
bin/flattr-ledger: | bin/flattrd
	@mkdir -p bin
	$(GOBUILD) -o $@ ./ledger

extension/dist: $(MODULES)
	cd $(EXT) && npm run --silent build

# Not `npm ci`: it fails where a registry lacks the optional packages of other
# platforms. --no-save leaves the lock as it is, and its versions hold.
$(MODULES): $(EXT)/package-lock.json $(EXT)/package.json
	cd $(EXT) && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(SITE_MODULES): $(SITE)/package-lock.json $(SITE)/package.json
	cd $(SITE) && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(BOT_MODULES): $(BOT)/package-lock.json $(BOT)/package.json
	cd $(BOT) && npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

check: $(MODULES) $(SITE_MODULES) $(BOT_MODULES) ## format, lint, types and units without the race detector; the quick round
	@node .ci/test.mjs check

test: ## every check there is, end to end in two real browsers included
	@.ci/install test
	@$(MAKE) $(MODULES) $(SITE_MODULES) $(BOT_MODULES)
	@node .ci/test.mjs all

e2e: ## only what is tested in real browsers, Chromium and Firefox
	@.ci/install test
	@$(MAKE) build
	@node .ci/e2e.mjs all

soak: ## the long counts: kills of companion and ledger, freezes against clicks, the simulated year, audited after each; then fuzz
	@.ci/install test
	$(GO) test -tags soak -count=1 -timeout 90m -run '^(TestSoak|TestNoLossOfPower)' -v -p 1 ./daemon ./ledger ./ledger/settle
	@$(MAKE) fuzz

FUZZ_SECONDS ?= 30
fuzz: ## feeds every fuzz test for FUZZ_SECONDS (30)
	@node .ci/fuzz.mjs $(FUZZ_SECONDS)

# What is asked for by FLATTR_BENCH_ROWS may be the extension's alone; it is built only when a browser is there.
bench: ## measures against floors of the same run; SIZE=small is quick and judges nothing, WRITE=1 writes BENCHMARKS.md
	@case "$${FLATTR_BENCH_ROWS:-clicks}" in *clicks*|*month*|*postgres*|*books*|*rest*|*pages*) \
	  cd ledger && FLATTR_BENCH_SIZE=$(SIZE) FLATTR_BENCH_WRITE=$(WRITE) $(GO) test -tags bench -count=1 -timeout 90m -run '^TestBench$$' ;; esac
	@case "$${FLATTR_BENCH_ROWS:-companion}" in *companion*|*ack*|*durable*|*idle*|*start*|*size*) \
	  cd daemon && FLATTR_BENCH_SIZE=$(SIZE) FLATTR_BENCH_WRITE=$(WRITE) $(GO) test -tags bench -count=1 -timeout 20m -run '^TestBench$$' ;; esac
	@case "$${FLATTR_BENCH_ROWS:-extension}" in *extension*|*scan*|*storm*|*button*|*old*|*packed*) \
	  $(MAKE) build && FLATTR_BENCH_SIZE=$(SIZE) FLATTR_BENCH_WRITE=$(WRITE) node .ci/e2e.mjs bench/bench ;; esac

mutants: ## breaks the code on purpose, one patch at a time, and demands a red test
	@node .ci/mutants.mjs

generate: $(MODULES) ## makes the generated files anew
	$(GO) run ./daemon/wire/gen >$(EXT)/wire.schema.json.new && mv $(EXT)/wire.schema.json.new $(EXT)/wire.schema.json
	cd $(EXT) && npm run --silent generate
	sh ledger/web/style/build.sh

# The same commit gives the same bytes: every file has the commit's time.
package: ## writes every package, SHA256SUMS and the bills of materials into dist/
	@.ci/install package
	@$(MAKE) extension/dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(GO) run ./installer -version $(VERSION)

test-packages: package ## installs, upgrades and removes the packages in a Debian of their own, and builds them twice; root only
	@.ci/install packages
	@installer/test-packages dist

clean: ## removes what was built; data under ./var stays
	rm -rf bin dist $(EXT)/dist $(EXT)/node_modules $(SITE)/node_modules
