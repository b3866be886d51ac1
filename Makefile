# One verb a target; every target works on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOMS := indexing reader encoder pipelines evaluation training compat api cli
export HAYSTACK_TELEMETRY_ENABLED = False
export HF_HUB_OFFLINE = 1

.PHONY: demo install install-all types check test evaluate evaluate-table elasticsearch audit clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The light installation: no torch.
$(VENV)/.light: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# Everything, as the tests need it.
$(VENV)/.all: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $(VENV)/.light $@

install: $(VENV)/.light
install-all: $(VENV)/.all

# Links that show type checkers the import names (they cannot follow setuptools' package-dir).
types:
	mkdir -p .types/fundstelle
	for room in $(ROOMS); do if [ -f $$room/__init__.py ]; then ln -sfn ../../$$room .types/fundstelle/$$room; fi; done

check: $(VENV)/.all types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(patsubst %/__init__.py,-p fundstelle.%,$(wildcard $(addsuffix /__init__.py,$(ROOMS))))

test: check
	$(BIN)/python -m pytest -m 'not slow'

# A real Elasticsearch on loopback, until Ctrl-C.
elasticsearch: $(VENV)/.all
	$(BIN)/python tests/servers/cluster.py

evaluate: $(VENV)/.all
	$(BIN)/python -m pytest -m slow

# The README's table of the bundled reader over the evaluation sets in DATA; one that was stopped goes on.
evaluate-table: $(VENV)/.all
	$(BIN)/python benchmarks/table.py $(DATA)/*.json --runs .cache/runs

demo: $(VENV)/.light
	$(BIN)/fundstelle index examples/collection
	xargs -d '\n' -a examples/questions.txt $(BIN)/fundstelle ask --top-k 1

# Known weaknesses of what is installed; asks the package index.
audit: $(VENV)/.all
	$(BIN)/python -m pip_audit --skip-editable

clean:
	rm -rf build .types .mypy_cache .pytest_cache .ruff_cache *.egg-info
