# The two commands are `make run` and `make test`; both set everything up first.
# ARGS goes to `odzew up`, PYTEST_ARGS to pytest: make run ARGS="--port 9000"
bin := .venv/bin

# Where this is set (container images like it), every start would compile thousands of modules anew: 20 s instead of 3.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run setup setup-test test test-slow lint lock vectors clean help

run: setup
	@$(bin)/odzew up $(ARGS)

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

test: setup-test lint
	@$(bin)/pytest $(PYTEST_ARGS)

test-slow: setup-test
	@$(bin)/pytest -m slow $(PYTEST_ARGS)

lint: setup-test
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy
	@$(bin)/lint-imports

lock: setup
	@scripts/lock.sh

# After a change of the demo's articles: embeds what is new, writes knowledge/demo/vectors.npz and language_means.npz.
vectors: setup
	@$(bin)/odzew demo
	@$(bin)/python -m knowledge.shipped_vectors
	@$(bin)/python -m knowledge.language_means

clean:
	rm -rf .venv .setup bot/rasa/.venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

help:
	@echo "make run | test | test-slow | lint | setup | lock | clean"
