# Two commands on a fresh machine: make run, make test. Everything else is here for convenience.
PYTHON := .venv/bin/python
READY := .venv/.ready
UV := .venv-uv/bin/uv

.PHONY: run chat test lint train evaluate bench chaos check help
.DEFAULT_GOAL := help

help: ## these lines
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY) ## install, load the table, train if needed, start, open http://127.0.0.1:8000
	@$(PYTHON) -W ignore -m bot run

chat: $(READY) ## talk with a running Vejviser in the terminal
	@$(PYTHON) -W ignore -m bot chat

test: $(READY) lint ## everything: style, types, layering, table, training data, dialogues, scenarios
	@$(PYTHON) -W ignore -m pytest

lint: $(READY) ## ruff, mypy, import-linter
	@.venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-logo

train: $(READY) ## train anew, whether needed or not
	@$(PYTHON) -W ignore -m bot train --force

evaluate: $(READY) ## the figures beside the aims; with YARDSTICK_EPOCHS=100 (hours) beside Rasa's default, too
	@$(PYTHON) -W ignore -m pytest tests/nlu/test_evaluation.py -s
	@$(PYTHON) -W ignore -m tests.nlu.report

bench: $(READY) ## speed and memory beside the aims (a quarter of an hour): build/bench.html; PART="floor cache" for some
	@$(PYTHON) -W ignore -m tests.load.bench $(PART)

chaos: $(READY) ## each part killed in turn while 20 people write: what is lost, who is silent, how long it takes
	@$(PYTHON) -W ignore -m tests.load.chaos $(PART)

check: $(READY) ## check the table: faults and remarks with file and line
	@$(PYTHON) -W ignore -m bot knowledge check

$(READY): pyproject.toml uv.lock bin/install
	@bin/install
	@touch $@
