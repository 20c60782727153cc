# Every target sets up what it needs first. A fresh machine needs git, make and Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes -r

# Keep compiled modules even where the environment forbids it, because the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install sandbox page screenshots test coverage mutants wheel replicas histories tampering bulk soak official bench lint lock clean

# Two stamps in one environment: the bot's own dependencies, and those for development too.
RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready

install: $(READY)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required; choose it with make PYTHON=python3.12")'
	@echo "Creating the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): requirements.txt | $(VENV)/.created
	@echo "Installing the bot's dependencies into $(VENV); the first time takes about half a minute"
	@$(RUN) $(PIP_INSTALL) requirements.txt
	@touch $@

$(READY): requirements.txt requirements-dev.txt | $(VENV)/.created
	@echo "Installing the development dependencies into $(VENV); the first time takes about a minute and a half"
	@$(RUN) $(PIP_INSTALL) requirements-dev.txt
	@touch $(RUNTIME) $@

sandbox: $(RUNTIME)
	@echo "Starting the bot with local fakes of Slack and Genesys Cloud"
	@$(RUN) -m bot sandbox

# Rebuilds the sandbox's page after a change in sandbox-page/. Needs Node.js 20; the built page is in the repository.
page:
	npm --prefix sandbox-page ci
	npm --prefix sandbox-page run build

# Retakes the pictures of README and docs, the gallery too. Needs Chromium and an emoji font. Takes four minutes.
# make screenshots ONLY="help- home-" retakes the pictures of the gallery whose names begin so.
screenshots: install
	$(RUN) -m tests.browser.screenshots $(ONLY)

test: install
	$(RUN) -m pytest

# The tests again, with the covered lines and branches. Takes half as long again.
coverage: install
	$(RUN) -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=95

# Changes bot/domain in four thousand ways; a unit test must fail for at least 98 % of them. Takes 15 minutes.
# make mutants MODULES="policy requests" changes these modules only.
mutants: install
	$(RUN) -m tests.mutation $(MODULES)

# Builds the wheel, installs it into an empty environment and starts the sandbox from there. Takes a minute.
wheel: install
	$(RUN) -m pytest -n0 -m wheel tests/project/test_package.py

# Several replicas on one PostgreSQL, broken connections, a failover, hostile files. Takes five minutes.
replicas: install
	$(RUN) -m pytest -m heavy

# A thousand random manipulations of an audit log of 100,000 rows, with a key and without one. Takes ten minutes.
tampering: install
	AUDIT_ROWS=100000 $(RUN) -m pytest -n 2 -o faulthandler_timeout=0 tests/unit/audit_log/test_manipulations.py

# Records HISTORIES random histories of two replicas on each database, while roles and rules change, calls fail and
# replicas die, and checks the promises of each request. Then runs ten times as many simulations with random faults.
# Takes five minutes. SEED=17 repeats the choices of a history, and a simulation exactly.
HISTORIES ?= 100
histories: install
	$(RUN) -m tests.histories $(if $(SEED),1 $(SEED),$(HISTORIES))

# Executes a bulk request in real time, next to a Genesys Cloud that accepts 300 requests of a token in a minute, and
# kills one of two replicas half way. 1,000 people with one token take 200 seconds.
PEOPLE ?= 1000
TOKENS ?= 1
bulk: install
	$(RUN) -m tests.bulk $(PEOPLE) $(TOKENS)

# Kills a replica ROUNDS times over HTTP and over Socket Mode, then breaks connections ROUNDS times, and counts losses.
# Then stops a process 20 times after an acknowledged command, on each database, over HTTP and in Socket Mode, with
# SIGKILL and with SIGTERM. Takes about 15 minutes; ROUNDS=10 for a quick run.
ROUNDS ?= 100
soak: install
	$(RUN) -m tests.soak kills $(ROUNDS)
	$(RUN) -m tests.soak sockets $(ROUNDS)
	$(RUN) -m tests.soak wires $(ROUNDS)
	$(RUN) -m tests.soak_commands 20

# Compares the fake of Genesys Cloud with the official SDK, which gets an environment of its own (200 MB).
OFFICIAL := .venv-official

official: install $(OFFICIAL)/.ready
	$(RUN) -m pytest -n0 tests/official

$(OFFICIAL)/.ready: tests/official/requirements.txt
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/python $(PIP_INSTALL) tests/official/requirements.txt
	touch $@

# Measures the bot next to other programs: make bench, make bench ONLY=ack ROUNDS=9.
# make bench DOCS=1 writes the last measurement into docs/performance.md.
# The bot runs in an environment with its runtime dependencies alone; the other programs have one of their own.
BENCH := bench/.venv
BOT := bench/.bot
PREVIOUS := bench/.previous

bench: install $(BOT)/.ready $(BENCH)/.ready $(PREVIOUS)/.ready
	$(BENCH)/bin/python -m bench $(ONLY) $(if $(filter-out file,$(origin ROUNDS)),--rounds $(ROUNDS)) $(if $(DOCS),--docs)

$(BOT)/.ready: requirements.txt
	$(PYTHON) -m venv $(BOT)
	$(BOT)/bin/python $(PIP_INSTALL) requirements.txt
	touch $@

# The version before the new database engine, to compare with.
$(PREVIOUS)/.ready:
	mkdir -p $(PREVIOUS)
	git archive ed7f9a7 bot handlers requirements.txt | tar -x -C $(PREVIOUS)
	$(PYTHON) -m venv $(PREVIOUS)/.bot
	$(PREVIOUS)/.bot/bin/python $(PIP_INSTALL) $(PREVIOUS)/requirements.txt
	touch $@

$(BENCH)/.ready: bench/requirements.txt bench/package-lock.json
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python $(PIP_INSTALL) bench/requirements.txt
	cd bench && npm ci --no-audit --no-fund || echo "Bolt for JavaScript is not installed; its rows in the report say so"
	touch $@

lint: install
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(RUN) -m lint.prose

# Updates the lock files. Needs uv.
UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras

lock:
	$(UV_COMPILE) pyproject.toml --extra postgres -o requirements.txt
	$(UV_COMPILE) pyproject.toml --extra postgres --extra dev -c requirements.txt -o requirements-dev.txt
	$(UV_COMPILE) bench/requirements.in -c requirements.txt -o bench/requirements.txt
	$(UV_COMPILE) tests/official/requirements.in -c requirements.txt -o tests/official/requirements.txt

clean:
	rm -rf build dist $(VENV) $(OFFICIAL) bench/.bot bench/.previous bench/.venv bench/node_modules bench/.work .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.* htmlcov
