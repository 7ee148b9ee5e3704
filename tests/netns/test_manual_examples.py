"""The sessions that the manuals show, in hosts: each command does and says what is shown."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest

from tests.mdoc import Command, displays, manual, section, session
from tests.netns.engines import SCRIPTS, new_key_pair
from tests.netns.hosts import Host, HostMaker
from tests.netns.waiting import eventually

ABBREVIATED_KEY = re.compile(r"\b[A-Za-z0-9+/]{12}\.\.\.")

ETC_OF_ITS_OWN = """
set -e
mount -t tmpfs -o mode=755 tmpfs /mnt
cp -p /etc/ld.so.cache /etc/passwd /etc/group /mnt
echo 'hosts: files' > /mnt/nsswitch.conf
echo '203.0.113.10 vpn.example.net' > /mnt/hosts
mount --move /mnt /etc
"""


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("manual")


def examples(name: str) -> list[Command]:
    """Return the commands of a manual's examples, in order."""
    shown = displays(section(manual(name), "EXAMPLES"))
    return [command for display in shown for command in session(display)]


def run(host: Host, text: str) -> tuple[int, str]:
    """Type a line into a shell in /etc; return its exit status and what it said."""
    path = f"{SCRIPTS}:{os.environ['PATH']}"
    done = host.attempt("sh", "-c", f"cd /etc; {text}", environment={"PATH": path})
    assert done.stderr == ""
    return done.returncode, done.stdout


def assert_no_interface(host: Host) -> None:
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    eventually(partial(host.processes, "netstart-wgd"), lambda found: not found)


def test_the_example_of_netstart_wgd_works_as_shown(host: Host) -> None:
    *commands, end = examples("netstart-wgd.8")
    for command in commands:
        assert run(host, command.text) == (0, command.output)
    assert commands[-1] == Command("wg show wg0 listen-port", "51820\n")
    assert host.has_interface("wg0")
    assert run(host, end.text) == (0, "")
    assert_no_interface(host)


class Keys:
    """Whole keys in place of those that a manual abbreviates, and back."""

    def __init__(self) -> None:
        self._whole: dict[str, str] = {}

    def complete(self, text: str) -> str:
        return ABBREVIATED_KEY.sub(lambda match: self._key(match[0]), text)

    def abbreviate(self, text: str) -> str:
        for short, whole in self._whole.items():
            text = text.replace(whole, short)
        return text

    def _key(self, short: str) -> str:
        return self._whole.setdefault(short, new_key_pair().public)


def test_the_examples_of_netstart_wg_work_as_shown(host: Host) -> None:
    host.run("sh", "-c", ETC_OF_ITS_OWN)
    keys = Keys()
    file, text = Path(), ""
    for command in examples("netstart-wg.8"):
        expected_status = 0
        if command.text.startswith("cat "):
            file, text = Path(command.text.removeprefix("cat ")), keys.complete(command.output)
            write(host, file, text)
        elif " -n " in command.text:
            text = re.sub(r"^wgpeer .* wgdescr laptop .*\n", "", text, flags=re.M) + "mtu 1380\n"
            write(host, file, text)
            expected_status = 2
        status, said = run(host, command.text)
        assert status == expected_status, command
        if command.output:
            assert keys.abbreviate(said) == command.output
    assert file == Path("/etc/hostname.wg0")
    assert_no_interface(host)


def write(host: Host, file: Path, text: str) -> None:
    host.run("sh", "-c", f"umask 077; cat > {file}", text=text)
