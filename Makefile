# A fresh Debian needs python3, make, node and npm; the rest is brought by the rules below.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV = $(shell command -v uv || echo .tools/bin/uv)
# Each widgets/src/NAME/NAME.ts becomes a bundle of its name; one build makes them all.
BUNDLES = $(foreach entry,$(wildcard widgets/src/*/*.ts),$(if $(filter $(notdir $(patsubst %/,%,$(dir $(entry)))).ts,$(notdir $(entry))),\
  widgets/chromalab_widgets/static/$(notdir $(entry:.ts=.js))))
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

# $(call need,TEST,PACKAGE): where TEST fails, root installs the Debian package, others are told its name.
define need
@{ $(1); } >/dev/null 2>&1 || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "Installing $(2)"; apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
  else echo "$(2) is missing: sudo apt-get install $(2)" >&2; exit 1; fi; }
endef

.PHONY: help lab quickstart test soak lint format bench contract docs lock clean
help:  ## Show these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

lab: $(VENV)/lab.stamp minilm  ## Open JupyterLab on the quickstart (LAB_ARGS="--no-browser" for a server)
	$(BIN)/jupyter lab $(AS_ROOT) $(LAB_ARGS) notebooks/quickstart.ipynb

quickstart: $(VENV)/lab.stamp minilm  ## Run the quickstart without a browser and print its results
	$(BIN)/python notebooks/run.py notebooks/quickstart.ipynb

test: lint chromium models  ## Run every test: TypeScript, Python, notebooks, JupyterLab in Chromium
	npm test --silent
	$(BIN)/python -m pytest -n auto --dist loadgroup $(TEST_ARGS)

soak: $(VENV)/test.stamp  ## Run the long tests: eight processes for a minute, a million records
	CHROMALAB_SOAK=1 $(BIN)/python -m pytest -m soak tests/store
	CHROMALAB_SOAK=1 $(BIN)/python -m pytest -n auto --dist loadgroup tests/store/analytics

lint: $(VENV)/test.stamp  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npm run --silent typecheck

format: $(VENV)/test.stamp  ## Put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/bench.stamp models chromium  ## Measure side by side; the tables are in benchmarks/README.md
	$(UV) pip install -q --python $(BIN)/python --no-deps "bertopic==0.17.4"  # its dependencies bring in torch
	$(BIN)/python benchmarks/embedding.py
	$(BIN)/python benchmarks/store.py --rows 10000 --write
	$(BIN)/python benchmarks/store.py --write
	$(BIN)/python benchmarks/analytics.py --write
	$(BIN)/python benchmarks/fewshot.py --write
	$(BIN)/python benchmarks/feedback.py --write
	$(BIN)/python benchmarks/widgets.py --write

contract: $(VENV)/bench.stamp  ## Record again what Chroma answers to the scenarios of the contract
	cd tests/store/contract && ../../../$(BIN)/python record.py

docs: $(VENV)/test.stamp minilm chromium  ## Make the page of verbs and the screenshots
	$(BIN)/python docs/make_verbs.py
	$(BIN)/python docs/make_screenshots.py

lock: $(UV)  ## Pin the Python packages again
	$(UV) pip compile -q --universal --python-version 3.10 --group test --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --upgrade -o constraints.txt pyproject.toml

clean:  ## Delete what was built
	rm -rf $(VENV) .tools node_modules dist widgets/chromalab_widgets/static

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

# A stamp stands for an installed group of pyproject.toml.
$(VENV)/%.stamp: pyproject.toml constraints.txt $(BUNDLES) | $(VENV)/bin/python
	$(UV) pip install -q --python $(BIN)/python -c constraints.txt --group $* -e .
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	npm ci --silent --no-audit --no-fund
$(BUNDLES): node_modules/.package-lock.json package.json tsconfig.json widgets/build.mjs $(shell find widgets/src -type f)
	npm run --silent build
	@touch $(BUNDLES)
