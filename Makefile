# A fresh Debian needs python3, make, node and npm; the rules below install everything else.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV = $(shell command -v uv || echo .tools/bin/uv)
# Each widgets/src/NAME/NAME.ts becomes a bundle with that name. One build makes all bundles and writes this list last.
BUNDLES = widgets/chromalab_widgets/static/bundles.json
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

# The tests with processes that are killed, with large indexes, or with long training runs.
SLOW = reliability or process or kill or test_packaging or test_indexing or test_compact or test_minilm or test_sources \
  or test_project_maps or test_outliers or test_stored or test_graph or test_estimators or test_classify or test_suggest \
  or test_reviews or tuning or test_alone or test_unequal or test_journal or test_columns or test_cluster or test_dedupe \
  or test_link or test_preparation or test_open_files or test_read_only or test_forks or test_interrupts or test_label_queue

# What test-python runs: what test-quick does, unless TESTS names files.
TESTS = -k "not ($(SLOW))" tests
# Chroma's tests that use local clients.
CHROMA_TESTS = $(addprefix chromadb.test.,test_api test_client client.test_database_tenant client.test_multiple_clients_concurrency \
  configurations.test_collection_configuration data_loader.test_data_loader ef.test_custom_ef ef.test_multimodal_ef \
  $(addprefix api.,test_collection test_count_api test_delete_database test_fork_count_api test_get_database test_indexing_status \
  test_invalid_update test_limit_offset test_list_databases test_numpy_list_inputs test_schema_e2e))

# Finds a Python by its version, among those of pyenv as well.
FIND_PYTHON = PATH="$$PATH:$$(printf '%s:' "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin)" $(UV) python find --no-python-downloads --no-project --system

# $(call need,TEST,PACKAGE): if TEST fails, root installs the Debian package; other users get its name.
define need
@{ $(1); } >/dev/null 2>&1 || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "Installing $(2)"; apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
  else echo "$(2) is missing: sudo apt-get install $(2)" >&2; exit 1; fi; }
endef

.PHONY: help lab quickstart test test-quick test-python environments soak lint format bench contract docs lock clean
help:  ## Show these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

lab: $(VENV)/lab.stamp minilm  ## Open JupyterLab on the quickstart (LAB_ARGS="--no-browser" on a server)
	$(BIN)/jupyter lab $(AS_ROOT) $(LAB_ARGS) notebooks/quickstart.ipynb

quickstart: $(VENV)/lab.stamp minilm  ## Run the quickstart without a browser and print its results
	$(BIN)/python notebooks/run.py notebooks/quickstart.ipynb

test: lint chromium models  ## Run every test: TypeScript, Python, notebooks, JupyterLab in Chromium
	npm test --silent
	$(BIN)/python -m pytest -n auto --dist loadgroup $(TEST_ARGS)

test-quick: $(VENV)/test.stamp models  ## Run the fast tests only, without a browser: under two minutes on 2 cores
	npm test --silent
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not e2e and not soak" -k "not ($(SLOW))" tests $(TEST_ARGS)

test-python: $(BUNDLES) | $(UV)  ## Run the fast tests under another Python: PY=3.13 (TESTS="tests/store/engine" for some)
	@$(FIND_PYTHON) "$(PY)" >/dev/null 2>&1 || { echo "There is no Python $(PY) on this machine, so nothing was tested under it."; exit 0; }; \
	set -e; python="$$($(FIND_PYTHON) "$(PY)")"; folder=".venv-$$("$$python" -c "import sys; print('%d.%d' % sys.version_info[:2])")"; \
	[ -x "$$folder/bin/python" ] || $(UV) venv -q --python "$$python" "$$folder"; \
	$(UV) pip install -q --python "$$folder/bin/python" -c constraints.txt --group test -e .; \
	"$$folder/bin/chromalab" models get minilm; "$$folder/bin/chromalab" models get wordllama; \
	"$$folder/bin/python" -m pytest -n auto --dist loadgroup -m "not e2e and not soak" $(TESTS) $(TEST_ARGS)

