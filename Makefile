# Everything a developer does here. `make demo` and `make test` also do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-browser test-aiperf test-proxy fuzz lint bench golden clean

demo: $(VENV)/.installed
	@$(BIN)/logscope ingest sample_logs
	@echo; $(BIN)/logscope latency --by model --week last
	@echo; $(BIN)/logscope recommend -o reports/recommendation.json
	@echo; $(BIN)/logscope report --week last

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --ignore tests/browser -m "not aiperf and not proxy"

# Needs Debian's chromium.
test-browser: $(VENV)/.installed-browser
	$(BIN)/pytest tests/browser

# Each tool in an environment of its own: their requirements contradict logscope's.
test-aiperf: $(VENV)/.installed-test .venv-aiperf/.installed
	$(BIN)/pytest tests/test_aiperf.py

test-proxy: $(VENV)/.installed-test .venv-proxy/.installed
	$(BIN)/pytest tests/test_proxy.py -s

# Damaged logs beside good records, 60 a round; another SEED tries others.
FUZZ_ROUNDS ?= 8
FUZZ_SECONDS ?= 300
SEED ?= 1
fuzz: $(VENV)/.installed-test
	$(BIN)/python -m tests.fuzz $(FUZZ_ROUNDS) $(FUZZ_SECONDS) $(SEED)

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
	rm -rf $(VENV) .venv-aiperf .venv-proxy logscope-store

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

.venv-aiperf/.installed: tests/tools/aiperf.txt
	$(PYTHON) -m venv .venv-aiperf
	.venv-aiperf/bin/pip install --quiet --disable-pip-version-check -c $< aiperf
	@touch $@

.venv-proxy/.installed: tests/tools/litellm.txt
	$(PYTHON) -m venv .venv-proxy
	.venv-proxy/bin/pip install --quiet --disable-pip-version-check -c $< 'litellm[proxy]'
	@touch $@
