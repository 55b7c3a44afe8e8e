# The ways into this project; CI calls the same. Each target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup lock demo start test check infra format docs bench clean engine-stop
BIN := .venv/bin

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup:  ## Make .venv from requirements/dev.lock (nothing to do when it is current)
	@scripts/setup

lock: setup  ## Write requirements/dev.lock from dev.in (UPGRADE=1 takes newer versions)
	@scripts/lock $(if $(UPGRADE),--upgrade)

demo: setup  ## See a deployed job run on this machine, from start to end, unattended
	@scripts/demo

start: setup  ## `livejob start --local` in examples/quickstart
	@scripts/start

test: setup  ## Everything: engine, image, linters, types, all tiers of tests (ARGS="-k word -x")
	@scripts/test $(ARGS)

check: setup  ## Linters, formatting, types, layers
	@scripts/check

infra: setup  ## The CDK constructs alone: types and tests (installs the CDK once)
	@scripts/infra check && scripts/infra test $(ARGS)

format: setup  ## Rewrite the sources as the formatter wants them
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

docs: setup  ## Write the pages of docs/ that are made from the code
	@$(BIN)/python scripts/make_docs.py

bench: setup  ## Measure; the figures go to bench/results/ (never a test)
	@scripts/bench

engine-stop: ## Stop the Docker engine that `make test` or `make demo` started
	@scripts/engine stop

clean:  ## Remove the virtual environment and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
