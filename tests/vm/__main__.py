"""Run a command in the virtual machine, by default the tests that want a whole kernel.

    python3 -m tests.vm [COMMAND...]

The exit status is the command's.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.vm.image import CACHE, image
from tests.vm.machine import run_in_machine

WITHIN_SECONDS = 900.0
TESTS = (
    "python3 -m pytest -q --color=no -p no:cacheprovider"
    " tests/datapath/test_python.py tests/vm/inside"
    " tests/backends/test_contract.py tests/backends/test_kernel.py"
)


def main(words: list[str]) -> int:
    begun = time.monotonic()
    try:
        booted = image()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"tests.vm: {error.cmd[3]} failed: see {CACHE}/*.draft/build.log\n")
        return 1
    built = time.monotonic()
    status = run_in_machine(booted, " ".join(words) or TESTS, WITHIN_SECONDS)
    seconds = time.monotonic() - built
    sys.stderr.write(f"tests.vm: image {built - begun:.0f} s, machine {seconds:.0f} s\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
