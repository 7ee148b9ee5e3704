"""contrib/demo, which newcomers run first: as root, and as root of no more than a namespace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "contrib" / "demo" / "demo.sh"

IN_A_USER_NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
"""With one user, as unprivileged users get it."""


@pytest.mark.parametrize("inside", [[], IN_A_USER_NAMESPACE], ids=["root", "user-namespace"])
def test_the_demo_goes_well(inside: list[str]) -> None:
    done = subprocess.run(
        [*inside, str(DEMO)],
        env=os.environ | {"NETSTART_WG_BIN": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("3 received, 0% packet loss") == 4
    assert done.stdout.rstrip().endswith("The demo went well.")
    assert ("--keep-root" in done.stdout) == bool(inside)
