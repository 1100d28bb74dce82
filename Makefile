# make demo        upscale the sample clip on whatever this machine has
# make test        lint, types, layers and tests, in two processes (WORKERS=2); it ends with the skipped tests and why
# make test-long   the tests that take longest, properties on many examples, then those of threads, sockets and processes
#                  ten times (REPEATS=10)
# make coverage    run the tests and measure the lines and branches that they run, child processes included
# make test-live   install the servers and screens that tests of live streams need, and run those tests
# make docs        build the guides and the API reference into build/docs; broken links are errors
# make man         write the man page, generated from the command line's definitions, to build/uprez.1
# make package     build wheel and source archive into dist/, check them, and install the wheel into a new environment
# make release     everything a release needs but the upload: tests, docs, package
# make fidelity    write docs/fidelity.md, the output of every awkward file; UPREZ_TEST_MEDIA adds real clips
# make sanitize    run the GPU's kernels under NVIDIA's compute-sanitizer: memcheck, initcheck and racecheck
# make fidelity-gpu  write docs/fidelity-gpu.md, the colours of those outputs on this machine's GPU
# make fuzz        fuzz the parsers of foreign bytes, guided by coverage, and complete files, SECONDS=600 each
# make clean       remove all that the others made: environment, builds, caches

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
REPEATS ?= 10
SECONDS ?= 600
# A worker that dies ends the run: xdist would wait for the tests of its group.
PARALLEL := --numprocesses=$(WORKERS) --dist=loadgroup --max-worker-restart=0
CONCURRENT := tests/flow tests/live tests/media/encoding/test_parallel_gop.py \
	$$(grep -rlE 'threading|subprocess|psutil|socket|signal|in_thread' tests --include='test_*.py' | grep -vE '^tests/(gpu|flow|live)/')
PROPERTIES := $$(grep -rlE '\bgiven\(' tests --include='test_*.py' | grep -v '^tests/gpu/')
STALE := build/lib build/bdist.* *.egg-info# of earlier builds; setuptools would reuse files that no longer exist
SOURCES := benchmarks pipeline samples tests training
CLIPS := $(if $(UPREZ_TEST_MEDIA),--media $(UPREZ_TEST_MEDIA))
GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo "[rtx]")

# Bytecode is kept even where that is switched off for all programs: the tests start some hundred processes, each of
# which would compile the package again, and pytest would rewrite every test module in each of its own processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo man fuzz test lint types layers tests test-long test-live coverage docs package release sanitize fidelity fidelity-gpu clean

demo: $(VENV)/demo.installed
	$(BIN)/python samples/demo.py demo

test: lint types layers tests

lint: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.installed
	$(BIN)/mypy --num-workers=$(WORKERS)

layers: $(VENV)/test.installed
	$(BIN)/lint-imports

tests: $(VENV)/test.installed
	$(BIN)/python -m pytest $(PARALLEL)

test-long: $(VENV)/test.installed
	$(BIN)/python -m pytest -m long --hypothesis-profile=many
	$(BIN)/python -m pytest --quiet $(PARALLEL) --hypothesis-profile=many $(PROPERTIES)
	for run in $$(seq $(REPEATS)); do $(BIN)/python -m pytest --quiet $(PARALLEL) $(CONCURRENT) || exit 1; done

coverage: $(VENV)/test.installed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL)
	$(BIN)/coverage combine --quiet
	rm -f build/coverage/data.*
	$(BIN)/coverage report --sort=cover --skip-covered
	$(BIN)/coverage json --quiet -o build/coverage/report.json
	$(BIN)/python -m tests.coverage_floor build/coverage/report.json

test-live: $(VENV)/test.installed
	@lacking="$$($(BIN)/python -m tests.servers)"; test -z "$$lacking" || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || \
			{ echo "some packages are missing: sudo apt-get install $$lacking"; exit 2; }; \
		apt-get update --quiet && apt-get install --yes --no-install-recommends $$lacking; }
	$(BIN)/python -m pytest $$(grep -rlE '\brequires\(' tests --include='test_*.py')

fuzz: $(VENV)/fuzz.installed
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

docs: $(VENV)/docs.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

man: $(VENV)/demo.installed
	@mkdir -p build
	$(BIN)/python -m pipeline.cli.man_page > build/uprez.1

package: $(VENV)/release.installed
	rm -rf dist $(STALE) $(VENV)/package
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m tests.package_check dist
	$(PYTHON) -m venv $(VENV)/package
	$(VENV)/package/bin/pip install --quiet --disable-pip-version-check dist/*.whl
	cd $(VENV)/package && bin/uprez --version && bin/uprez models

release: $(VENV)/release.installed
	@test -z "$$(git status --porcelain)" || { echo "the work tree has changes: commit them first"; exit 2; }
	@version="$$($(BIN)/python -c 'import pipeline; print(pipeline.__version__)')"; \
		grep -q "^## $$version - 20" CHANGELOG.md || \
			{ echo "CHANGELOG.md has no dated section for $$version: write '## $$version - YYYY-MM-DD'"; exit 2; }
	$(MAKE) test docs package
	@version="$$($(BIN)/python -c 'import pipeline; print(pipeline.__version__)')"; \
		echo "$$version is ready; upload it by: git tag v$$version && $(BIN)/twine upload dist/*"

fidelity: $(VENV)/test.installed
	$(BIN)/python -m tests.cases.table docs/fidelity.md $(CLIPS)

sanitize: $(VENV)/test.installed
	$(BIN)/python -m tests.gpu.sanitize

fidelity-gpu: $(VENV)/test.installed
	UPREZ_TEST_BACKEND=tensorrt $(BIN)/python -m tests.cases.table --colours docs/fidelity-gpu.md $(CLIPS)

$(VENV)/demo.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".$(GPU)"
	@touch $@

$(VENV)/test.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

$(VENV)/fuzz.installed: $(VENV)/test.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[fuzz]" || \
		echo "atheris has no wheel here: the seeds are mutated at random"
	@touch $@

$(VENV)/docs.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@

$(VENV)/release.installed: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[release]"
	@touch $@

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 demo"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv is missing: apt-get install python3-venv (Debian, Ubuntu)"; exit 2; }
	@touch $@

clean:
	rm -rf $(VENV) demo dist build $(STALE) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +
