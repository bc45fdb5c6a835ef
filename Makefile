# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test retest test-slow browser check lint types format examples clean

$(VENV)/.embedded: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[embedded]'
	$(BIN)/python -m compileall -q -x '/\.|/tests/' .  # pip compiles what it installs, but not what is installed in place
	touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.embedded
	$(BIN)/pip install --quiet -e '.[embedded,server,eval,dev]'
	touch $@

demo: $(VENV)/.embedded  ## four images, drawn and guarded offline
	$(BIN)/safelight generate "A four-part visual guide to how vaccines are made, for a school hallway" -n 4

test: $(VENV)/.dev  ## the quick tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

retest: $(VENV)/.dev  ## only what failed last, one at a time: a machine under load makes time limits lie
	$(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none

test-slow: $(VENV)/.dev  ## all tests, those that take minutes too
	$(BIN)/python -m pytest -q -m "slow or not slow"

browser: $(VENV)/.dev  ## a Chromium for the tests of the pages: one that is there, or else Playwright's own
	@if [ -n "$$SAFELIGHT_CHROMIUM" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi; \
	timeout 300 $(BIN)/playwright install chromium-headless-shell \
	|| printf '\n%s\n%s\n\n' '!! No Chromium, and none can be fetched: THE PAGES GO UNTESTED.' \
	'!! apt-get install chromium, or set SAFELIGHT_CHROMIUM.' >&2

check: lint types  ## what CI asks beside the tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## the repository root is the package, so mypy looks at it through a link of that name
	mkdir -p .mypy_root && ln -sfn .. .mypy_root/safelight
	cd .mypy_root && ../$(BIN)/mypy --config-file ../pyproject.toml -p safelight

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

examples: $(VENV)/.dev  ## every script in examples/, as a user would run it
	set -e; for script in examples/*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) .mypy_root .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
