# make demo   install, then one shot from plate to delivery          make test   everything that must hold before a change lands
# make check  ruff, mypy, layers      make fmt   format the code      make bench  speed beside a peer in the same run
# make slurm  Debian's Slurm, for the tests that start one (root)
# make kitsu  Kitsu's server in .kitsu/, for the tests that start one (root; 600 MB)
# make rez    a rez package under REZ_PACKAGES/                       make clean  remove what make made
#
# pip's own settings (PIP_INDEX_URL, PIP_FIND_LINKS, pip.conf) choose mirrors and torch builds.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(if $(shell $(name) --version 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
WORKERS ?= 2
REZ_PACKAGES ?= rez_packages
BENCHMARKS ?= convert render
TORCH := torch==2.13.0
MEDIAPIPE := mediapipe==0.10.21
ZOU := zou==1.0.97

# Threads that spin while they wait cost more than they bring.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: install demo test check fmt bench slurm kitsu rez clean

install: $(STAMP)

$(STAMP): setup.cfg pyproject.toml Makefile
	@echo "installing into $(VENV) (several minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --no-compile "$(TORCH)"
	@$(PIP) install --quiet --no-compile --editable ".[tracking,review,dailies,kitsu,shotgrid,credentials,pkcs11,farm,dev]"
	@# its requirements ask for numpy<2 and a second OpenCV; the face mesh runs without them
	@$(PIP) install --quiet --no-compile --no-deps "$(MEDIAPIPE)"
	@touch $@

demo: install
	@$(BIN)/vfx-deepfake demo demo_shot

# Tests start many processes; without bytecode each spends more time on compiling torch's modules than on its work.
test check: export PYTHONDONTWRITEBYTECODE :=

test: export OMP_NUM_THREADS := 1
test: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

check: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

fmt: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	@$(BIN)/python -m benchmarks $(BENCHMARKS)

slurm:
	apt-get install -y --no-install-recommends slurmctld slurmd slurm-client

# AGPL: a server in processes of its own, never imported
kitsu:
	apt-get install -y --no-install-recommends ffmpeg postgresql redis-server
	test -x .kitsu/bin/python || $(PYTHON) -m venv .kitsu
	.kitsu/bin/python -m pip --disable-pip-version-check install --quiet --no-compile "$(ZOU)"

rez: install
	rm -rf build/rez && mkdir -p build/rez
	cp -R vfx_deepfake ocio_configs shot_templates nuke_plugin setup.cfg build/rez/
	cp rez_package.py build/rez/package.py
	cd build/rez && $(CURDIR)/$(BIN)/rez-build --install --prefix $(abspath $(REZ_PACKAGES))

clean:
	rm -rf $(VENV) .kitsu build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache rez_packages demo_shot
