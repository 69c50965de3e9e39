# Every command installs what it misses of the Debian packages in scripts/packages, then works.
# The steps themselves are in scripts/; each can be run alone.

.DEFAULT_GOAL := help
.PHONY: help run build install uninstall deb dpdk-dropin test bench fuzz lint format deps clean

PREFIX ?= /usr/local
ABI ?= 23

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Build dmascope and serve two busy software devices; Ctrl-C ends it
	@scripts/run

build: ## Build everything, tests included, with warnings as errors
	@scripts/install-packages toolchain build
	@swift build --build-tests --explicit-target-dependency-import-check error

install: ## Install program, libraries, manual pages, completions, units, below PREFIX=/usr/local and DESTDIR
	@DESTDIR="$(DESTDIR)" scripts/install "$(PREFIX)"

uninstall: ## Remove exactly what make install has installed there
	@DESTDIR="$(DESTDIR)" scripts/uninstall "$(PREFIX)"

deb: ## Build the Debian packages dmascope, libdmadev1 and libdmadev-dev in .build-deb
	@scripts/deb

dpdk-dropin: ## Build librte_dmadev.so.23, or .27 with ABI=27: the C library for DPDK applications
	@scripts/dpdk-dropin --abi "$(ABI)"

test: ## Check the sources, then run every test
	@scripts/test

bench: ## Measure dmascope and its peers and check the budgets; options in ARGS="--quick"
	@scripts/bench $(ARGS)

fuzz: ## Fuzz what takes input from outside, under AddressSanitizer; options in ARGS="--seconds 3600 ring"
	@scripts/fuzz $(ARGS)

lint: ## Check format, shell scripts and the rules of the source tree
	@scripts/install-packages toolchain test
	@scripts/lint

format: ## Rewrite the Swift sources in the house format
	@swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

deps: ## Install every Debian package that building and testing need, and fetch the peers
	@scripts/install-packages toolchain build install deb test
	@scripts/fetch-packages dpdk
	@scripts/fetch-packages prometheus
	@scripts/fetch-packages guest
	@scripts/fetch-packages nginx
	@scripts/fetch-dpdk-tests
	@scripts/fetch-dpdk-exporter

clean: ## Remove what was built; the fetched peers stay
	@rm -rf .build .build-* Benchmarks/.build
