"""`strict-commands`: a `!` command that fails is a failure, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus
from tests.app.machine_in_memory import Lines, MachineInMemory

PLACES = {
    "first": "!false\ninet 10.0.0.1/24\n!true\n",
    "in the middle": "!true\ninet 10.0.0.1/24\n!false\nmtu 1300\n",
    "last": "inet 10.0.0.1/24\n!true\n!false\n",
}
parametrize = pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)


@pytest.fixture
def here(here: MachineInMemory, folder: Path) -> MachineInMemory:
    here.system.failing_commands.add("false")
    (folder / "netstart-wg.toml").write_text("[interface.wg0]\nstrict-commands = true\n")
    return here


def run(here: MachineInMemory, folder: Path, text: str, interface: str = "wg0") -> Lines:
    """Run with a file; say what was said, with the exit status as the last warning."""
    path = folder / f"hostname.{interface}"
    path.write_text(text)
    path.chmod(0o600)
    lines = Lines()
    lines.warn(netstart(folder, [interface], Options(), here.machine, lines).name)
    return lines


@parametrize
def test_a_new_interface_goes_again(text: str, here: MachineInMemory, folder: Path) -> None:
    lines = run(here, folder, text)
    assert lines.warnings[-1] == ExitStatus.FAILED.name
    failure = "wg0: strict-commands: command failed: exit status 1: !false"
    assert f"{failure} (the interface is removed again)" in lines.warnings
    assert here.system.links().observe("wg0") is None
    assert here.engines.state("wg0") is None
    assert here.system.records == {}
    assert lines.summaries == []


@parametrize
def test_one_that_was_there_is_again_as_it_was(
    text: str, here: MachineInMemory, folder: Path
) -> None:
    assert run(here, folder, "inet 10.9.0.1/24\n").warnings == [ExitStatus.OK.name]
    before, record = here.system.links().observe("wg0"), here.system.records["wg0"]
    lines = run(here, folder, text)
    assert lines.warnings[-1] == ExitStatus.FAILED.name
    assert here.system.links().observe("wg0") == before
    assert here.system.records["wg0"] == record


def test_the_next_run_tries_again(here: MachineInMemory, folder: Path) -> None:
    for _ in range(2):
        assert run(here, folder, PLACES["last"]).warnings[-1] == ExitStatus.FAILED.name
    here.system.failing_commands.clear()
    assert run(here, folder, PLACES["last"]).warnings == [ExitStatus.OK.name]
    assert run(here, folder, PLACES["last"]).steps == []


def test_no_command_follows_the_one_that_failed(here: MachineInMemory, folder: Path) -> None:
    run(here, folder, "!false\n!true\n")
    assert "run true" not in here.journal.writes


def test_elsewhere_a_failure_is_only_told(here: MachineInMemory, folder: Path) -> None:
    lines = run(here, folder, PLACES["in the middle"], "wg1")
    assert lines.warnings == [
        "wg1: warning: command failed: exit status 1: !false",
        ExitStatus.WARNINGS.name,
    ]
    assert here.system.links().observe("wg1") is not None
