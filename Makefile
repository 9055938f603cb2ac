# Two commands on a fresh machine: make run, make test. Everything else is here for convenience.
PYTHON := .venv/bin/python
READY := .venv/.ready
LIVING := .venv-living/.ready
# Where SQLAlchemy, Flask and what Rasa holds back differ most between the two environments: a minute of tests on the other one.
ON_BOTH := $(addprefix tests/unit/test_,$(addsuffix .py,living training migrations docs hours conversations edge openapi \
	sms_gateways sms_jobs corrections figures)) tests/helpline/test_queue.py tests/helpline/test_oidc.py
UV := $(or $(shell command -v uv),.venv-uv/bin/uv)

.PHONY: run chat test test-living lint train evaluate bench check help
.DEFAULT_GOAL := help

help: ## these lines
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY) ## install, load the table, train if needed, start, open http://127.0.0.1:8000
	@$(PYTHON) -W ignore -m bot run

chat: $(READY) ## talk with a running Vejviser in the terminal
	@$(PYTHON) -W ignore -m bot chat

# What SQLAlchemy 2 has removed is an error on 1.4 too (SQLALCHEMY_WARN_20; see filterwarnings in pyproject.toml).
test: export SQLALCHEMY_WARN_20 = 1
test: $(READY) $(LIVING) lint ## everything: style, types, layering, table, training data, dialogues, scenarios
	@.venv-living/bin/python -W ignore -m pytest -n 2 --dist loadgroup $(ON_BOTH)
	@$(PYTHON) -W ignore -m pytest -n 2 --dist loadgroup

test-living: export VEJVISER_RASA_PYTHON = $(CURDIR)/.venv/bin/python
test-living: $(READY) $(LIVING) ## the tests on Python 3.12 and SQLAlchemy 2, before a Rasa that runs from .venv
	@.venv-living/bin/python -W ignore -m pytest -n 2 --dist loadgroup --ignore=tests/nlu --ignore=tests/dialogue

lint: $(READY) ## the lock, ruff, mypy, import-linter
	@$(UV) lock --check --offline --quiet && .venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-logo

train: $(READY) ## train anew, whether needed or not
	@$(PYTHON) -W ignore -m bot train --force

evaluate: $(READY) ## the figures beside the aims; with YARDSTICK_EPOCHS=100 (hours) beside Rasa's default, too
	@$(PYTHON) -W ignore -m pytest tests/nlu/test_evaluation.py -s
	@$(PYTHON) -W ignore -m tests.nlu.report

bench: $(READY) ## what the door costs beside Rasa alone, as a ratio; while `make run` is up
	@$(PYTHON) -W ignore -m tests.load.bench

check: $(READY) ## check the table: faults and remarks with file and line
	@$(PYTHON) -W ignore -m bot knowledge check

$(READY): pyproject.toml uv.lock bin/install
	@bin/install
	@touch $@

$(LIVING): pyproject.toml uv.lock bin/install
	@bin/install living
	@touch $@