environments: $(BUNDLES) | $(UV)  ## Install the wheel as Colab has its packages, and use it there
	@$(FIND_PYTHON) 3.13 >/dev/null 2>&1 || { echo "There is no Python 3.13 on this machine, so Colab's environment was not tested."; exit 0; }; \
	python3 tests/environments/colab.py --uv $(UV) --python "$$($(FIND_PYTHON) 3.13)"

soak: $(VENV)/test.stamp  ## Run the long tests: eight processes for a minute, a million records
	CHROMALAB_SOAK=1 $(BIN)/python -m pytest -m soak tests/store
	CHROMALAB_SOAK=1 $(BIN)/python -m pytest -n auto --dist loadgroup tests/store/analytics

lint: $(VENV)/test.stamp  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npm run --silent typecheck

format: $(VENV)/test.stamp  ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/bench.stamp models chromium  ## Run the side-by-side benchmarks and update benchmarks/README.md
	$(UV) pip install -q --python $(BIN)/python --no-deps "bertopic==0.17.4"  # its dependencies include torch
	$(BIN)/python benchmarks/embedding.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/store.py --rows 10000 --write
	$(BIN)/python benchmarks/store.py --write
	$(BIN)/python benchmarks/sizes.py --write
	$(BIN)/python benchmarks/load.py --write
	$(BIN)/python benchmarks/beside.py --write
	$(BIN)/python benchmarks/analytics.py --write
	$(BIN)/python benchmarks/variants.py --write
	$(BIN)/python benchmarks/fewshot.py --write
	$(BIN)/python benchmarks/feedback.py --write
	$(BIN)/python benchmarks/widgets.py --write

contract: $(VENV)/bench.stamp  ## Record Chroma's results for the contract tests again
	cd tests/store/contract && ../../../$(BIN)/python record.py

drop-in: $(BUNDLES) | $(UV)  ## Compare calls of frameworks with Chroma's answers, and run its tests on our clients (1 GB)
	$(UV) venv -q --allow-existing --python ">=3.10,<3.14" .tools/drop-in
	$(UV) pip install -q --python .tools/drop-in/bin/python --group drop-in -e .
	.tools/drop-in/bin/python tests/store/contract/frameworks.py
	.tools/drop-in/bin/python -m pytest -q -c /dev/null --rootdir . -p no:cacheprovider -o asyncio_mode=auto tests/store/contract/langchain_suite.py
	PYTHONPATH=tests/store/contract .tools/drop-in/bin/python -m pytest -q -c /dev/null --rootdir . --import-mode=importlib -p no:cacheprovider \
	  -p chroma_suite --pyargs $(CHROMA_TESTS) $(TEST_ARGS)

docs: $(VENV)/test.stamp minilm chromium  ## Generate docs/magics.md and the screenshots
	$(BIN)/python docs/make_verbs.py
	$(BIN)/python docs/make_screenshots.py

lock: $(UV)  ## Update the pinned Python packages in constraints.txt
	$(UV) pip compile -q --universal --python-version 3.10 --group test --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --upgrade -o constraints.txt pyproject.toml

clean:  ## Delete everything that was built or installed here
	rm -rf $(VENV) .venv-* .tools node_modules dist widgets/chromalab_widgets/static

.PHONY: minilm models chromium
minilm: $(VENV)/lab.stamp
	@$(BIN)/chromalab models get minilm
models: $(VENV)/test.stamp minilm
	@$(BIN)/chromalab models get wordllama
chromium:
	$(call need,command -v chromium,chromium)
	$(call need,/sbin/ldconfig -p | grep -q libatomic.so.1,libatomic1)

.tools/bin/uv:
	$(call need,python3 -c "import ensurepip",python3-venv)
	python3 -m venv .tools && .tools/bin/pip install -q --disable-pip-version-check uv
$(VENV)/bin/python: | $(UV)
	$(UV) venv -q --python ">=3.10" $(VENV)

# A stamp marks a dependency group of pyproject.toml as installed.
$(VENV)/%.stamp: pyproject.toml constraints.txt $(BUNDLES) | $(VENV)/bin/python
	$(UV) pip install -q --python $(BIN)/python -c constraints.txt --group $* -e .
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	npm ci --silent --no-audit --no-fund
$(BUNDLES): node_modules/.package-lock.json package.json tsconfig.json widgets/build.mjs $(shell find widgets/src -type f)
	npm run --silent build
