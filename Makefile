# Every target works in an empty clone: it makes the environments that it needs.
PYTHON ?= python3
CONSTRAINTS := constraints.txt
VENV := .venv
RUN := runs/demo
FAMILIES := mace chgnet m3gnet
# Environments that the tests make, of families that exclude SevenNet's packages
TEST_HOME := $(CURDIR)/.thermoscreen
ENVIRONMENTS := $(TEST_HOME)/environments

.PHONY: demo potentials test test-main $(FAMILIES:%=test-%) validate lint bench bench-dashboard pictures clean

demo: $(VENV)/.ready-demo
	$(VENV)/bin/thermoscreen models install mace
	$(VENV)/bin/thermoscreen run catalogs/campaigns/demo.toml --run $(RUN)
	$(VENV)/bin/thermoscreen rank insulators --run $(RUN)
	$(VENV)/bin/thermoscreen rank heat-spreaders --run $(RUN)
	@echo
	@echo "Open the dashboard:  $(VENV)/bin/thermoscreen dashboard --run $(RUN)"

# Three families that exclude each other, side by side in one campaign
potentials: $(VENV)/.ready-demo
	$(VENV)/bin/thermoscreen models install mace
	$(VENV)/bin/thermoscreen models install chgnet
	$(VENV)/bin/thermoscreen run catalogs/campaigns/potentials.toml --run runs/potentials
	$(VENV)/bin/thermoscreen rank insulators --run runs/potentials
	$(VENV)/bin/thermoscreen sql --run runs/potentials "$$(cat catalogs/campaigns/potentials.sql)"

READY := $(FAMILIES:%=$(ENVIRONMENTS)/%/.ready)
FAMILY_TESTS := $(FAMILIES:%=test-%)

test: test-main $(FAMILY_TESTS)

test-main: export THERMOSCREEN_HOME = $(TEST_HOME)
test-main: $(VENV)/.ready-dev $(READY)
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile

$(FAMILY_TESTS): test-%: $(ENVIRONMENTS)/%/.ready
	$(ENVIRONMENTS)/$*/bin/python -m pytest tests/contract/test_models.py tests/models

validate: export THERMOSCREEN_HOME = $(TEST_HOME)
validate: $(VENV)/.ready-dev $(READY)
	$(VENV)/bin/python -m pytest -m slow -o timeout=7200

lint: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.ready-dev
	$(VENV)/bin/python benchmarks/overhead.py --quick

# All pages at 100 to 100,000 made-up materials; the runs are kept
bench-dashboard: $(VENV)/.ready-dev
	$(VENV)/bin/python benchmarks/dashboard.py --folder runs/made-up

# A quarter of an hour for the run, two minutes for the pictures
pictures: $(VENV)/.ready-dev
	$(VENV)/bin/thermoscreen models install mace
	$(VENV)/bin/thermoscreen run docs/pictures/showcase.toml --run runs/showcase
	$(VENV)/bin/python docs/make_pictures.py --run runs/showcase --out docs/pictures

# The constraints file holds torch: any other request would pull gigabytes of CUDA.
INSTALL := install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)

$(VENV)/.ready-demo: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip $(INSTALL) --editable ".[sevennet,dashboard]"
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-demo
	$(VENV)/bin/python -m pip $(INSTALL) --editable ".[sevennet,dashboard,dev]"
	touch $@

$(ENVIRONMENTS)/%/.ready: constraints-%.txt pyproject.toml $(VENV)/.ready-dev
	THERMOSCREEN_HOME=$(TEST_HOME) $(VENV)/bin/thermoscreen models install $* --with pytest --with pytest-timeout
	touch $@

clean:
	rm -rf $(VENV) $(TEST_HOME)
