from __future__ import annotations

import pty
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from netstart_wg.model.connection import Connection
from netstart_wg.system.ssh import parse_connection

PROGRAM = "from netstart_wg.system.ssh import ssh_connection; print(ssh_connection())"
SAID = "10.0.0.2 51000 10.0.0.1 22"
FOUND = Connection(client=ip_address("10.0.0.2"), server=ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    ("text", "client", "server"),
    [
        (SAID, "10.0.0.2", "10.0.0.1"),
        ("fe80::2%wg0 51000 fe80::1%wg0 22", "fe80::2", "fe80::1"),
        ("::ffff:10.0.0.2 51000 ::ffff:10.0.0.1 22", "10.0.0.2", "10.0.0.1"),
    ],
)
def test_what_sshd_says_is_read(text: str, client: str, server: str) -> None:
    assert parse_connection(text) == Connection(
        client=ip_address(client), server=ip_address(server)
    )


@pytest.mark.parametrize("text", ["", "UNKNOWN 65535 UNKNOWN 65535", "10.0.0.2 22", "a b c d e"])
def test_what_sshd_would_not_say_is_none(text: str) -> None:
    assert parse_connection(text) is None


def look(*around: str, said: str | None, terminal: int | None = None) -> str:
    """Ask in a process of its own, with or without the variable and a terminal."""
    root = Path(__file__).parent.parent.parent
    environment = {"PYTHONPATH": str(root)} | ({} if said is None else {"SSH_CONNECTION": said})
    return subprocess.run(
        [*around, sys.executable, "-c", PROGRAM],
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        capture_output=True,
        env=environment,
        text=True,
        check=True,
    ).stdout.strip()


def test_it_takes_a_terminal_or_an_sshd_above_us(tmp_path: Path) -> None:
    _terminal, other_end = pty.openpty()
    assert look(said=SAID, terminal=other_end) == repr(FOUND)
    assert look(said=SAID) == "None", "as in a service that somebody has started by hand"
    assert look(said=None, terminal=other_end) == "None"
    shell = tmp_path / "sshd-session"
    shell.write_text('#!/bin/sh\n"$@"\nexit 0\n')
    shell.chmod(0o755)
    assert look(str(shell), said=SAID) == repr(FOUND)


def test_what_sudo_takes_from_us_our_ancestors_still_have() -> None:
    _terminal, other_end = pty.openpty()
    script = 'env -u SSH_CONNECTION "$@"; exit 0'
    assert look("/bin/sh", "-c", script, "sh", said=SAID, terminal=other_end) == repr(FOUND)
