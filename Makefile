# Two commands do all there is to set up: `make demo` and `make test`. Both are quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check benchmarks clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.demo: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable '.[local,math]'
	@touch $@

demo: $(VENV)/.demo ## set up and run the demo on the embedded model
	$(BIN)/run-agent model fetch
	$(BIN)/run-agent demo $(ARGS)

test: $(VENV)/.dev ## set up and run all tests
	$(BIN)/run-agent model fetch
	$(BIN)/python -m pytest --quiet $(ARGS)

check: $(VENV)/.dev ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@if $(BIN)/pyright --version >/dev/null 2>&1; then $(BIN)/pyright; \
	else echo "pyright cannot start here (it needs Node.js and its own package): skipped"; fi

benchmarks: $(VENV)/.dev ## how fast, side by side with peers
	$(BIN)/python -m benchmarks

clean: ## remove what the commands above made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
