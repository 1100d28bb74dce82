# make demo        upscale the sample clip on whatever this machine has
# make test        lint, types, layers, tests
# make fidelity    write docs/fidelity.md anew: what comes out of every awkward file; UPREZ_TEST_MEDIA adds real clips
# make fidelity-gpu  write docs/fidelity-gpu.md anew: what this machine's GPU makes of their colours

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIPS := $(if $(UPREZ_TEST_MEDIA),--media $(UPREZ_TEST_MEDIA))
GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo "[rtx]")

.PHONY: demo test lint types layers tests fidelity fidelity-gpu clean

demo: $(VENV)/demo.installed
	$(BIN)/python samples/demo.py demo

test: lint types layers tests

lint: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.installed
	$(BIN)/mypy

layers: $(VENV)/test.installed
	$(BIN)/lint-imports

tests: $(VENV)/test.installed
	$(BIN)/python -m pytest

fidelity: $(VENV)/test.installed
	$(BIN)/python -m tests.cases.table docs/fidelity.md $(CLIPS)

fidelity-gpu: $(VENV)/test.installed
	UPREZ_TEST_BACKEND=tensorrt $(BIN)/python -m tests.cases.table --colours docs/fidelity-gpu.md $(CLIPS)

$(VENV)/demo.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".$(GPU)"
	@touch $@

$(VENV)/test.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 demo"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv is missing: apt-get install python3-venv (Debian, Ubuntu)"; exit 2; }
	@touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
