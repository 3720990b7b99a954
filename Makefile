# make run: the demo. make setup: .venv/bin/relay. make test: lint, types, tests. Nothing but Python 3.11 and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --require-hashes --only-binary=:all:
# dkimpy, which only tests use, is published as source alone; it builds with the locked setuptools.
SOURCE := --no-binary=dkimpy --no-build-isolation
# Hundreds of processes are started by the tests: each file is compiled once.
export PYTHONDONTWRITEBYTECODE :=
EDITABLE := $(PIP) install --no-deps --no-build-isolation --editable .

.PHONY: setup dev run test test-both scanners lint docs bench bench-imports contact-sheet dkim-campaign fuzz faults lock lock-check clean

setup: $(VENV)/.setup

dev: $(VENV)/.dev

run: setup
	$(BIN)/relay demo $(ARGS)

test: lint
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Every test from outside on both stores; half an hour and more.
test-both: dev
	RELAY_TEST_STORES=both $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/e2e tests/faults $(ARGS)

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# 10,000 fetches of every link, as mail filters make them, on both stores; CI makes a few hundred.
scanners: dev
	RELAY_TEST_FETCHES=10000 $(BIN)/python -m pytest tests/e2e/test_link_scanners.py --timeout 1800 $(ARGS)

# Writes into docs/*.md what code knows best; tests/docs compares.
docs: dev
	$(BIN)/cog -r -I . docs/*.md

bench: dev
	$(BIN)/python -m bench $(ARGS)

# A million rows into a SQLite store of their own: seconds, CPU, peak memory.
bench-imports: dev
	$(BIN)/python -m bench.imports $(ARGS)

# Kills, power cuts, failing system calls, broken smarthosts; ARGS="--help". Counts go on in faults-counts.jsonl.
faults: dev
	PYTHONPATH=.:tests:tests/faults:tests/e2e:tests/relay/forwarding $(BIN)/python tests/faults/campaign.py $(ARGS)

# Every HTML template of ../shared/data before and after rewriting in Chromium, judged, on one sheet of pictures in build/.
contact-sheet: dev
	$(BIN)/python tests/browser/contact_sheet.py

# Generated messages, each verified by dkimpy, opendkim and mailauth (COUNT=5000; CI does 500).
dkim-campaign: dev
	DKIM_MESSAGES=$(or $(COUNT),5000) $(BIN)/python -m pytest tests/dkim $(ARGS)

# Random and mutated messages through scan, reading and rewriting (SECONDS=600; atheris too, where it is installed).
fuzz: dev
	$(BIN)/python -m bench.fuzz --seconds $(or $(SECONDS),600) $(ARGS)

# Rewrites both locks from pyproject.toml; the versions in them stay where they still fit (UPGRADE=--upgrade: newest).
lock:
	tool=$$(mktemp -d) && trap 'rm -rf "$$tool"' EXIT && \
	$(PYTHON) -m venv "$$tool" && "$$tool/bin/pip" --quiet install uv && \
	compile="$$tool/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	  --only-binary :all: --no-emit-index-url --no-annotate --no-header $(UPGRADE)" && \
	$$compile --extra build -o requirements.txt && \
	$$compile --extra build --extra dev --no-binary dkimpy -c requirements.txt -o requirements-dev.txt

lock-check: dev
	$(BIN)/python .ci/lock_check.py requirements.txt requirements-dev.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed ($(PYTHON) is not): make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "python -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.setup: requirements.txt pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements.txt
	$(EDITABLE)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.setup
	$(INSTALL) $(SOURCE) -r requirements-dev.txt
	@touch $@
