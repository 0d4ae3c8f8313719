# make run    set up, then run the main job on the embedded videos
# make test   set up, then lint and test
# make tables set up, then fill the paper's tables and figures with the embedded videos
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test tables lint setup clean

run: setup
	$(BIN)/snakemake --cores all

test: setup lint
	$(BIN)/pytest

tables: setup
	$(BIN)/snakemake --cores all --configfile config/tables.yaml
	$(BIN)/snakemake --report results/tables/report.html --configfile config/tables.yaml

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src
	$(BIN)/snakefmt --check Snakefile rules benchmarks/evidence/Snakefile
	$(BIN)/snakemake --lint

setup: .venv/installed

.venv/installed: envs/requirements.txt envs/constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -r envs/requirements.txt -c envs/constraints.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

clean:
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -r {} +
	rm -rf .snakemake
