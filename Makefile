# `make` alone lists the targets. Everything is installed into .venv from locked, hashed requirements.

PACK ?= qingting
SEED ?= 1
HOME_KIND ?= one-machine
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PROJECT := pyproject.toml Makefile

.DEFAULT_GOAL := help
.PHONY: help run test fast lint fmt bench faults trials mongo contracts lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runtime ## Start everything with made-up traffic; stop with Ctrl-C (YIJIAN_PORT=9000 for other ports, PACK=name)
	@YIJIAN_PACK=$${YIJIAN_PACK:-packs/$(PACK)} .venv/bin/yijian up --demo

test: lint ## Check everything: lint, types, import rules and every suite this machine can run
	@.venv/bin/python -c "from tests.support import kafka_server as kafka; kafka.why_not() or kafka.jars()"
	.venv/bin/pytest -n 2 -m "not trial"

fast: .venv/.dev ## Run the fast suite only
	.venv/bin/pytest -n 2 -q -m "not slow and not kafka and not mongo"

lint: .venv/.dev ## Check style, types and import rules
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

fmt: .venv/.dev ## Format the code and mend what can be mended
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

bench: .venv/.dev ## Print the ratios of docs/performance.md, measured on this machine
	.venv/bin/python -m tests.benchmarks

trials: .venv/.dev ## Kill every service at every point, and brokers one by one: what `make test` has no time for
	.venv/bin/pytest -n 2 -m trial tests/faults

faults: .venv/.dev $(if $(filter cluster,$(HOME_KIND)),$(if $(shell command -v cargo),mongo)) ## Break the real system and audit it: SEED=1 HOME_KIND=one-machine|cluster LONG=1 (20,000 messages, 60 faults)
	.venv/bin/python -m tests.faults --seed $(SEED) --home $(HOME_KIND) $(if $(LONG),--long)

mongo: .mongo/bin/secantusd-rs ## Build the faster of the two stand-ins for MongoDB: needs cargo and cmake, takes minutes

contracts: .venv/.dev ## Write docs/contracts anew, from what the code says
	.venv/bin/python -m tools.contracts

lock: ## Lock the requirements anew (needs uv)
	@test -n "$(UV)" || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	cd requirements && for name in runtime dev; do \
		uv pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
			--custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; done

clean: ## Remove .venv and caches; the data in var/ stays
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.runtime: requirements/runtime.txt $(PROJECT)
	$(call install,runtime)

.venv/.dev: requirements/dev.txt $(PROJECT)
	$(call install,dev)

# As its authors locked it; the compiler they ask for is newer than this code needs.
.mongo/bin/secantusd-rs:
	@echo "building $(@F), once (four minutes on two cores)"
	@cargo install -q secantus-mdb --version 0.5.3-beta.193 --locked --ignore-rust-version --root .mongo \
		|| echo "it could not be built: the slower one among the requirements does its work"

# Python packages by their hashes, then the project itself with the setuptools just installed: nothing unlocked is fetched.
define install
@test -n "$(PYTHON)" || { echo "Yijian needs Python 3.11 or newer, and none was found: install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
@echo "installing requirements/$(1).txt into .venv"
@test -x .venv/bin/python || $(if $(UV),uv venv -q --python "$(PYTHON)" .venv,"$(PYTHON)" -m venv .venv)
@$(if $(UV),,.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null)
@$(if $(UV),uv pip install -q --python .venv/bin/python,.venv/bin/python -m pip install -q --disable-pip-version-check) --require-hashes -r requirements/$(1).txt
@$(if $(UV),uv pip install -q --python .venv/bin/python,.venv/bin/python -m pip install -q --disable-pip-version-check) --no-deps --no-build-isolation -e .
@touch $@
endef
