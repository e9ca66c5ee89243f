# Two commands: `make demo` shows the main job, `make test` runs every check. Each sets up what it
# needs in .venv, once; the stamps make the second call start at once.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

.PHONY: demo test tests lint docs figures golden clean

demo: .venv/.installed
	$(BIN)/datacleanse demo

# Beside each other: most of lint is mypy, which takes one core.
test: .venv/.installed-dev
	@$(MAKE) --no-print-directory -j 2 lint tests

# Neighbouring tests run in one process, so that what they share is made once. Compiled modules are
# kept, whatever the environment says: tests start the program some fifty times.
tests: export PYTHONDONTWRITEBYTECODE =
tests: .venv/.installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation site, into site/. A broken link or an undocumented page is an error.
docs: .venv/.installed-docs
	$(BIN)/mkdocs build --strict --quiet

# Write the figures of benchmarks/results into README and docs.
figures: .venv/.installed-dev
	$(BIN)/python -m docs.figures

# Take over the present output as what the report tests expect; read the diff before committing.
golden: .venv/.installed-dev
	DATACLEANSE_UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/reports

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "Installing (a minute or two, once) ..."
	$(INSTALL) -e .
	touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing the checks (once) ..."
	$(INSTALL) -e ".[dev]"
	touch $@

.venv/.installed-docs: .venv/.installed
	$(INSTALL) -e ".[docs]"
	touch $@

clean:
	rm -rf .venv runs site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
