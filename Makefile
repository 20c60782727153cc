# Every target installs what it needs. A fresh machine needs git, make and Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: install sandbox page screenshots test replicas soak official bench lint lock clean

install: $(READY)

$(READY): requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $(READY)

sandbox: install
	$(RUN) -m bot sandbox

# Builds the sandbox page after a change in sandbox-page/. Needs Node.js 20; the built page is in the repository.
page:
	npm --prefix sandbox-page ci
	npm --prefix sandbox-page run build

# Takes the screenshots of README and docs. Needs Chromium.
screenshots: install
	$(RUN) -m tests.browser.screenshots

test: install
	$(RUN) -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=95

# Two minutes: several replicas on one PostgreSQL, broken connections, a thousand clicks.
replicas: install
	$(RUN) -m pytest -m heavy

# Several minutes: kills a replica a hundred times over HTTP and in Socket Mode, breaks its connections a hundred times,
# and counts losses. ROUNDS=10 is a short run.
ROUNDS ?= 100
soak: install
	$(RUN) -m tests.soak kills $(ROUNDS)
	$(RUN) -m tests.soak sockets $(ROUNDS)
	$(RUN) -m tests.soak wires $(ROUNDS)

# Tests the fake Genesys Cloud with the official SDK, in an environment of its own (200 MB).
OFFICIAL := .venv-official

official: install $(OFFICIAL)/.ready
	$(RUN) -m pytest -n0 tests/official

$(OFFICIAL)/.ready: tests/official/requirements.txt
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/official/requirements.txt
	touch $@

# Measures the bot next to its peers: make bench, make bench ONLY=ack ROUNDS=9. make bench DOCS=1 writes the last results
# into docs/performance.md. The bot and the peers have separate environments.
BENCH := bench/.venv
BOT := bench/.bot

bench: install $(BOT)/.ready $(BENCH)/.ready
	$(BENCH)/bin/python -m bench $(ONLY) $(if $(filter-out file,$(origin ROUNDS)),--rounds $(ROUNDS)) $(if $(DOCS),--docs)

$(BOT)/.ready: requirements.txt
	$(PYTHON) -m venv $(BOT)
	$(BOT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(BENCH)/.ready: bench/requirements.txt bench/package-lock.json
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.txt
	cd bench && npm ci --no-audit --no-fund || echo "Bolt for JavaScript is missing; its rows will be empty"
	touch $@

lint: install
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-cache

# Writes the lock files. Needs uv.
lock:
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras -o requirements.txt
	uv pip compile pyproject.toml --extra postgres --extra dev -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras -o requirements-dev.txt
	uv pip compile bench/requirements.in -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras -o bench/requirements.txt
	uv pip compile tests/official/requirements.in -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras -o tests/official/requirements.txt

clean:
	rm -rf $(VENV) $(OFFICIAL) bench/.bot bench/.venv bench/node_modules bench/.work .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.* htmlcov
