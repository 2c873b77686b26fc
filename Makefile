# Two commands do all the set-up: `make demo` and `make test`. Both make their own virtual environment.
.PHONY: demo test accept soak bench lint types rooms unit lock clean

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# the first Python 3.11 or newer that really starts (version managers leave shims that don't)
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then command -v $$p; break; fi; done)
PIP_QUIET := -q --disable-pip-version-check --no-input
DEMO_ARGS ?=
PYTEST_ARGS ?=

demo: $(VENV)/.base
	@exec $(BIN)/dodac demo $(DEMO_ARGS)

test: lint types rooms unit

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

rooms: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.dev
	$(BIN)/pytest -m "not soak" $(PYTEST_ARGS)

# figures on real buildings and worked examples (../shared/data), printed beside what is wanted
accept: $(VENV)/.dev
	$(BIN)/pytest tests/acceptance -q $(PYTEST_ARGS)

# the long proofs: kills, fuzz and coverage at length
soak: $(VENV)/.dev
	$(BIN)/pytest -m soak --timeout 3600 $(PYTEST_ARGS)

bench: $(VENV)/.dev
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "dodac needs Python 3.11 or newer; none was found. Debian/Raspberry Pi OS: sudo apt install python3 python3-venv" >&2; exit 2; }
	@echo "making a virtual environment with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "Python can't make a virtual environment. Debian/Raspberry Pi OS: sudo apt install python3-venv" >&2; exit 2; }

$(VENV)/.base: requirements/base.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing (once)"
	@$(BIN)/pip install $(PIP_QUIET) --require-hashes -r requirements/base.txt
	@$(BIN)/pip install $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "installing what checks need (once)"
	@$(BIN)/pip install $(PIP_QUIET) --require-hashes -r requirements/dev.txt
	@touch $@

# newest versions that fit pyproject.toml, with hashes and without registry addresses; needs uv
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		pyproject.toml requirements/build.in -o requirements/base.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra dev -c requirements/base.txt pyproject.toml requirements/build.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
