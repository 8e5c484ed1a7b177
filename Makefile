# make demo   a Fortran model starts from generated states: table, demo/ensemble.nc and .png
# make test   all tests (ctest and pytest)
# make clean  remove what make made
# Another Python 3.10-3.13: make PYTHON=python3.12 demo. Another torch: make TORCH=torch==2.9.1 demo.
SHELL := /bin/bash -o pipefail
PYTHON ?= $(shell tools/find_python.sh)
TORCH ?= torch==2.13.0
VENV ?= .venv
RANKS ?= 2

bin := $(VENV)/bin
stamps := $(VENV)/stamps
quietly := tools/quietly.sh
export PATH := $(CURDIR)/$(bin):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

package_sources := CMakeLists.txt pyproject.toml README.md LICENSE $(shell find esm_coupler \
  fortran_bridge -type f -not -name '*.pyc' -not -path 'fortran_bridge/host/*')
host_sources := $(wildcard fortran_bridge/host/*)

.PHONY: demo test install clean
.DELETE_ON_ERROR:

demo: demo/ensemble.png
	@echo "up to date: demo/table.txt demo/ensemble.nc demo/ensemble.png"

install: $(stamps)/package

# Three processes for two cores, as many tests wait for MPI or a time limit; one thread in each.
test: $(stamps)/package
	@echo "[1/2] ctest: the reference host in all builds and on 1, 2 and 3 ranks"
	@$(quietly) build/log/ctest_build.log cmake -S tests -B build/ctest \
	  -D Python3_EXECUTABLE=$(CURDIR)/$(bin)/python
	@$(quietly) build/log/ctest_build.log cmake --build build/ctest --parallel 2
	@ctest --test-dir build/ctest --output-on-failure --parallel 2
	@echo "[2/2] pytest, on two cores"
	@OMP_NUM_THREADS=1 $(bin)/pytest -m 'slow or not slow' -n 3 --dist loadfile

build/system_packages:
	@echo "[1/6] compilers, MPI and netCDF of the system"
	@test -n "$(PYTHON)"
	@tools/system_packages.sh "$(PYTHON)"
	@mkdir -p $(@D) && touch $@

$(stamps)/venv: | build/system_packages
	@echo "[2/6] virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(@D) && touch $@

# The build tools too, so that the package can be built again without asking a package index.
$(stamps)/dependencies: $(stamps)/venv tools/cmake_version.cmake
	@echo "[3/6] torch (takes the longest; log: build/log/pip.log)"
	@$(quietly) build/log/pip.log $(bin)/python -m pip install "$(TORCH)" scikit-build-core cffi \
	  $$(cmake -P tools/cmake_version.cmake 2>/dev/null || echo cmake)
	@touch $@

$(stamps)/package: $(stamps)/dependencies $(package_sources)
	@echo "[4/6] esm_coupler with its bridge, and what it needs (log: build/log/package.log)"
	@$(quietly) build/log/package.log $(bin)/python -m pip install --no-build-isolation '.[test]'
	@touch $@

build/host/sea_ice_host: $(stamps)/package $(host_sources)
	@echo "[5/6] the reference host"
	@$(quietly) build/log/host.log cmake -S fortran_bridge/host -B build/host \
	  -D esm_coupler_DIR="$$($(bin)/esm-coupler config --cmake-dir)"
	@$(quietly) build/log/host.log cmake --build build/host --parallel 2
	@touch $@

demo/ensemble.nc: build/host/sea_ice_host namelists/demo.nml
	@echo "[6/6] $(RANKS) ranks run namelists/demo.nml"
	@mkdir -p demo
	@$(bin)/esm-coupler inspect default --grid demo/grid.nc --overwrite \
	  >demo/checkpoint.json
	@tools/mpirun.sh -n $(RANKS) build/host/sea_ice_host namelists/demo.nml | tee demo/table.part
	@mv demo/table.part demo/table.txt

demo/ensemble.png: demo/ensemble.nc
	@$(bin)/esm-coupler plot demo/ensemble.nc --output $@ --overwrite

clean:
	rm -rf build demo esm_coupler.log $(VENV)
