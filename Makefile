# The commands of the README; `make help` lists them. Works with GNU make 3.81 and later.
# The same without make: see docs/install.md and docs/cuda.md.

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
ARGS ?=
FRAMEWORKS ?=
# Where PyTorch has its builds without CUDA; those of the usual package index bring it on Linux.
TORCH_CPU ?= https://download.pytorch.org/whl/cpu

comma := ,
empty :=
space := $(empty) $(empty)

# All frameworks there are, each a group of packages in pyproject.toml.
ALL := pytorch keras-tensorflow keras-jax keras-torch jax numpy
CHOSEN := $(sort $(subst $(comma), ,$(FRAMEWORKS)))
UNKNOWN := $(filter-out $(ALL),$(CHOSEN))
ifneq ($(UNKNOWN),)
    $(error unknown framework $(UNKNOWN) in FRAMEWORKS=$(FRAMEWORKS): choose from $(ALL))
endif

# 1: set up for an NVIDIA GPU, 0: for the CPU alone. The driver is asked once, and only where the
# pins for CUDA are for.
SYSTEM := $(subst $(space),-,$(shell uname -sm))
FOR_CUDA := Linux-x86_64
CUDA = $(eval CUDA := $(if $(and $(filter $(FOR_CUDA),$(SYSTEM)),\
    $(shell nvidia-smi -L 2>/dev/null | grep '^GPU')),1,0))$(CUDA)
ifeq ($(filter 0-% 1-$(FOR_CUDA),$(CUDA)-$(SYSTEM)),)
    $(error CUDA=$(CUDA) on $(SYSTEM): give CUDA=1 for an NVIDIA GPU on $(FOR_CUDA), or CUDA=0 for the CPU alone)
endif

BIN := $(VENV)/bin
KIND := $(if $(filter 1,$(CUDA)),-cuda)
PINS := requirements.txt $(if $(KIND),requirements-cuda.txt)

# These files say what an environment has: a second call does nothing until the pins change, and
# an installation cut short is taken up again. Other FRAMEWORKS have another file, and are added.
FULL := $(VENV)/installed-requirements$(KIND).txt
SOME := $(VENV)/installed-$(subst $(space),+,$(CHOSEN))$(KIND).txt
INSTALLED := $(if $(CHOSEN),$(if $(wildcard $(FULL)),$(FULL),$(SOME)),$(FULL))
# TensorFlow's CUDA libraries cannot stand beside PyTorch's; the harness finds this by its name.
TENSORFLOW := .venv-tensorflow
SECOND := $(if $(KIND),$(if $(filter keras-tensorflow,$(or $(CHOSEN),$(ALL))),$(TENSORFLOW)/installed.txt))

.PHONY: help install run gpu-day test test-thorough lock resolve

help:
	@echo "make run               set up $(VENV) with the pinned packages, then run the quick comparison"
	@echo "make run ARGS='...'    the same with options of run_all.py, such as ARGS='--device cpu'"
	@echo "make run FRAMEWORKS=pytorch,keras-jax"
	@echo "                       only these: their packages are added, and they are run"
	@echo "make install           only set up"
	@echo "make gpu-day           all that is to be measured on a GPU, in one folder: docs/cuda.md"
	@echo "make test              lint, format, types, import rules and tests"
	@echo "make test-thorough     the tests that make test leaves out: further executions, compiled"
	@echo "make lock              make the files with the pins again from pyproject.toml"
	@echo "make resolve           ask whether the pins can be had on every system and Python"
	@echo
	@echo "CUDA=1, CUDA=0         for an NVIDIA GPU, or for the CPU alone; by default what nvidia-smi -L lists"
	@echo "PYTHON=python3.12      the interpreter that $(VENV) is made with (3.11 to 3.13)"
	@echo "UPGRADE='torch keras'  the packages that make lock may give other versions; also torch==2.14.0"
	@echo "PIP_ARGS='...'         further options for pip, such as an index of your own"

install: $(INSTALLED) $(SECOND)

ASKED := $(if $(findstring command,$(origin CUDA)),as asked by CUDA=$(CUDA),$(if $(KIND),\
    since nvidia-smi -L lists a GPU; CUDA=0 sets up for the CPU alone,\
    since no NVIDIA GPU was found by nvidia-smi -L; CUDA=1 sets up for one all the same))
environment = @echo "setting up $(1) for $(if $(KIND),CUDA,the CPU), $(strip $(ASKED))"; \
    $(PYTHON) -c 'import sys; sys.exit((3, 11) > sys.version_info or sys.version_info >= (3, 14))' || \
    { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one that is: PYTHON=python3.12"; exit 1; }; \
    $(PYTHON) -m venv $(1)
pip = $(1)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS)

# On Linux PyTorch is first looked for in its CPU build, unless a build is there already or PIP_ARGS
# says where to look. Nothing else is taken from that index.
TORCH = $(shell sed -n 's/^torch==\([^ ]*\).*/\1/p' requirements.txt)
HAS_TORCH = $(BIN)/python -c 'from importlib.metadata import version as v; \
    raise SystemExit(v("torch").partition("+")[0] != "$(TORCH)")' 2>/dev/null
torch_for_cpu = @$(HAS_TORCH) || $(call pip,$(VENV)) --retries 1 --no-deps \
    --extra-index-url $(TORCH_CPU) torch==$(TORCH)+cpu || { \
    echo "PyTorch's CPU build cannot be had, neither from $(TORCH_CPU) nor from an index of pip's own:"; \
    echo "taking the usual build, which brings CUDA's libraries, several gigabytes. Ctrl-C ends this;"; \
    echo "PIP_ARGS='--extra-index-url ADDRESS' names another index."; }
