# Each target sets up .venv when it is first needed; publish.install does the work, on any system.

NOTEBOOKS ?=
LAB_OPTIONS ?=
TEST_OPTIONS ?=

ifeq ($(OS),Windows_NT)
PYTHON ?= python
else
PYTHON ?= python3
endif

IN_COURSE = $(PYTHON) -m publish.install
# Whoever names a Python wants that one; otherwise a complete .venv serves, whatever Python it has.
ifneq ($(origin PYTHON),file)
IN_COURSE += --this-python
endif
# An offline course asks the network neither for news nor for updates.
QUIETLY = --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
IN_TESTS = $(IN_COURSE) --extra test

define HELP
make lab        set up the course once, then open JupyterLab on the first notebook
make test       run all that continuous integration runs
make notebooks  execute the notebooks whose sources changed, e.g. NOTEBOOKS="01 --force"
make slides     write a slide deck, HTML and PDF, of each notebook into dist/slides
make figures    draw the diagrams anew
make model      train the writer of Python that notebook 08 loads anew, eight minutes
make bench      time the course's language models beside a peer library
make clean      remove .venv, dist and caches

Options: PYTHON=python3.13  LAB_OPTIONS="--no-browser"  TEST_OPTIONS="-k figures"
endef

.PHONY: help lab test notebooks slides figures model bench clean
.DEFAULT_GOAL := help

help:
	@$(info $(HELP))cd .

lab:
	@$(IN_COURSE) -- -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(QUIETLY) $(LAB_OPTIONS)

test:
	@$(IN_TESTS) -- -m pytest $(TEST_OPTIONS)

notebooks:
	@$(IN_COURSE) -- -m publish.build $(NOTEBOOKS)

slides:
	@$(IN_TESTS) -- -m publish.slides $(NOTEBOOKS)

figures:
	@$(IN_COURSE) -- figures/render.py

model:
	@$(IN_COURSE) -- -m publish.model

bench:
	@$(IN_TESTS) -- -m tests.benchmarks.run

clean:
	@$(PYTHON) -m publish.install --clean
