"""Taking away what was applied, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.app.stop import stop
from netstart_wg.errors import ExitStatus, NotOursError, PermissionDeniedError, UsageError
from netstart_wg.system.notes import Note
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, run, write

OTHER = HUB.replace("10.0.0.1/24", "10.0.1.1/24").replace("wg0", "wg1").replace("51820", "51821", 1)


@pytest.fixture
def two(here: MachineInMemory, folder: Path) -> MachineInMemory:
    """Two interfaces that run."""
    write(folder, HUB)
    write(folder, OTHER, "wg1")
    assert run(here, folder, Lines()) is ExitStatus.OK
    here.journal.writes.clear()
    return here


def test_everything_that_was_applied_is_taken_away_the_last_first(
    two: MachineInMemory, lines: Lines
) -> None:
    assert stop((), two.machine, lines) is ExitStatus.OK
    assert two.links.states == {}
    assert two.links.routes == {}
    assert two.system.records == {}
    assert two.system.fixpoints == {}
    assert [line.split(":")[0] for line in lines.summaries] == ["wg1", "wg0"]
    assert lines.warnings == []


def test_nothing_is_done_a_second_time(two: MachineInMemory, lines: Lines) -> None:
    stop((), two.machine, Lines())
    two.journal.writes.clear()
    assert stop((), two.machine, lines) is ExitStatus.OK
    assert two.journal.writes == []
    assert (lines.summaries, lines.warnings) == ([], [])


def test_only_what_is_named_is_taken_away(two: MachineInMemory, lines: Lines) -> None:
    assert stop(["wg0"], two.machine, lines) is ExitStatus.OK
    assert set(two.links.states) == {"wg1"}
    assert set(two.system.records) == {"wg1"}


def test_what_a_dead_engine_has_left_is_taken_away(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB + "rdomain 2\n!route -T 0 add 198.51.100.0/24 192.0.2.1\n")
    run(here, folder, Lines())
    assert here.links.routes
    here.engines.crash("wg0")
    assert stop((), here.machine, lines) is ExitStatus.OK
    assert here.links.routes == {}
    assert here.links.rdomains == {0}
    assert here.system.records == {}


def test_an_interface_whose_file_is_gone_is_found(
    two: MachineInMemory, folder: Path, lines: Lines
) -> None:
    (folder / "hostname.wg1").unlink()
    assert stop((), two.machine, lines) is ExitStatus.OK
    assert two.links.states == {}


def test_a_change_that_waits_for_confirmation_does_not_come_back(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    path = write(folder, HUB)
    run(here, folder, Lines())
    path.write_text(HUB.replace("wgpka 25", "wgpka 26"))
    netstart(folder, (), Options(window_ns=1), here.machine, Lines())
    (keeper,) = here.system.keepers.values()
    assert stop((), here.machine, lines) is ExitStatus.OK
    assert not keeper.has_wards
    assert here.links.states == {}
    assert here.system.notes == {}


def test_what_was_held_is_applied_again_after_it(
    two: MachineInMemory, folder: Path, lines: Lines
) -> None:
    two.system.write_note("wg0", Note.HELD, "{}")
    stop((), two.machine, lines)
    assert two.system.notes == {}
    assert run(two, folder, lines) is ExitStatus.OK
    assert set(two.links.states) == {"wg0", "wg1"}


def test_an_interface_that_was_never_ours_is_refused(here: MachineInMemory, lines: Lines) -> None:
    here.links.add("wg5")
    assert stop(["wg5"], here.machine, lines) is NotOursError.exit_status
    assert set(here.links.states) == {"wg5"}
    assert "not ours" in lines.warnings[0]


def test_an_interface_that_has_taken_the_name_of_ours_stays(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    run(here, folder, Lines())
    here.engines.crash("wg0")
    here.links.add("wg0")
    assert stop((), here.machine, lines) is ExitStatus.OK
    assert set(here.links.states) == {"wg0"}
    assert here.system.records == {}


def test_one_that_is_refused_does_not_hold_up_the_others(
    two: MachineInMemory, lines: Lines
) -> None:
    with two.system.lock("wg1"):
        assert stop((), two.machine, lines) is ExitStatus.BUSY
    assert set(two.links.states) == {"wg1"}


def test_it_takes_root_and_names_of_interfaces(here: MachineInMemory, lines: Lines) -> None:
    with pytest.raises(UsageError):
        stop(["nonsense"], here.machine, lines)
    here.system.has_root = False
    with pytest.raises(PermissionDeniedError):
        stop((), here.machine, lines)
