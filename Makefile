SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test test-sam check bench build deploy

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Run the whole stack on this machine; ARGS="--port 4000" and so on
	@if command -v npm >/dev/null; then npm --prefix client ci --silent --no-fund --no-audit && npm --prefix client run --silent build; \
	else echo "left out: the demo page, because Node is not installed"; fi
	@cargo run -p local -- $(ARGS)

test: ## Check and test everything this machine can run
	scripts/timed "formatting and lints" $(MAKE) --no-print-directory check
	@# Built before the tests that run them, so that no compiler competes with what they wait for.
	scripts/timed "build for tests" cargo build --workspace --all-targets
	@if command -v valgrind >/dev/null; then scripts/timed "build for budgets" cargo build --release --package validate-session --package refresh; \
	else echo "left out: the instruction budgets, because valgrind is not installed"; fi
	scripts/timed "Rust tests" cargo test --workspace
	@scripts/timed "client install" scripts/optional npm "install Node 20 or later" npm --prefix client ci --silent --no-fund --no-audit
	@scripts/timed "client tests" scripts/optional npm "install Node 20 or later" npm --prefix client test
	@if command -v npm >/dev/null; then scripts/timed "client in a browser" scripts/optional chromium "apt-get install chromium" npm --prefix client run test:browser; fi
	@scripts/timed "dependencies" scripts/optional cargo-deny "cargo install cargo-deny" cargo deny check bans licenses sources
	@scripts/timed "template" scripts/optional sam "pip install aws-sam-cli cfn-lint; the tests of the translated template need it too" sam validate --lint --region us-east-1
	@scripts/timed "template of python-api" scripts/optional sam "pip install aws-sam-cli cfn-lint" sam validate --lint --region us-east-1 --template examples/python-api/template.yaml
	@scripts/timed "verify-node install" scripts/optional npm "install Node 20 or later" npm --prefix examples/verify-node ci --silent --no-fund --no-audit
	@scripts/timed "verify-node" scripts/optional npm "install Node 20 or later" scripts/optional openssl "apt-get install openssl" scripts/with-stacks npm --prefix examples/verify-node test --silent
	@scripts/timed "examples in Python" scripts/optional python3 "install Python 3.11 or later" scripts/optional openssl "apt-get install openssl" scripts/test-python-examples
	@scripts/timed "functions in containers" scripts/optional sam "pip install aws-sam-cli cargo-lambda ziglang" scripts/test-sam --optional

test-sam: ## Build the functions, run them in containers with every event, and hold a conversation that loses them all
	@scripts/test-sam

check: ## Formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

bench: ## Measure speed, cost and scale, and write docs/performance.md and docs/scale.md; ARGS="--rounds 5" for fewer rounds
	@scripts/bench $(ARGS)

build: ## Build every function as it is deployed; ARCH=arm64 for the other processor
	@scripts/build-functions $(or $(ARCH),x86_64)

deploy: ## Build for arm64 and deploy a stage of samconfig.toml; STAGE=prod for another than dev
	@scripts/build-functions arm64
	sam deploy --config-env $(or $(STAGE),dev)
