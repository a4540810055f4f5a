# The commands of the README; `make help` lists them. Works with GNU make 3.81 and later.
# The same without make: see README.md, 'Without make'.

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
ARGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed-requirements.txt

.PHONY: help install run test lock resolve

help:
	@echo "make run               set up $(VENV) with the pinned packages, then run the quick comparison"
	@echo "make run ARGS='...'    the same with options of run_all.py, such as ARGS='--device cpu'"
	@echo "make test              lint, format, types, import rules and tests"
	@echo "make install           only set up $(VENV)"
	@echo "make lock              make requirements.txt again from pyproject.toml"
	@echo "make resolve           ask whether the pins can be had on every system and Python"
	@echo
	@echo "PYTHON=python3.12      the interpreter that $(VENV) is made with (3.11 to 3.13)"
	@echo "UPGRADE='torch keras'  the packages that make lock may give other versions; also torch==2.14.0"
	@echo "PIP_ARGS='...'         further options for pip, such as an index of CPU-only wheels"

install: $(INSTALLED)

# The copy in the environment says what was installed there, so a second call does nothing
# until requirements.txt changes, and an installation cut short is taken up again.
$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit((3, 11) > sys.version_info or sys.version_info >= (3, 14))' || \
	    { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one that is: PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) -r requirements.txt
	cp requirements.txt $@

run: $(INSTALLED)
	$(BIN)/python run_all.py --preset quick $(ARGS)

# The kernels that every x86-64 processor has, and one thread; others pay the kernels no heed. They
# round otherwise than this processor's own, and no test may depend on that.
OLDER_PROCESSOR := OPENBLAS_CORETYPE=Prescott ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default \
    OMP_NUM_THREADS=1

test: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(OLDER_PROCESSOR) $(BIN)/python -m pytest -n 2 -m kernel

# All groups of pyproject.toml but 'optional'.
LOCKED := core pytorch keras tensorflow jax study graphs onnx dev
UPGRADE ?=

# A pin stays as it is in requirements.txt unless UPGRADE names its package.
# PyTorch pins its own CUDA packages; listed here, they would be forced on its CPU build too.
lock: $(INSTALLED)
	cp requirements.txt $(VENV)/lock.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header \
	    $(LOCKED:%=--group %) $(UPGRADE:%=--upgrade-package '%') \
	    --annotation-style line --output-file $(VENV)/lock.txt
	grep '^#' requirements.txt > $(VENV)/new.txt
	grep -vE '^(triton|cuda-|nvidia-(cu|nc|nv))' $(VENV)/lock.txt >> $(VENV)/new.txt
	mv $(VENV)/new.txt requirements.txt
	$(MAKE) resolve

LINUX := x86_64-unknown-linux-gnu
PLATFORMS := $(LINUX) aarch64-apple-darwin x86_64-pc-windows-msvc
RESOLVE = MACOSX_DEPLOYMENT_TARGET=14.0 $(BIN)/uv pip compile --quiet --only-binary :all:

# Asks the package index whether every pin has a wheel everywhere; installs nothing.
# PyTorch's wheels for macOS begin with macOS 14.
resolve:
	@for version in 3.11 3.12 3.13; do \
	    for platform in $(PLATFORMS); do \
	        $(RESOLVE) --python-version $$version --python-platform $$platform requirements.txt \
	            > /dev/null || exit 1; \
	        echo "the pins resolve for Python $$version on $$platform"; \
	    done; \
	    for needs in optional cuda tensorflow-cuda; do \
	        $(RESOLVE) --python-version $$version --python-platform $(LINUX) \
	            requirements-$$needs.txt > /dev/null || exit 1; \
	        echo "requirements-$$needs.txt resolves for Python $$version on $(LINUX)"; \
	    done; \
	done
