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
LAB = $(IN_COURSE) -- -m publish.lab --ServerApp.root_dir=. $(QUIETLY)
IN_TESTS = $(IN_COURSE) --extra test
OF_NOTEBOOKS = $(if $(NOTEBOOKS),--notebooks="$(NOTEBOOKS)")

define HELP
make lab        set up the course once, then open JupyterLab on the first notebook
make mine       copy the notebooks to mine/, which is yours, and open JupyterLab there
make test       run all that continuous integration runs; NOTEBOOKS=05 only what belongs to notebook 05
make check      run the tests that execute no notebook and open no browser, in minutes
make notebooks  execute the notebooks whose sources changed, e.g. NOTEBOOKS="01 --force"
make slides     write a slide deck, HTML and PDF, of each notebook into dist/slides
make figures    draw the diagrams anew
make model      train the writer of Python that notebook 08 loads anew, eight minutes
make bench      time the course's language models beside a peer library
make clean      remove .venv, dist and caches

Options: PYTHON=python3.13  LAB_OPTIONS="--no-browser"  TEST_OPTIONS="-k figures"
endef

.PHONY: help lab mine test check notebooks slides figures model bench clean
.DEFAULT_GOAL := help

help:
	@$(info $(HELP))cd .

lab:
	@$(LAB) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_OPTIONS)

mine:
	@$(IN_COURSE) -- -m publish.mine
	@$(LAB) --LabApp.default_url=/lab/tree/mine/00_start_here.ipynb $(LAB_OPTIONS)

test:
	@$(IN_TESTS) -- -m pytest $(OF_NOTEBOOKS) $(TEST_OPTIONS)

check:
	@$(IN_TESTS) -- -m pytest tests -m "not lecture" $(OF_NOTEBOOKS) $(TEST_OPTIONS)

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
