# make demo    two hosts, a tunnel between them, and netstart-wg in each
# make check   everything that must hold
# make check-boot   a virtual machine in which the package is installed, that boots and dies
# make check-vm   that, and what wants a kernel of its own, in another one:
#                 VM='COMMAND' runs that command in it instead
# Both set up what they need first; contrib/setup and contrib/peers say what that is.

PYTHON = python3
SYSTEM_PYTHON = /usr/bin/python3
PREFIX = /usr/local
DESTDIR =
VENV = .venv
READY = $(VENV)/ready

# Debian keeps ip, tcpdump and others where an ordinary user's PATH does not reach.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: demo check check-boot check-vm bench bench-language bench-runs install uninstall deb setup clean demo-tools check-tools vm-tools peers

demo: demo-tools $(READY)
	@contrib/demo/demo.sh

check: check-tools peers $(READY)
	$(VENV)/bin/ruff format --quiet --check .
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/mypy --no-error-summary
	mandoc -T lint -W warning man/*.[1-9]
	$(VENV)/bin/python -m tests

check-boot: vm-tools $(READY)
	$(VENV)/bin/python -m pytest --quiet --exitfirst tests/vm/life

check-vm: vm-tools $(READY)
	$(VENV)/bin/python -m tests.vm $(VM)

bench: check-tools peers $(READY)
	$(VENV)/bin/python -m contrib.bench.engines $(BENCH)

bench-language: check-tools $(READY)
	$(VENV)/bin/python -m contrib.bench.language $(BENCH)

bench-runs: check-tools peers $(READY)
	$(VENV)/bin/python -m contrib.bench.runs $(BENCH)

install:
	@contrib/install '$(DESTDIR)' '$(PREFIX)' "$$(command -v '$(SYSTEM_PYTHON)')"

uninstall:
	@contrib/uninstall '$(DESTDIR)' '$(PREFIX)'

deb:
	@contrib/deb

setup: check-tools peers $(READY)

demo-tools:
	@PYTHON='$(PYTHON)' contrib/setup demo

check-tools:
	@PYTHON='$(PYTHON)' contrib/setup check

vm-tools:
	@PYTHON='$(PYTHON)' contrib/setup vm

peers:
	@contrib/peers

$(READY): pyproject.toml | demo-tools
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .peers build dist ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
