# Two commands on a fresh machine: make run, make test. Everything else is here for convenience.
PYTHON := .venv/bin/python
READY := .venv/.ready
LIVING := .venv-living/.ready
UV := $(or $(shell command -v uv),.venv-uv/bin/uv)
# On both Pythons and SQLAlchemys in every run: what asks and changes the database, and what the two hold apart most.
ON_BOTH := $(addprefix tests/unit/test_,$(addsuffix .py,living training migrations docs hours conversations edge openapi \
	sms_gateways sms_jobs figures editing)) tests/helpline/test_requests.py tests/helpline/test_oidc.py tests/stores/test_backup.py
# Beside tests/stores, which are on both in every run.
ON_POSTGRESQL := tests/unit/test_migrations.py tests/unit/test_editing.py tests/unit/test_figures.py tests/unit/test_sms_door.py tests/helpline/test_requests.py

.PHONY: run chat test test-living test-postgres lint train evaluate bench check help stack sbom licences chaos
.DEFAULT_GOAL := help

help: ## these lines
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

run: $(READY) ## install, load the table, train if needed, start, open http://127.0.0.1:8000
	@$(PYTHON) -W ignore -m bot run

stack: $(READY) $(LIVING) ## production as processes: docker-compose.yml without Docker, https://localhost:8043
	@$(PYTHON) -W ignore -m bot stack $(STACK)

chat: $(READY) ## talk with a running Vejviser in the terminal
	@$(PYTHON) -W ignore -m bot chat

# What SQLAlchemy 2 has removed is an error on 1.4 too (SQLALCHEMY_WARN_20; see filterwarnings in pyproject.toml).
test: export SQLALCHEMY_WARN_20 = 1
test: $(READY) $(LIVING) lint ## everything: style, types, layering, table, training data, dialogues, scenarios
	@.venv-living/bin/python -W ignore -m pytest -n 2 --dist loadgroup $(ON_BOTH)
	@$(PYTHON) -W ignore -m pytest -n 2 --dist loadgroup
	@VEJVISER_TEST_DATABASE=postgresql $(PYTHON) -W ignore -m pytest -n 2 --dist loadgroup $(ON_POSTGRESQL)

test-postgres: $(READY) ## all tests on a PostgreSQL that is thrown away afterwards; a selection is in `make test`
	@VEJVISER_TEST_DATABASE=postgresql $(PYTHON) -W ignore -m pytest -n 2 --dist loadgroup

test-living: export VEJVISER_RASA_PYTHON = $(CURDIR)/.venv/bin/python
test-living: $(READY) $(LIVING) ## the tests on Python 3.12 and SQLAlchemy 2, before a Rasa that runs from .venv
	@.venv-living/bin/python -W ignore -m pytest -n 2 --dist loadgroup --ignore=tests/nlu --ignore=tests/dialogue --ignore=tests/stores/test_rasa_stores.py \
		--ignore=tests/unit/test_benchmarks.py --ignore=tests/unit/test_tour.py

lint: $(READY) ## the lock, ruff, mypy, import-linter
	@$(UV) lock --check --offline --quiet && .venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-logo

train: $(READY) ## train anew, whether needed or not
	@$(PYTHON) -W ignore -m bot train --force

evaluate: $(READY) ## the figures beside the aims; with YARDSTICK_EPOCHS=100 (hours) beside Rasa's default, too
	@$(PYTHON) -W ignore -m pytest tests/nlu/test_evaluation.py -s
	@$(PYTHON) -W ignore -m tests.nlu.report

bench: $(READY) $(LIVING) ## speed and memory beside the aims (a quarter of an hour): build/bench.html; PART="floor cache" for some
	@$(PYTHON) -W ignore -m tests.load.bench $(PART)

chaos: $(READY) $(LIVING) ## each part killed in turn while 20 people write: what is lost, who is silent, how long it takes
	@$(PYTHON) -W ignore -m tests.load.chaos $(PART)

check: $(READY) ## check the table: faults and remarks with file and line
	@$(PYTHON) -W ignore -m bot knowledge check

sbom: $(READY) ## a bill of materials (CycloneDX) for each image: build/sbom/
	@$(PYTHON) -W ignore -m tests.operations.shipped sbom

licences: $(READY) ## write docs/licences.md anew, from the lock and the packages' own words
	@$(PYTHON) -W ignore -m tests.operations.shipped licences

$(READY): pyproject.toml uv.lock bin/install
	@bin/install
	@touch $@

$(LIVING): pyproject.toml uv.lock bin/install
	@bin/install living
	@touch $@
