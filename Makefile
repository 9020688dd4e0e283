# Two commands on a fresh machine: `make demo` makes a film, `make test` runs every test that can run.
# Both build .venv from the hashed lock files first; after that, set-up is only looked at.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check record sandbox torture bench docs

PYTHON ?= python3
BRIEF ?= vídeo vertical de 15 s da nossa caneca de cerâmica, locução em português, uma foto principal, até 2 dólares
OUT ?= demo
WORKERS ?= 2
PORT ?= 9100

BIN := .venv/bin
# The stamps carry the folder they were made in, so that a moved or copied checkout is set up again.
HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
BOOTED := .venv/.booted-$(HERE)
READY := .venv/.ready-$(HERE)
READY_TO_TEST := .venv/.ready-to-test-$(HERE)
LOCKS := requirements/base.lock requirements/build.lock
UV := $(BIN)/uv
INTO := --quiet --python $(BIN)/python
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# A set-up for tests can do all that a set-up for films can, and is never taken back.
READY_TO_RUN := $(if $(wildcard .venv/.ready-to-test-*),$(READY_TO_TEST),$(READY))

# uv as it comes, else uv with the certificates of this machine, else pip, which may know an index that
# uv was not told of. Whoever does it, every file must have the hash that the lock names.
define sync
	@$(UV) pip sync $(INTO) --require-hashes $(1) \
	|| { echo "Once more, with the certificates of this machine ..." >&2; \
	     $(UV) pip sync $(INTO) --require-hashes --system-certs $(1); } \
	|| { echo "Once more, with pip ..." >&2; $(PIP) --require-hashes $(1:%=-r %); }
	@$(UV) pip install $(INTO) --offline --no-deps --no-build-isolation -e . \
	|| $(PIP) --no-deps --no-build-isolation -e .
endef

# A test that takes minutes hangs: its worker says where it stands, and the others go on.
NO_HANGING := -o faulthandler_timeout=150 -o faulthandler_exit_on_timeout=true

help:  ## what there is to ask for
	@sed -n 's/^\([a-z]*\):.*##/make \1 -/p' $(MAKEFILE_LIST)

setup: $(READY_TO_TEST)  ## everything a developer needs, in .venv

demo: $(READY_TO_RUN)  ## one film from one sentence, with no key: the folder is printed at the end
	@$(BIN)/agentes make --draft --yes --quality high --out "$(OUT)" "$(BRIEF)"

test: $(READY_TO_TEST)  ## every test that can run here; what was skipped is named, with the reason
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(NO_HANGING) -rfEs --no-fold-skipped

check: $(READY_TO_TEST)  ## style, types, import rules, house rules, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest tests/test_house_rules.py tests/test_import_rules.py
	$(BIN)/codespell

torture: $(READY_TO_TEST)  ## kill -9, faults, races, bad inputs: long
	$(BIN)/python -m pytest -m torture -rfEs --no-fold-skipped

bench: $(READY_TO_TEST)  ## every benchmark, each judged against a peer in the same run
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || failed=1; done; test -z "$$failed"

docs: $(READY_TO_TEST)  ## what is generated, written again: tables from the catalogue, counts from the word lists
	$(BIN)/python -m shared_knowledge.knowledge_cards

sandbox: $(READY_TO_RUN)  ## every vendor played on this machine, until Ctrl-C; PORT=9100 is where
	@$(BIN)/agentes sandbox --port "$(PORT)"

record: $(READY_TO_TEST)  ## the cassettes afresh, from the sandbox; LIVE=runway BUDGET=1.00 records with your own key
	@$(BIN)/python tests/record.py $(if $(LIVE),--live "$(LIVE)" --budget "$(BUDGET)")

$(BOOTED): requirements/boot.lock
	@echo "Setting up .venv (once) ..." >&2
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r $<
	@touch $@

$(READY): $(BOOTED) $(LOCKS) pyproject.toml
	$(call sync,$(LOCKS))
	@touch $@

$(READY_TO_TEST): $(BOOTED) $(LOCKS) requirements/dev.lock pyproject.toml
	$(call sync,$(LOCKS) requirements/dev.lock)
	@touch $@
