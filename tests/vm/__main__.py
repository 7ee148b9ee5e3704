"""What takes a machine: the tests of one machine's life, and those that want a whole kernel.

    python3 -m tests.vm              both
    python3 -m tests.vm COMMAND...   a command instead

The second, or the command, run in the tree's root folder, as root, in a machine of which nothing
is left afterwards.  The exit status is the command's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.vm.cargo import pack
from tests.vm.image import CACHE, Image, image
from tests.vm.machine import Machine, MachineError

WITHIN_SECONDS = 900.0
CONSOLE_LINES = 40
FAILED = 125
"""Of the machine, not of the command."""
LIFE = (sys.executable, "-m", "pytest", "--quiet", "--exitfirst", "tests/vm/life")
WITH_THE_KERNELS_ENGINE = (
    "test_rdomains.py::test_a_file_with_everything_is_made_so[kernel]",
    "test_rdomains.py::test_what_leaves_the_file_goes[kernel]",
    "test_rdomains.py::test_an_edited_rdomain_moves_the_interface_and_our_engine_keeps_its_session[kernel]",
)
"""Of the tests in tests/netns, what there is time for in a machine that is emulated."""
TESTS = (
    "python3 -m pytest -q --color=no -p no:cacheprovider"
    " tests/datapath/test_python.py tests/vm/inside"
    " tests/backends/test_contract.py tests/backends/test_kernel.py "
    + " ".join(f"tests/netns/{test}" for test in WITH_THE_KERNELS_ENGINE)
)
RUN = """
mkdir tree && tar -xf /dev/vdb && cd tree || exit
for program in netstart-wg netstart-wgd; do
    module=netstart_wg.cli.$(echo "$program" | tr - _)
    printf '#!/bin/sh\\nPYTHONPATH=%s exec python3 -P -m %s "$@"\\n' "$PWD" "$module" \\
        >/usr/local/bin/$program
    chmod 755 /usr/local/bin/$program
done
modprobe --all wireguard tun vrf dummy veth
export PYTHONDONTWRITEBYTECODE=1 CI=true
"""


def main(words: list[str]) -> int:
    begun = time.monotonic()
    try:
        booted = image()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"tests.vm: {error.cmd[3]} failed: see {CACHE}/*.draft/build.log\n")
        return 1
    sys.stderr.write(f"tests.vm: image {time.monotonic() - begun:.0f} s\n")
    if words:
        return run_once(booted, " ".join(words))
    life = subprocess.run(LIFE, check=False).returncode
    sys.stderr.write(f"tests.vm: after one life {time.monotonic() - begun:.0f} s\n")
    inside = run_once(booted, TESTS)
    sys.stderr.write(f"tests.vm: all in {time.monotonic() - begun:.0f} s\n")
    return life or inside


def run_once(booted: Image, command: str) -> int:
    """Run a command in a machine made for it; show what it prints as it comes."""
    with TemporaryDirectory(prefix="netstart-wg-vm.") as name:
        folder = Path(name)
        machine = Machine(booted, folder, pack(folder / "cargo.tar"), keep=False)
        try:
            machine.boot()
            return machine.attempt(RUN + command, within=WITHIN_SECONDS, told=show).status
        except MachineError as error:
            lines = machine.console().splitlines()[-CONSOLE_LINES:]
            sys.stderr.write("\n".join((*lines, f"virtual machine: {error}\n")))
            return FAILED
        finally:
            machine.cut_power()


def show(octets: bytes) -> None:
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
