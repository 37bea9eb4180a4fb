# Every task of the portal; `make` alone lists them. Nothing needs to be installed first but make and Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
# Each test process starts servers of its own; half of a test is waiting, so three of them fill two cores.
WORKERS ?= 3
# With bytecode kept, whatever the shell says: a worker then collects the tests in half the time, from the second run on,
# and none of the processes that tests start compiles again what another has.
PYTEST := PYTHONDONTWRITEBYTECODE= $(PY) -m pytest
export PYTHON

help: ## This list
	@echo "make up              start the portal and print its address (Ctrl-C stops it)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / && $$1 != "help" && $$1 != "up" {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "PORTAL_PORT=8090 (0: any free one)   PORTAL_DATA=.portal   PYTHON=python3.12   DETACH=1: return when ready"
	@echo "PORTAL_STACK=external: use PostgreSQL, NATS, Redis and a mail server of yours (docs/architecture.md)"
.PHONY: help

up: install ## Start the portal
	@exec $(PY) -m ops stack up $(if $(filter-out 0,$(DETACH)),--detach,--with-parent)
.PHONY: up

down: install ## stop it
	@$(PY) -m ops stack down
.PHONY: down

status: install ## what runs, and where it answers
	@$(PY) -m ops stack status || [ $$? -eq 3 ]  # 3: nothing runs, which is an answer
.PHONY: status

logs: install ## follow what every process prints
	@exec $(PY) -m ops stack logs
.PHONY: logs

reset: install ## stop it and delete its data (.portal)
	@$(PY) -m ops stack reset
.PHONY: reset

migrate: install ## bring the schemas up to date (PORTAL_DATABASE_ADMIN_URL)
	@$(PY) -m ops migrate
.PHONY: migrate

test: install-dev ## every test, in a real browser and on real servers (ARGS="-k milestone", WORKERS=0: in one process)
	@PORTAL_CHROMIUM="$$(sh ops/chromium.sh)" && export PORTAL_CHROMIUM && $(PYTEST) --numprocesses $(WORKERS) --dist loadfile $(ARGS)
.PHONY: test

screenshots: install-dev ## take the pictures of the README, of docs/first-visit.md and of the guide again
	@PORTAL_CHROMIUM="$$(sh ops/chromium.sh)" && export PORTAL_CHROMIUM && PORTAL_SCREENSHOTS=1 $(PYTEST) tests/e2e/test_pages.py tests/e2e/test_first_visit.py tests/e2e/guide_pictures.py
.PHONY: screenshots

test-changed: install-dev ## the tests that a change since main can reach, short of the whole portal
	@PORTAL_CHROMIUM="$$(sh ops/chromium.sh)" && export PORTAL_CHROMIUM && $(PYTEST) -p tests.changed --numprocesses $(WORKERS) --dist loadfile $(ARGS)
.PHONY: test-changed

test-fast: install-dev ## the tests that start no server and no browser
	@$(PYTEST) -p tests.fast $(ARGS)
.PHONY: test-fast

test-compose: install-dev ## build the images and start docker-compose.yml, where Docker runs
	@$(PYTEST) tests/deploy/compose_up.py $(ARGS)
.PHONY: test-compose

check: install-dev ## lint, types, imports
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports
	@$(PY) -m basedpyright
.PHONY: check

fmt: install-dev ## format, and mend what can be mended
	@$(PY) -m ruff check --fix --exit-zero --quiet .
	@$(PY) -m ruff format .
.PHONY: fmt

texts: install-dev ## bring the catalogues (locale/) up to date with the texts in the code
	@$(PY) -m tests.texts
.PHONY: texts

fuzz: install-dev ## ask every operation of the API what its description promises, fifty made-up requests each
	@PORTAL_FUZZ_EXAMPLES=50 $(PYTEST) tests/isolation/test_asked.py $(ARGS)
.PHONY: fuzz

bench: install-dev ## the benchmarks, each beside its floor
	@$(PY) -m tests.bench $(ARGS)
.PHONY: bench

bench-security: install-dev ## the promises about signing in, with their full counts (half an hour)
	@$(PYTEST) -s -W ignore tests/bench/security.py tests/bench/revocation.py $(ARGS)
.PHONY: bench-security

lock: install-dev ## renew requirements/*.txt (UPGRADE=1: to the newest versions)
	@for name in base stack dev redis; do \
		(cd requirements && ../.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt) || exit 1; \
	done
.PHONY: lock

vendor: ## copy the pages' scripts, styles, font and icons out of the locked npm packages (needs Node 20)
	@npm ci --ignore-scripts --no-audit --no-fund
	@node services/portal/vendor/vendor.mjs
	@node gateway/static/vendor.mjs
.PHONY: vendor

install: ## .venv with what `make up` needs
	@sh ops/install.sh stack
.PHONY: install

install-dev: ## .venv with what the tests need too
	@sh ops/install.sh dev
.PHONY: install-dev
