# Two commands on a fresh machine: make run, make test. Everything else is here for convenience.
PYTHON := .venv/bin/python
READY := .venv/.ready
UV := .venv-uv/bin/uv
# Beside tests/stores, which are on both databases in every run.
ON_POSTGRESQL := tests/unit/test_migrations.py tests/unit/test_editing.py tests/helpline/test_requests.py

.PHONY: run chat test test-postgres lint train evaluate bench check help
.DEFAULT_GOAL := help

help: ## these lines
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

run: $(READY) ## install, load the table, train if needed, start, open http://127.0.0.1:8000
	@$(PYTHON) -W ignore -m bot run

chat: $(READY) ## talk with a running Vejviser in the terminal
	@$(PYTHON) -W ignore -m bot chat

test: $(READY) lint ## everything: style, types, layering, table, training data, dialogues, scenarios
	@$(PYTHON) -W ignore -m pytest
	@VEJVISER_TEST_DATABASE=postgresql $(PYTHON) -W ignore -m pytest $(ON_POSTGRESQL)

test-postgres: $(READY) ## all tests on a PostgreSQL that is thrown away afterwards; `make test` has a selection
	@VEJVISER_TEST_DATABASE=postgresql $(PYTHON) -W ignore -m pytest

lint: $(READY) ## ruff, mypy, import-linter
	@.venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-logo

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
