# Every target works in an empty clone: it makes the environments that it needs.
PYTHON ?= python3
CONSTRAINTS := constraints.txt
VENV := .venv
VENV_MACE := .venv-mace
RUN := runs/demo

.PHONY: demo test validate lint bench pictures clean

demo: $(VENV)/.ready-demo
	$(VENV)/bin/thermoscreen run catalogs/campaigns/demo.toml --run $(RUN)
	$(VENV)/bin/thermoscreen rank insulators --run $(RUN)
	$(VENV)/bin/thermoscreen rank heat-spreaders --run $(RUN)
	@echo
	@echo "Open the dashboard:  $(VENV)/bin/thermoscreen dashboard --run $(RUN)"

test: $(VENV)/.ready-dev $(VENV_MACE)/.ready
	$(VENV)/bin/python -m pytest
	$(VENV_MACE)/bin/python -m pytest tests/contract/test_models.py tests/models

validate: $(VENV)/.ready-dev
	$(VENV)/bin/python -m pytest -m slow -o timeout=7200

lint: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.ready-dev
	$(VENV)/bin/python benchmarks/overhead.py --quick

pictures: $(VENV)/.ready-dev
	$(VENV)/bin/python docs/make_pictures.py --run $(RUN) --out docs/pictures

# The constraints file holds torch: any other request would pull gigabytes of CUDA.
INSTALL := install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)

$(VENV)/.ready-demo: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip $(INSTALL) --editable ".[sevennet,dashboard]"
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-demo
	$(VENV)/bin/python -m pip $(INSTALL) --editable ".[sevennet,dashboard,dev]"
	touch $@

INSTALL_MACE := install --quiet --disable-pip-version-check --constraint constraints-mace.txt

# MACE and SevenNet need different versions of e3nn: MACE has an environment of its own.
$(VENV_MACE)/.ready: pyproject.toml constraints-mace.txt
	$(PYTHON) -m venv $(VENV_MACE)
	$(VENV_MACE)/bin/python -m pip $(INSTALL_MACE) --editable ".[mace]" pytest pytest-timeout
	touch $@

clean:
	rm -rf $(VENV) $(VENV_MACE)
