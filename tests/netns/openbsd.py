"""OpenBSD's commands in a host: the scripts of contrib/openbsd in front of PATH."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.netns.engines import SCRIPTS
from tests.netns.hosts import Host

SHIMS = Path(__file__).parent.parent.parent / "contrib" / "openbsd"
PATIENCE_SECONDS = 60.0
PATH = f"{SHIMS}:{SCRIPTS}:{os.environ['PATH']}"

WG4 = """\
#!/bin/sh

# create interfaces; set random private keys
ifconfig wg1 create wgport 7111 wgkey `openssl rand -base64 32` rdomain 1
ifconfig wg2 create wgport 7222 wgkey `openssl rand -base64 32` rdomain 2

# assign addresses
ifconfig wg1 192.168.5.1/24
ifconfig wg2 192.168.5.2/24

# read the public keys
PUB1="`ifconfig wg1 | grep 'wgpubkey' | cut -d ' ' -f 2`"
PUB2="`ifconfig wg2 | grep 'wgpubkey' | cut -d ' ' -f 2`"

# make them peers
ifconfig wg1 wgpeer $PUB2 wgendpoint 127.0.0.1 7222 wgaip 192.168.5.2/32
ifconfig wg2 wgpeer $PUB1 wgendpoint 127.0.0.1 7111 wgaip 192.168.5.1/32
ifconfig wg1
ifconfig wg2
"""
"""The commands of OpenBSD's wg(4), EXAMPLES; only the comments are ours."""


def attempt(host: Host, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to the end, however that is; it may be a script of many."""
    return host.attempt(*command, environment={"PATH": PATH}, timeout=PATIENCE_SECONDS)


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
