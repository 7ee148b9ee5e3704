"""OpenBSD's commands in a host: the scripts of contrib/openbsd in front of PATH."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.netns.engines import SCRIPTS
from tests.netns.hosts import Host

SHIMS = Path(__file__).parent.parent.parent / "contrib" / "openbsd"
PATH = f"{SHIMS}:{SCRIPTS}:{os.environ['PATH']}"


def attempt(host: Host, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to the end, however that is."""
    return host.attempt(*command, environment={"PATH": PATH})


def ifconfig(host: Host, *words: str) -> str:
    """Run ifconfig, which must have nothing to complain of, and return what it shows."""
    result = attempt(host, "ifconfig", *words)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def refused(host: Host, *words: str) -> str:
    """Run ifconfig, which must end as OpenBSD's does after an error, and return what it says."""
    result = attempt(host, "ifconfig", *words)
    assert (result.returncode, result.stdout) == (1, ""), result
    return result.stderr


def public_key(host: Host, interface: str) -> str:
    """Read the line that a script would cut it from."""
    lines = ifconfig(host, interface).splitlines()
    (key,) = [line.split()[1] for line in lines if line.startswith("\twgpubkey ")]
    return key


def ping(host: Host, rdomain: int, address: str, *, wait_seconds: float = 1.0) -> bool:
    """Send one echo request in an rdomain and tell whether it was answered in time."""
    command = ("ping", "-n", "-c", "1", "-W", str(wait_seconds), address)
    return attempt(host, "route", "-T", str(rdomain), "exec", *command).returncode == 0
