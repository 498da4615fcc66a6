# Two commands on a fresh machine with Python 3.11+ and make:
#   make demo    sets everything up and runs the main job on sample pictures (PHOTOS=dir for your own)
#   make check   sets everything up and passes the checks and tests
PYTHON ?= python3
VENV ?= .venv
PHOTOS ?=
OUT ?= demo
POLICY ?= publish-dataset
BIN := $(VENV)/bin

.PHONY: demo check check-all format docs clean

$(VENV)/.installed-demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo
	$(BIN)/veilset weights pull centerface
	$(BIN)/python tools/demo.py --out $(OUT) --policy $(POLICY) $(if $(PHOTOS),--photos '$(PHOTOS)')

check: $(VENV)/.installed-dev
	PATH="$(abspath $(BIN)):$$PATH" tools/check.sh

check-all: $(VENV)/.installed-dev
	PATH="$(abspath $(BIN)):$$PATH" tools/check.sh --all

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix src tests benchmarks tools
	$(BIN)/ruff format src tests benchmarks tools

docs: $(VENV)/.installed-dev
	$(BIN)/python tools/reference.py
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(OUT) site .mypy_cache .ruff_cache .pytest_cache .hypothesis
