"""What is loaded of pyroute2, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


BEGINNING = """
import sys
from netstart_wg.system.netlink_library import load_parts_only
load_parts_only()
"""


def test_rtnetlink_comes_without_what_else_the_library_speaks() -> None:
    program = BEGINNING + (
        "from pyroute2.iproute import IPRoute\n"
        "print({'pyroute2.ndb', 'pyroute2.ethtool', 'pyroute2.ipdb'} & set(sys.modules))"
    )
    assert run(program) == "set()"


@pytest.mark.parametrize("module", ["config", "netns", "protocols"])
def test_a_module_can_be_taken_from_the_package(module: str) -> None:
    program = BEGINNING + (
        f"from pyroute2 import {module}\n"
        f"print({module}.__name__, 'pyroute2.ndb' in sys.modules)"
    )  # fmt: skip
    assert run(program) == f"pyroute2.{module} False"


def test_whoever_wants_another_name_of_the_package_gets_all_of_it() -> None:
    program = BEGINNING + (
        "from pyroute2.iproute import IPRoute as part\n"
        "from pyroute2 import IPRoute, NDB\n"
        "import pyroute2\n"
        "print(part is IPRoute is pyroute2.IPRoute, NDB.__name__, hasattr(pyroute2, 'nothing'))"
    )
    assert run(program) == "True NDB False"


def test_a_library_that_is_loaded_already_stays_as_it_is() -> None:
    program = "import pyroute2\nbefore = vars(pyroute2).copy()\n" + BEGINNING
    assert run(program + "print(vars(pyroute2) == before)") == "True"


def test_without_the_library_its_import_fails_as_ever() -> None:
    program = "import sys\nsys.path = [p for p in sys.path if 'site-packages' not in p]\n"
    program += f"sys.path.insert(0, {sys.path[0]!r})\n" + BEGINNING
    program += "try: import pyroute2.iproute\nexcept ModuleNotFoundError as e: print(e.name)"
    assert run(program) in ("pyroute2", "pyroute2.iproute")
