# Every command installs what it misses of the Debian packages in scripts/packages, then works.
# The steps themselves are in scripts/; each can be run alone.

.DEFAULT_GOAL := help
.PHONY: help run build test bench lint format deps clean

help: ## Say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Build dmascope and serve two software devices at work; Ctrl-C ends it
	@scripts/run

build: ## Build everything, tests included, with warnings as errors
	@scripts/install-packages toolchain build
	@swift build --build-tests --explicit-target-dependency-import-check error

test: ## Check the sources, then run every test
	@scripts/test

bench: ## Measure dmascope beside its peers and judge it by its budgets; options in ARGS="--quick"
	@scripts/bench $(ARGS)

lint: ## Check format, shell scripts and the rules of the source tree
	@scripts/install-packages toolchain test
	@scripts/lint

format: ## Rewrite the Swift sources in the house format
	@swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

deps: ## Install every Debian package that building and testing need, and fetch the DPDK peer
	@scripts/install-packages toolchain build test
	@scripts/fetch-dpdk

clean: ## Remove what was built; the fetched peer stays
	@rm -rf .build .build-* Benchmarks/.build
