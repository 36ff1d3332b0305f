# The index of habits. `make help` lists them.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DEMO := demo-data
# Made last, so that an installation that failed is begun again.
INSTALLED := $(VENV)/installed

# Messages of panics name source files. These folders of the building machine stay out of them, and
# the same bytes are built everywhere. All builds have the same flags, so that they share their parts.
CARGO_HOME ?= $(HOME)/.cargo
export RUSTFLAGS := $(strip $(filter-out --remap-path-prefix=%,$(RUSTFLAGS)) --remap-path-prefix=$(CARGO_HOME)/registry/src=/crates)

.DEFAULT_GOAL := help
.PHONY: help lock setup setup-train setup-cloud setup-daft setup-dask setup-ray setup-spark build demo test test-rust test-python test-docs test-lowest lint site axe actionlint check-targets deny notices format wheel reproduce faults memory layouts fuzz bench bench-quick bench-scaling bench-growth bench-tokens bench-training mutants clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(INSTALLED): requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.5,<1"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/dev.txt
	touch $@

LOCK_GROUP := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --upgrade
LOCK := $(LOCK_GROUP) pyproject.toml

lock: $(INSTALLED) ## Renew the locked versions of the dependency groups
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(LOCK) --group dev --group train --override requirements/without-torch.txt --output-file requirements/train.txt
	$(LOCK_GROUP) --group cloud --constraint requirements/train.txt --output-file requirements/cloud.txt
	$(LOCK_GROUP) --group dask --constraint requirements/train.txt --output-file requirements/dask.txt
	$(LOCK_GROUP) --group ray --constraint requirements/train.txt --output-file requirements/ray.txt
	$(LOCK_GROUP) --group spark --constraint requirements/train.txt --output-file requirements/spark.txt
	$(LOCK_GROUP) --group servers --output-file requirements/servers.txt
	$(LOCK) --group daft --output-file requirements/daft.txt
	$(LOCK_GROUP) --group wheel --output-file requirements/wheel.txt
	$(LOCK_GROUP) --group docs --constraint requirements/train.txt --output-file requirements/docs.txt

setup: $(INSTALLED) build ## Make .venv, install everything, build the extension

# Torch is not locked: which build fits depends on the machine, and one that is there stays.
setup-train: setup ## Also install the trainers that tests run against
	$(BIN)/uv pip install --quiet --python $(BIN)/python "torch>=2.9" --requirement requirements/train.txt

# The server has an environment of its own: it needs other versions of what the tests use.
SERVERS := $(VENV)/servers

setup-cloud: setup ## Also install obstore, and a server of S3 that tests run against
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/cloud.txt
	test -d $(SERVERS) || $(BIN)/uv venv --quiet --python $(BIN)/python $(SERVERS)
	$(BIN)/uv pip install --quiet --python $(SERVERS)/bin/python --requirement requirements/servers.txt

# So has Daft, which wants an older pyarrow; fastsample is seen from its sources there.
DAFT := $(VENV)/daft

setup-daft: setup ## Also install Daft, which a recipe is tested on
	test -d $(DAFT) || $(BIN)/uv venv --quiet --python $(BIN)/python $(DAFT)
	$(BIN)/uv pip install --quiet --python $(DAFT)/bin/python --requirement requirements/daft.txt

setup-dask: setup ## Also install Dask, which tests run a cluster of
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/dask.txt

setup-ray: setup ## Also install Ray, which tests run clusters of
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/ray.txt

setup-spark: setup ## Also install Spark, which tests run clusters of; it needs Java 17
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/spark.txt

build: $(INSTALLED) ## Build the extension (release) into .venv
	PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" PIP_QUIET=1 $(BIN)/maturin develop --uv --release --quiet

demo: setup ## Make 200,000 rows of Chinese-looking pairs, look at them, draw 60,000
	mkdir -p $(DEMO)
	test -f $(DEMO)/pairs.parquet || $(BIN)/python -m benches.generate --rows 200_000 --out $(DEMO)/pairs.parquet
	$(BIN)/fastsample inspect $(DEMO)/pairs.parquet
	$(BIN)/fastsample sample --input $(DEMO)/pairs.parquet --output $(DEMO)/sample.parquet --num_samples 60000
	$(BIN)/fastsample inspect $(DEMO)/sample.parquet

test: setup test-rust test-python ## Set everything up and run all tests

# The dependencies are those of the release build, compiled once. Our own code has all checks, and is
# quick to compile rather than to run: its tests wait for the compiler.
CHECKED := $(foreach crate,fastsample fastsample-python,$(addprefix --config profile.release.package.$(crate).,\
	debug-assertions=true overflow-checks=true opt-level=1 codegen-units=64 debug=false))

test-rust:
	cargo test --workspace --locked --release --features fastsample/fuzz $(CHECKED)

# Most tests wait for child processes that use one core.
TEST_PROCESSES ?= 2

test-python:
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

DOCS_TESTS := $(foreach name,chatlm_mini docs guide json links pages readme rows_page site training_guide verify,tests/test_$(name).py)

test-docs: ## Run every command and snippet of the documentation, and follow its links
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) $(DOCS_TESTS)

# Tests that need no other package than fastsample's own dependencies and the test tools.
LOWEST := $(VENV)/lowest
LOWEST_TESTS := $(foreach name,cli draw epochs report samplers smart,tests/test_$(name).py)

