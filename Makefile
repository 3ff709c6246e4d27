# Everything a developer does here. `make demo` and `make test` also do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-browser lint bench golden clean

demo: $(VENV)/.installed
	@$(BIN)/logscope ingest sample_logs
	@echo; $(BIN)/logscope latency --by model,region --week last --top 5
	@echo; $(BIN)/logscope recommend -o reports/recommendation.json
	@echo; $(BIN)/logscope report --week last

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not browser"

# Needs Debian's chromium and chromium-driver.
test-browser: $(VENV)/.installed-browser
	$(BIN)/pytest -m browser

lint: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/run.py

golden: $(VENV)/.installed-test
	$(BIN)/pytest --update-goldens tests

clean:
	rm -rf $(VENV) logscope-store

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-browser: $(VENV)/.installed-test
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,browser]'
	@touch $@
