"""A run that ends at any of its steps: the next one goes on, or everything is as it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netstart_wg.errors import ExitStatus
from tests.netns.engines import new_key_pair, new_preshared_key
from tests.netns.hosts import Host, hosts

ROOT = Path(__file__).parents[2]
KILLED = -9
STEPS = 15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run that was made to end."""

    step: int
    status: int
    said: str
    is_as_it_was: bool
    again: int
    said_then: str
    left: int
    ran: list[str]


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosts(tmp_path_factory.mktemp("hosts")) as new_host:
        yield new_host("solo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Have two files, far apart, with a peer that both have."""
    key, stays, goes, comes = (new_key_pair() for _ in range(4))
    log = tmp_path / "log"
    before = f"""\
        wgkey {key.private} wgport 51820
        wgpeer {stays.public} wgaip 10.0.0.2/32 wgpsk {new_preshared_key()}
        wgpeer {goes.public} wgaip 10.0.1.0/24 wgpka 25 wgendpoint 192.0.2.1 51820
        description before
        inet 10.0.0.1/24
        inet alias 10.0.9.1/24
        !route add 10.20.0.0/16 10.0.0.2
        """
    after = f"""\
        rdomain 3
        wgkey {key.private} wgport 51999
        wgpeer {stays.public} wgaip 10.0.0.2/32 wgaip 10.0.1.0/24
        wgpeer {comes.public} wgaip 10.0.4.0/24 wgdescr comes
        description after
        group tunnels
        mtu 1380
        debug
        inet 10.0.0.1/24
        inet alias 10.0.3.1/24
        inet alias 10.0.4.1/24
        inet alias 10.0.6.1/24
        inet alias 10.0.7.1/24
        inet alias 10.0.8.1/24
        inet alias 10.0.10.1/24
        inet alias 10.0.11.1/24
        inet6 fd00::1/64
        inet6 fd01::1/64
        !route -T 3 add 10.21.0.0/16 10.0.0.2
        !route -T 3 add 10.22.0.0/16 10.0.0.2
        !route -T 3 add -inet6 fd22::/48 fd00::2
        !echo first >>{log}
        !echo second >>{log}
        """
    for name, text in (("before", before), ("after", after)):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "hostname.wg0"
        file.touch(mode=0o600)
        file.write_text("".join(f"{line.strip()}\n" for line in text.splitlines()))
    return tmp_path


def outcomes(host: Host, how: str, folder: Path, limit: int = 99) -> list[Outcome]:
    command = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-P", "-m", "tests.netns.faults")
    result = host.attempt(*command, how, str(folder), str(limit), timeout=300)
    assert result.returncode == 0, result.stderr
    return [Outcome(**json.loads(line)) for line in result.stdout.splitlines()]


def without_before(folder: Path) -> Path:
    """Let there be no interface at first."""
    (folder / "before/hostname.wg0").unlink()
    return folder


def assert_every_step(found: list[Outcome]) -> None:
    assert [each.step for each in found] == list(range(len(found)))
    assert len(found) >= STEPS


@pytest.mark.parametrize("is_new", [False, True], ids=["changed", "created"])
def test_killed_at_any_step_the_next_run_converges(host: Host, folder: Path, is_new: bool) -> None:
    found = outcomes(host, "killed", without_before(folder) if is_new else folder)
    assert_every_step(found)
    for outcome in found:
        assert outcome.status == KILLED, outcome
        assert (outcome.again, outcome.left) == (0, 0), outcome
        assert outcome.ran == ["first", "second"], outcome


def test_refused_at_any_step_everything_is_as_it_was(host: Host, folder: Path) -> None:
    found = outcomes(host, "refused", folder)
    for outcome in found:
        if "warning: try:" in outcome.said:
            # a tunnel without a route is better than none: told, and tried again
            assert outcome.status == ExitStatus.WARNINGS, outcome
        else:
            assert (outcome.status, outcome.is_as_it_was) == (ExitStatus.FAILED, True), outcome
        assert (outcome.again, outcome.left) == (0, 0), outcome
    assert_every_step(found)


def test_refused_when_it_is_made_an_interface_is_not_left_behind(host: Host, folder: Path) -> None:
    for outcome in outcomes(host, "refused", without_before(folder), limit=2):
        assert (outcome.status, outcome.is_as_it_was) == (ExitStatus.FAILED, True), outcome
