# Two commands for a newcomer:  make canary   and   make test
# Both set up what is missing first (bootstrap/setup.sh says what); a second time there is nothing to do.

BASELINE ?= master
CANARY   ?= broken
DURATION ?= 60s
# On a noisy machine, or for a quick answer: make canary SCHEDULE=concurrent (README.md says what that costs).
SCHEDULE ?= phased
OPTIONS  ?=

PY := .venv/bin/python

.PHONY: help setup canary test unit faults lint audit sbom pins hooks recordings clean

help:
	@echo 'make help     this list'
	@echo 'make canary   set up, then compare master with broken on three local hosts (DURATION=60s, SCHEDULE=phased)'
	@echo 'make test     set up, then all tests: unit tests, then tests on real hosts'
	@echo 'make faults   set up, then put every fault of docs/faults.md into runs on real hosts, and write that table'
	@echo 'make unit     set up, then the unit tests only: five minutes on two cores, no hosts'
	@echo 'make lint     set up, then ruff, mypy --strict and make audit'
	@echo 'make audit    known vulnerabilities in what is pinned, as far as the registries tell'
	@echo 'make sbom     what the project is made of, as CycloneDX files in build/sbom'
	@echo 'make pins     requirements.txt from pyproject.toml, with hashes (UPGRADE=1: the newest versions)'
	@echo 'make hooks    let git run what make lint runs before each commit (needs pre-commit)'
	@echo 'make recordings  set up, then record every task of the README again (recordings/README.md)'
	@echo 'make setup    only set up'
	@echo 'make clean    remove the local hosts and .venv; the box and runs/ stay'

setup:
	@bootstrap/setup.sh

# A failed canary (exit 10) is a verdict that was reached, so make ends well with it; everything else is passed on.
canary: setup
	@$(PY) -m pipeline canary $(BASELINE) $(CANARY) --duration $(DURATION) --schedule $(SCHEDULE) $(OPTIONS); code=$$?; \
	echo; echo "exit code $$code. The full experiment, five minutes on each version:"; \
	echo "  .venv/bin/pipeline canary $(BASELINE) $(CANARY)"; \
	[ $$code -eq 0 ] || [ $$code -eq 10 ] || exit $$code

# The unit tests share the cores. The tests on real hosts follow in two processes: one has the canary's hosts, the other
# production's and those that a test boots for itself; within a process one by one: they share hosts.
test: unit
	@$(PY) -m pytest tests/lab tests/faults -m '(lab and not faults) or faults_short' -n 2 --dist loadscope

# All faults, where `make test` has one of each kind. Where every row holds, docs/faults.md gets what they came to.
faults:
	@bootstrap/setup.sh test
	@FAULTS_TABLE=docs/faults.md $(PY) -m pytest tests/faults tests/lab -m faults -n 2 --dist loadscope

# With compiled modules kept, also where the environment says otherwise: half of each start would be compiling. One
# process more than there are cores, as half of what these tests take is waiting.
unit:
	@bootstrap/setup.sh test
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -m 'not lab and not faults' -n $$(($$(nproc) + 1)) --dist worksteal

lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@$(PY) -m mypy
	@$(MAKE) --no-print-directory audit

audit: setup
	@$(PY) bootstrap/supply_chain.py audit

sbom: setup
	@$(PY) bootstrap/supply_chain.py sbom

pins: setup
	@$(PY) bootstrap/supply_chain.py pins $(if $(UPGRADE),--upgrade)

hooks:
	@command -v pre-commit >/dev/null || { echo 'pre-commit is not installed; try: pipx install pre-commit' >&2; exit 3; }
	@pre-commit install

# Where upstream cannot be reached: make recordings CHECKBOX=DIR ITRUST=DIR, clones of checkbox.io and iTrust2.
# ONLY='canary-failed canary-passed' leaves the others as they are.
recordings:
	@bootstrap/setup.sh test
	@$(PY) -m recordings.record $(if $(CHECKBOX),--checkbox '$(CHECKBOX)') $(if $(ITRUST),--itrust '$(ITRUST)') \
	  $(foreach name,$(ONLY),--only $(name))

clean:
	@[ ! -x $(PY) ] || for set in canary production monitor; do $(PY) -m pipeline lab down $$set || exit; done
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
