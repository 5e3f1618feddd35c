# heatwatch: the commands of a working day. `make` alone lists them.
# A bare Debian 12 or 13 needs python3, python3-venv and make; everything else comes by itself.

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types bench soak docs secrets parts clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## the whole pipeline in one process on a simulated estate (ARGS="--homes 200 --for 2m")
	$(BIN)/heatwatch demo $(ARGS)

test: $(READY) parts  ## all tests; HEATWATCH_REQUIRE=all makes a missing system part a failure (ARGS="-k rule")
	$(BIN)/pytest $(ARGS)

check: lint types test  ## the gate: format, lint, types, all tests (docs and architecture among them)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

bench: $(READY)  ## speed of rule, files, stores and collector beside their peers; ten minutes (ARGS="rule day stores wire")
	$(BIN)/python bench $(ARGS)

soak: $(READY) parts  ## the fault suite, 100 rounds of killed processes; hours
	HEATWATCH_FAULT_ROUNDS=100 $(BIN)/pytest tests/integration/faults $(ARGS)

docs: $(READY)  ## write what is generated: config/heatwatch.toml, config/points.csv
	$(BIN)/python -m heatwatch.config_page > $(VENV)/heatwatch.toml
	$(BIN)/heatwatch simulate --homes 500 --seed 1 --out $(VENV)/estate
	mv $(VENV)/heatwatch.toml $(VENV)/estate/points.csv config/
	rm -r $(VENV)/estate

secrets: $(READY)  ## passwords, tokens and certificates of docker-compose.yml; keeps what is there (NAMES="mqtt.example 10.0.0.5")
	@$(BIN)/python -m heatwatch.site_secrets $(NAMES)

parts:
	@bash .ci/parts

clean:  ## remove the environment and caches
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# pip of Debian 12 does not know dependency groups yet: it is upgraded first.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "heatwatch needs Python 3.11 or newer; here is: $$($(PYTHON) --version 2>&1);" \
			"right would be: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >/dev/null \
		|| { rm -rf $(VENV); echo "no virtual environment:" \
			"sudo apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable . --group dev
	@touch $@
