# Two commands are enough: `make run` and `make test`.
.PHONY: run test bench sim console fmt lint clean

run: ## Set up what is missing, build, and start the demonstration desk.
	@scripts/setup.sh run
	@scripts/console.sh optional
	@cargo run --release --locked -- serve

test: ## Set up what is missing and run every test; ends with one summary line.
	@scripts/test.sh

bench: ## The published figures, on this machine.
	@scripts/bench.sh

sim: ## The core under faults: SEED=first seed, STEPS=of each run, RUNS=how many seeds.
	@cargo run --quiet --locked -p siaga-sim -- --seed $(or $(SEED),1) --steps $(or $(STEPS),20000) --runs $(or $(RUNS),1)

console: ## Build the console only.
	@scripts/console.sh

fmt:
	cargo fmt --all

lint:
	cargo clippy --workspace --all-targets -- -D warnings

clean:
	cargo clean
	rm -rf web/dist web/node_modules