test-lowest: setup ## Test the wheel, and with the lowest version allowed of every dependency
	rm -rf $(LOWEST)-wheel
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --release --quiet --out $(LOWEST)-wheel
	$(BIN)/maturin sdist --out $(LOWEST)-wheel
	FASTSAMPLE_DIST=$(LOWEST)-wheel $(BIN)/python -m pytest tests/test_package.py
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
		--requirement pyproject.toml --extra plot
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --no-deps --reinstall $(LOWEST)-wheel/*.whl
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python hypothesis pandas psutil pytest pytest-timeout xxhash
	$(LOWEST)/bin/python -m pytest -W default $(LOWEST_TESTS)

site: setup ## Build the site of the documentation into target/site, strictly
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/docs.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

PAGES := target/pages
AXE_SITE := $(foreach name,index guide/index guide.zh/index api/sample/index,target/site/$(name).html)

axe: site ## Check reports and pages of the site with axe-core in Chromium, which has to be installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement requirements/axe.txt
	mkdir -p $(PAGES)
	test -f $(PAGES)/pairs.parquet || $(BIN)/python -m benches.generate --rows 3_000 --out $(PAGES)/pairs.parquet
	$(BIN)/python -m tools.pages.reports $(PAGES)/pairs.parquet $(PAGES)
	$(BIN)/python -m tools.pages.axe $(PAGES)/*.html $(AXE_SITE)

lint: setup ## Formatting, lints, types, stubs, documentation of the core
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --features fastsample/fuzz --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p fastsample
	$(BIN)/mypy -p benches -p research -p tools
	$(BIN)/mypy tests
	$(BIN)/python -m mypy.stubtest fastsample._fastsample --mypy-config-file pyproject.toml

actionlint: $(INSTALLED) ## Check the workflows with actionlint
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements/actionlint.txt
	$(BIN)/actionlint

check-targets: $(INSTALLED) ## Type-check for Windows, macOS, aarch64 and musl, as far as rustup has their standard libraries
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/wheel.txt
	$(BIN)/python -m tools.check_targets

deny: ## Check licences, bans and sources of all crates with cargo-deny, which has to be installed
	cargo deny --locked check bans licenses sources

notices: $(INSTALLED) ## Renew THIRD_PARTY_NOTICES after a change of Cargo.lock
	$(BIN)/python -m tools.crates.notices

format: setup ## Format everything
	cargo fmt --all
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# On Linux a wheel for glibc 2.28 and later, linked by zig, whatever this machine has; maturin audits it.
HOST = $(shell rustc -vV | sed -n 's/host: //p')
ZIG = $(if $(filter Linux,$(shell uname -s)),--zig --compatibility manylinux_2_28 --target $(HOST))

wheel: $(INSTALLED) ## Build a wheel and an sdist into dist/
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements/wheel.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/maturin build --release --out dist $(ZIG)
	$(BIN)/maturin sdist --out dist
	FASTSAMPLE_DIST=dist $(BIN)/python -m pytest tests/test_package.py

reproduce: $(INSTALLED) ## Build wheel and sdist of HEAD twice, in two folders, and compare their bytes (20 minutes)
	$(BIN)/python -m tools.reproduce

faults: setup ## Fail every call of every kind of output, and kill 200 runs of each (an hour)
	FASTSAMPLE_FAULTS=all FASTSAMPLE_KILLS=200 $(BIN)/python -m pytest tests/test_faults.py tests/test_kills.py -rP

memory: setup ## Run jobs of every kind under a ladder of limits of the address space (ten minutes)
	$(BIN)/python -m tools.memory.ladder

LAYOUT_SECONDS ?= 3600

layouts: setup ## Draw from random layouts of random tables for LAYOUT_SECONDS (an hour), against pyarrow
	FASTSAMPLE_LAYOUT_SECONDS=$(LAYOUT_SECONDS) $(BIN)/python -m pytest tests/test_layouts.py -rP

# Those of cargo-fuzz, which is not needed: AddressSanitizer and counters of edges.
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module -Zsanitizer=address -Ccodegen-units=16 $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)
FUZZ_SECONDS ?= 3600

fuzz: $(INSTALLED) ## Run every fuzz target with coverage for FUZZ_SECONDS of the processor (an hour); needs a nightly toolchain
	cp Cargo.lock fuzz/Cargo.lock
	cd fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" cargo +nightly build --release --target $(HOST) --target-dir ../target/fuzz
	$(BIN)/python -m tools.fuzz --binaries target/fuzz/$(HOST)/release --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

bench-quick: setup ## Time draws against pandas and the peers on 100,000 rows with pytest-benchmark
	$(BIN)/python -m pytest benches --benchmark-only

bench: setup ## Measure against pandas and the peers on 10,000,000 rows (an hour, 10 GB of disk)
	mkdir -p $(DEMO)
	test -f $(DEMO)/10m.parquet || $(BIN)/python -m benches.generate --rows 10_000_000 --out $(DEMO)/10m.parquet
	$(BIN)/python -m benches.compare random-file --input $(DEMO)/10m.parquet
	$(BIN)/python -m benches.compare random-table --input $(DEMO)/10m.parquet

SCALING_ROWS ?= 10_000_000

bench-scaling: setup ## Measure how time and memory grow; SCALING_ROWS=200_000 for a quick try
	$(BIN)/python -m benches.scaling --rows $(SCALING_ROWS)

bench-growth: setup ## Measure draws from many columns, row groups and files, beside polars
	$(BIN)/python -m benches.growth

bench-tokens: setup-train ## Time batches of token ids against a tokenizer in the collator and datasets.map
	$(BIN)/python -m benches.tokens

bench-training: setup ## Measure memory, batches and epochs of training against datasets and pyarrow
	$(BIN)/python -m benches.training

MUTANTS ?= 100_000

mutants: setup ## Read MUTANTS damaged files in child processes (an hour), see tests/mutants.py
	mkdir -p $(DEMO)
	$(BIN)/python tests/mutants.py --count $(MUTANTS) --record $(DEMO)/mutants.json

clean: ## Remove everything that was built or made
	rm -rf $(VENV) target dist $(DEMO) python/fastsample/*.so