WANTS_CPU_TORCH := $(strip $(if $(KIND)$(PIP_ARGS)$(filter-out Linux-%,$(SYSTEM)),,\
    $(findstring torch,$(or $(CHOSEN),$(ALL)))))

$(FULL): $(PINS)
	$(call environment,$(VENV))
	$(if $(WANTS_CPU_TORCH),$(torch_for_cpu))
	$(call pip,$(VENV)) $(PINS:%=-r %)
	cp requirements.txt $@

JAX_FOR_CUDA := $(if $(KIND),$(if $(filter %jax,$(CHOSEN)), jax-cuda))
# pip reads the groups of pyproject.toml from its version 25.1 on.
$(SOME): $(PINS) pyproject.toml
	$(call environment,$(VENV))
	$(if $(WANTS_CPU_TORCH),$(torch_for_cpu))
	$(call pip,$(VENV)) 'pip>=25.1'
	$(call pip,$(VENV)) $(PINS:%=-c %) $(addprefix --group ,core $(CHOSEN)$(JAX_FOR_CUDA))
	cp requirements.txt $@

$(TENSORFLOW)/installed.txt: requirements-tensorflow-cuda.txt
	$(call environment,$(TENSORFLOW))
	$(call pip,$(TENSORFLOW)) -r $<
	cp $< $@

run: install
	$(BIN)/python run_all.py --preset quick \
	    $(if $(CHOSEN),--framework $(subst $(space),$(comma),$(CHOSEN))) $(ARGS)

gpu-day: install
	$(BIN)/python -m bench gpu-day $(ARGS)

# The kernels that every x86-64 processor has, and one thread; others pay the kernels no heed. They
# round otherwise than this processor's own, and no test may depend on that.
OLDER_PROCESSOR := OPENBLAS_CORETYPE=Prescott ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default \
    OMP_NUM_THREADS=1

# A third process computes while two wait for what they have started.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile

test: $(FULL)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST) -m "not thorough"
	$(OLDER_PROCESSOR) $(BIN)/python -m pytest -n 2 -m kernel

test-thorough: $(FULL)
	$(PYTEST) -m thorough

# All groups of pyproject.toml but 'optional' and those for CUDA, and what these include.
LOCKED := core $(ALL) study graphs onnx dev
UPGRADE ?=
COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --no-header \
    $(UPGRADE:%=--upgrade-package '%') --annotation-style line
LINUX := x86_64-unknown-linux-gnu
OF_CUDA := ^(triton|cuda-|jax-cuda|nvidia-(cu|nc|nv))

# A pin stays as it is unless UPGRADE names its package. requirements.txt leaves out what PyTorch's
# CUDA build needs: listed there, it would be forced on the CPU build too. requirements-cuda.txt has
# that, and what JAX needs; no index is named in any of the files.
lock: $(FULL)
	cp requirements.txt $(VENV)/lock.txt
	$(COMPILE) --universal $(LOCKED:%=--group %) --output-file $(VENV)/lock.txt
	{ grep '^#' requirements.txt; grep -vE '$(OF_CUDA)' $(VENV)/lock.txt; } > $(VENV)/new.txt
	mv $(VENV)/new.txt requirements.txt
	grep -v '^-' requirements-cuda.txt > $(VENV)/lock.txt
	$(COMPILE) --python-platform $(LINUX) --group jax-cuda requirements.txt \
	    --output-file $(VENV)/lock.txt
	{ grep -E '^(#|-)' requirements-cuda.txt; \
	    echo 'torch==$(TORCH),!=$(TORCH)+cpu  # not the build for the CPU'; \
	    grep -E '$(OF_CUDA)' $(VENV)/lock.txt; } > $(VENV)/new.txt
	mv $(VENV)/new.txt requirements-cuda.txt
	grep -v '^-' requirements-tensorflow-cuda.txt > $(VENV)/lock.txt
	sed -n 's/^tensorflow-cpu==\([^ ]*\).*/tensorflow[and-cuda]==\1/p' requirements.txt | \
	$(COMPILE) --python-platform $(LINUX) --constraints requirements.txt --group core \
	    --group keras --group test - --output-file $(VENV)/lock.txt
	{ grep -E '^(#|-)' requirements-tensorflow-cuda.txt; grep -v '^#' $(VENV)/lock.txt; } > $(VENV)/new.txt
	mv $(VENV)/new.txt requirements-tensorflow-cuda.txt
	$(MAKE) resolve

PLATFORMS := $(LINUX) aarch64-apple-darwin x86_64-pc-windows-msvc
RESOLVE = MACOSX_DEPLOYMENT_TARGET=14.0 $(BIN)/uv pip compile --quiet --only-binary :all:
FILES := requirements-optional.txt 'requirements.txt requirements-cuda.txt' requirements-tensorflow-cuda.txt

# Asks the package index whether every pin has a wheel everywhere; installs nothing.
# PyTorch's wheels for macOS begin with macOS 14.
resolve:
	@for version in 3.11 3.12 3.13; do \
	    for platform in $(PLATFORMS); do \
	        $(RESOLVE) --python-version $$version --python-platform $$platform requirements.txt \
	            > /dev/null || exit 1; \
	        echo "the pins resolve for Python $$version on $$platform"; \
	    done; \
	    for files in $(FILES); do \
	        $(RESOLVE) --python-version $$version --python-platform $(LINUX) $$files \
	            > /dev/null || exit 1; \
	        echo "$$files resolves for Python $$version on $(LINUX)"; \
	    done; \
	done
