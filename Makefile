# The commands of laflow. `make demo` and `make test` need Python >= 3.11 and make, nothing else:
# each sets up its own environment in $(VENV) with the versions pinned in requirements/constraints.txt.

VENV ?= .venv
OUT ?= out/demo
BENCHMARK ?= gradient
DOCS ?= out/docs
AUDIT ?= out/audit
PIN = requirements/constraints.txt
BIN = $(VENV)/bin
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet install -c $(PIN)
CODE = $(wildcard laflow derivations verify)

.PHONY: help demo test check audit kernels mutants bench docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     label a real image and a Voronoi scene; table, pictures and report.json under $(OUT)"
	@echo "make test     run every test"
	@echo "make check    lint, format, types, drift of the generated kernels, direction of the imports"
	@echo "make audit    every obligation of every lemma; a report to read under $(AUDIT) (some minutes)"
	@echo "make kernels  derive, prove and generate laflow/kernels"
	@echo "make mutants  plant faults in the hand-written runtime and count those that the checks notice (5 minutes)"
	@echo "make bench    benchmark against PyTorch (installs torch; BENCHMARK=$(BENCHMARK))"
	@echo "make docs     prove every lemma and build the documentation into $(DOCS)"
	@echo "make clean    remove the environment, caches and out/"

demo: $(VENV)/.stamp-run
	@echo "== Running the demo (the first time the kernels are compiled, which takes a minute more)"
	$(BIN)/laflow demo --out $(OUT)

test: $(VENV)/.stamp-test
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/python -m derivations --check
	$(BIN)/lint-imports

audit: $(VENV)/.stamp-test
	@echo "== Auditing every lemma and kernel (about four minutes on two cores)"
	$(BIN)/python -m verify --html $(AUDIT)

kernels: $(VENV)/.stamp-test
	$(BIN)/python -m derivations

mutants: $(VENV)/.stamp-test
	$(BIN)/python -m verify.runtime_mutants

bench: $(VENV)/.stamp-bench
	$(BIN)/python -m verify.benchmarks $(BENCHMARK)

docs: $(VENV)/.stamp-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs $(DOCS)
	@echo "== The documentation is in $(DOCS)/index.html"

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# --- the environment, in three steps; a stamp file makes the second call quick ---------------------------------

# The first Python >= 3.11 that is found; PYTHON=/path/to/python chooses another.
$(VENV)/.stamp-venv:
	@python=; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "laflow needs Python 3.11 or newer; python3 here is: $$(python3 --version 2>&1 || echo missing)." >&2; \
	  echo "Install a newer Python, or name one: make PYTHON=/path/to/python3.11 ..." >&2; \
	  exit 1; \
	fi; \
	echo "== Making the environment $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV) || { \
	  echo "Python cannot make an environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.stamp-run: $(VENV)/.stamp-venv pyproject.toml $(PIN)
	@echo "== Installing laflow and what it runs on, pinned by $(PIN) (first time: a minute or two)"
	@$(PIP) hatchling
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-run
	@echo "== Installing what derives, verifies and checks laflow, pinned by $(PIN)"
	@$(PIP) --no-build-isolation -e '.[derive,verify,dev]'
	@touch $@

$(VENV)/.stamp-bench: $(VENV)/.stamp-test
	@echo "== Installing the peers to compare with (PyTorch is large)"
	@$(PIP) --no-build-isolation -e '.[bench]'
	@touch $@

$(VENV)/.stamp-docs: $(VENV)/.stamp-run
	@echo "== Installing what builds the documentation, pinned by $(PIN)"
	@$(PIP) --no-build-isolation -e '.[derive,docs]'
	@touch $@
