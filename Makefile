# `make` alone lists the commands. Everything here is one or two lines of cmake, ctest or a script,
# which work as well without make.

SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
SEED ?= 42
MINUTES ?= 20

BUILD = cmake --build --preset $(1) --parallel $(JOBS) --target $(2)
CTEST = ctest --preset $(1) --parallel $(JOBS) -L '^($(2))$$'

.PHONY: help setup build check check-all test simulate fuzz bench soak package package-test container-test nightly format tidy clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: ## install what building, running and testing needs (Debian 12)
	@scripts/setup --tests

build/%/build.ninja: CMakePresets.json
	@cmake --preset $* > /dev/null

build: build/release/build.ninja ## build the programs into build/release/bin
	@$(call BUILD,release,services)

check: build/dev/build.ninja ## the everyday loop: unit and contract tests with sanitizers, rooms, format
	@$(call BUILD,dev,unit contract)
	@$(call CTEST,dev,unit|contract|rooms|format)

test: ## every test, from installing to one closing line; what CI runs
	@scripts/test

check-all: test build/tsan/build.ninja ## `make test`, then the unit and contract tests under the thread sanitizer
	@$(call BUILD,tsan,unit contract)
	@$(call CTEST,tsan,unit|contract)

simulate: build/release/build.ninja ## the whole fleet on simulated time, from a seed: make simulate SEED=42
	@$(call BUILD,release,simulation)
	@DROVER_SEED=$(SEED) $(call CTEST,release,simulation) --verbose

fuzz: ## feed the fuzz targets made-up inputs: make fuzz ARGS='--seconds 600 wire journal'
	@scripts/fuzz $(ARGS)

bench: build/release/build.ninja ## measure: every benchmark of bench/, one after the other
	@$(call BUILD,release,bench)
	@for bench in build/release/bench/bench_*; do \
	  [ ! -x "$$bench" ] || { echo "== $${bench##*/}"; "$$bench" || exit 1; }; done

package: ## build/release/package: a Debian package and a tarball
	@scripts/setup --package
	@cmake --preset release > /dev/null
	@$(call BUILD,release,services)
	@cd build/release && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || date +%s) cpack

package-test: ## install that package on a bare Debian, run it, remove it (root; about two minutes)
	@python3 tests/package/test_package.py

container-test: ## build the image, start the fleet of deploy/docker, put it to work (Docker)
	@python3 tests/package/test_containers.py

soak: build/release/build.ninja ## a fleet under steady load, and whether it stays as it is: make soak MINUTES=20
	@$(call BUILD,release,services bench)
	@DROVER_BIN=$(CURDIR)/build/release/bin python3 tests/system/soak.py $(MINUTES)

nightly: check-all ## `make check-all`, a minute under attack, 200 power cuts, 1,000 kills, simulations, fuzzing, mutations, every failing call
	@DROVER_BIN=$(CURDIR)/build/release/bin DROVER_POWER_CUTS=200 python3 tests/system/test_power_cuts.py
	@DROVER_BIN=$(CURDIR)/build/release/bin DROVER_KILLS=1000 python3 tests/system/test_all_killed.py
	@DROVER_ATTACK_SECONDS=60 ctest --preset release -R '^system_under_attack$$' --verbose
	@for round in {1..20}; do \
	  seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); \
	  DROVER_SEED=$$seed $(call CTEST,release,simulation) --quiet || \
	    { echo "make simulate SEED=$$seed fails"; exit 1; }; done
	@scripts/setup --fuzz && scripts/fuzz --seconds 120
	@DROVER_FAULTS_PERCENT=1000 build/release/tests/faults_tests --gtest_filter='Mutations.*'
	@DROVER_FAULTS_FULL=1 DROVER_BIN=$(CURDIR)/build/release/bin python3 tests/system/test_failing_calls.py

format: ## rewrite our C++ as .clang-format wants it
	@scripts/format --fix

tidy: build/dev/build.ninja ## look for likely mistakes with clang-tidy: make tidy FILES='broker/core/*.cpp'
	@scripts/tidy $(FILES)

clean: ## remove what was built
	@rm -rf build
