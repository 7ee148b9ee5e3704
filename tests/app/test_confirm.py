"""Changes that wait for a confirmation, on a machine in memory: the test is the clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from netstart_wg.app.confirm import confirm, revert
from netstart_wg.app.ifconfig import change_interface
from netstart_wg.app.keeper import Keeper
from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus, UsageError
from netstart_wg.model.guard import Guard
from netstart_wg.system.notes import Note
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, look, run, write
from tests.app.test_restore import AFTER, assert_restored, picture, prepared

WINDOW_NS = 300_000_000_000
OTHER = HUB.replace("10.0.0.1/24", "10.0.0.9/24").replace("wg0", "wg1").replace("51820", "51821", 1)
EDITED = HUB.replace("wgpka 25", "wgpka 26")


def try_out(
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    *interfaces: str,
    allowed: frozenset[Guard] = frozenset(),
) -> ExitStatus:
    options = Options(window_ns=WINDOW_NS, allowed=allowed)
    return netstart(folder, interfaces, options, here.machine, lines)


def keeper_of(here: MachineInMemory) -> Keeper:
    (keeper,) = here.system.keepers.values()
    return keeper


def let_the_time_pass(here: MachineInMemory) -> None:
    """Let every keeper's time be over, and those go that have nothing to keep any more."""
    for keeper in here.system.keepers.values():
        keeper.expire()
        assert not keeper.has_wards
    here.system.processes.clear()
    here.system.keepers.clear()


@pytest.fixture
def edited(here: MachineInMemory, folder: Path, lines: Lines) -> Path:
    """An interface that runs, and another file for it."""
    path = write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    path.write_text(EDITED)
    here.journal.writes.clear()
    return path


def keepalives(here: MachineInMemory) -> set[int]:
    engine = here.engines.state("wg0")
    assert engine is not None
    return {peer.persistent_keepalive for peer in engine.peers}


def test_what_nobody_confirms_goes_back_whatever_it_was(folder: Path, lines: Lines) -> None:
    here = prepared(folder)
    write(folder, AFTER)
    status = try_out(here, folder, lines, allowed=frozenset(Guard))
    assert status is ExitStatus.OK, lines.warnings
    here.system.notes.pop(("wg0", Note.HELD), None)
    let_the_time_pass(here)
    assert_restored(here, folder)
    assert "wg0: everything is again as it was" in here.system.told_by_keepers.warnings


def test_what_is_confirmed_stays(
    edited: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    assert try_out(here, folder, lines) is ExitStatus.OK
    hint = "wg0: goes back in 5 minutes, unless you confirm: netstart-wg confirm wg0"
    assert lines.said == [hint]
    assert confirm([], here.machine, lines) is ExitStatus.OK
    assert lines.said[1:] == ["wg0: confirmed"]
    let_the_time_pass(here)
    assert keepalives(here) == {0, 26}
    assert here.system.notes == {}
    assert run(here, folder, lines) is ExitStatus.OK


def test_second_thoughts_go_back_at_once(
    edited: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    try_out(here, folder, lines)
    assert revert(["wg0"], here.machine, lines) is ExitStatus.OK
    assert lines.said[1:] == ["wg0: is again as it was"]
    assert keepalives(here) == {0, 25}


def test_an_interface_that_was_made_goes_again(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB + "!route add 10.7.0.0/16 198.51.100.1\n")
    assert try_out(here, folder, lines) is ExitStatus.OK
    assert here.links.routes
    let_the_time_pass(here)
    assert here.links.states == {}
    assert here.links.routes == {}
    assert here.system.records == {}


def test_an_interface_that_was_destroyed_comes_again(
    edited: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    before = picture(here)
    edited.write_text("destroy\n")
    assert try_out(here, folder, lines, allowed=frozenset(Guard)) is ExitStatus.OK
    assert here.links.states == {}
    let_the_time_pass(here)
    assert picture(here)[0].addresses == before[0].addresses
    assert {peer.public_key for peer in picture(here)[1].peers} == {
        peer.public_key for peer in before[1].peers
    }


def test_a_run_without_differences_needs_no_keeper(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    run(here, folder, Lines())
    assert try_out(here, folder, lines) is ExitStatus.OK
    assert here.system.keepers == {}
    assert lines.said == lines.warnings == []


def test_a_run_that_fails_and_is_restored_leaves_nothing_to_confirm(
    edited: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.journal.fault = "configure"
    assert try_out(here, folder, lines) is ExitStatus.FAILED
    assert not keeper_of(here).has_wards
    assert here.system.notes == {}
    assert lines.said == []


def test_a_run_that_is_refused_leaves_nothing_to_confirm(
    edited: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    edited.write_text("inet 10.0.0.1/24\n")
    assert try_out(here, folder, lines) is ExitStatus.FAILED
    assert here.system.notes == {}


def test_an_interrupted_run_goes_back(
    edited: Path,
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    write(folder, HUB, "wg1")
    monkeypatch.setattr(here.engines, "create", interrupt)
    with pytest.raises(KeyboardInterrupt):
        try_out(here, folder, lines)
    assert keepalives(here) == {0, 25}
    assert not keeper_of(here).has_wards


@pytest.mark.usefixtures("edited")
class TestMeanwhile:
    def test_another_change_has_to_wait(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, lines)
        here.system.up_for_ns += 56_500_000_000
        edited.write_text(HUB)
        here.journal.writes.clear()
        assert run(here, folder, lines) is ExitStatus.BUSY
        assert try_out(here, folder, lines) is ExitStatus.BUSY
        (said, again) = lines.warnings
        assert said == again
        waits = "wg0: its last change waits for confirmation, for another 4 minutes 4 seconds"
        assert said.startswith(waits)
        assert here.journal.writes == []

    def test_a_run_without_differences_is_quiet(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, Lines())
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.said == lines.warnings == []

    def test_ifconfig_has_to_wait_too(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, Lines())
        assert change_interface(folder, "wg0", ["down"], here.machine, lines) is ExitStatus.FAILED
        assert "waits for confirmation" in lines.warnings[0]

    def test_other_interfaces_do_not_have_to(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, Lines())
        write(folder, OTHER, "wg1")
        assert run(here, folder, lines) is ExitStatus.OK
        assert "wg1" in here.links.states

    def test_a_keeper_that_was_killed_keeps_nobody_waiting(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, Lines())
        here.system.processes.clear()
        edited.write_text(HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        for _ in range(2):
            assert confirm(["wg0"], here.machine, lines) is ExitStatus.FAILED
        assert lines.warnings == [
            "wg0: its keeper was killed: its change stays",
            "wg0: no change of it waits for confirmation",
        ]

    @pytest.mark.parametrize("names", [["wg0", "wg0"], ["../wg0"], ["wg"]])
    def test_what_is_no_interface_or_comes_twice_is_wrong_usage(
        self, here: MachineInMemory, folder: Path, lines: Lines, names: list[str]
    ) -> None:
        try_out(here, folder, Lines())
        with pytest.raises(UsageError):
            confirm(names, here.machine, lines)
        assert keeper_of(here).has_wards


def test_a_keeper_that_is_gone_when_all_is_done_is_told_of(
    edited: Path,
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(here.system, "ask_keeper", lambda *_: None)
    assert try_out(here, folder, lines) is ExitStatus.WARNINGS
    assert lines.said == []
    assert lines.warnings[0].startswith("wg0: went back already, or was confirmed, or its keeper")


class TestTwo:
    @pytest.fixture(autouse=True)
    def applied(self, edited: Path, here: MachineInMemory, lines: Lines) -> None:
        folder = edited.parent
        write(folder, OTHER, "wg1")
        assert try_out(here, folder, lines) is ExitStatus.OK

    @pytest.mark.parametrize("confirmed", [[], ["wg0", "wg1"]])
    def test_both_can_be_confirmed(self, here: MachineInMemory, confirmed: Sequence[str]) -> None:
        assert confirm(confirmed, here.machine, Lines()) is ExitStatus.OK
        let_the_time_pass(here)
        assert keepalives(here) == {0, 26}
        assert "wg1" in here.links.states

    def test_one_can_be_confirmed_and_the_other_goes_back(self, here: MachineInMemory) -> None:
        assert confirm(["wg1"], here.machine, Lines()) is ExitStatus.OK
        assert here.system.noted_interfaces(Note.PENDING) == ("wg0",)
        let_the_time_pass(here)
        assert keepalives(here) == {0, 25}
        assert "wg1" in here.links.states

    def test_one_that_somebody_is_at_work_on_does_not_keep_the_other(
        self, here: MachineInMemory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here.system.locked.add("wg0")
        destroy = here.engines.destroy

        def destroy_and_let_go(interface: str) -> None:
            destroy(interface)
            here.system.locked.discard("wg0")

        monkeypatch.setattr(here.engines, "destroy", destroy_and_let_go)
        let_the_time_pass(here)
        assert "wg1" not in here.links.states
        assert keepalives(here) == {0, 25}

    def test_one_that_cannot_go_back_does_not_keep_the_other(
        self, here: MachineInMemory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = here.engines.state

        def broken(interface: str, *rest: float) -> object:
            if interface == "wg0":
                raise RuntimeError("a bug")
            return state(interface, *rest)

        monkeypatch.setattr(here.engines, "state", broken)
        let_the_time_pass(here)
        assert "wg1" not in here.links.states
        told = here.system.told_by_keepers.warnings
        assert "wg0: its change could not go back: RuntimeError" in told


@pytest.mark.usefixtures("edited")
class TestTooLate:
    def test_who_comes_too_late_hears_so(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        try_out(here, folder, Lines())
        let_the_time_pass(here)
        for interfaces in ([], ["wg0"]):
            assert confirm(interfaces, here.machine, lines) is ExitStatus.FAILED
        assert lines.warnings == ["wg0: too late: it went back, not confirmed in time"] * 2

    def test_where_nothing_waits_there_is_nothing_to_confirm(
        self, here: MachineInMemory, lines: Lines
    ) -> None:
        assert confirm([], here.machine, lines) is ExitStatus.FAILED
        assert confirm(["wg0"], here.machine, lines) is ExitStatus.FAILED
        assert lines.warnings == [
            "netstart-wg: no change waits for confirmation",
            "wg0: no change of it waits for confirmation",
        ]


def test_a_caller_that_does_not_let_go_is_ended(
    edited: Path, here: MachineInMemory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its terminal may be gone, and it may wait for that for ever, with the lock."""
    ask = here.system.ask_keeper
    monkeypatch.setattr(here.system, "ask_keeper", lambda *_: None)
    try_out(here, folder, Lines())
    monkeypatch.setattr(here.system, "ask_keeper", ask)
    here.system.locked.add("wg0")
    let_the_time_pass(here)
    assert keepalives(here) == {0, 25}


class TestHold:
    @pytest.fixture(autouse=True)
    def reverted(self, edited: Path, here: MachineInMemory) -> None:
        folder = edited.parent
        try_out(here, folder, Lines())
        let_the_time_pass(here)
        here.journal.writes.clear()

    def test_the_next_run_does_not_do_it_again(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        for _ in range(2):
            assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert here.journal.writes == []
        assert len(lines.warnings) == 2
        said = lines.warnings[0]
        assert said.startswith("wg0: warning: left as it is: what its file says was not confirmed")
        assert "--confirm 5m wg0" in said
        assert "--allow held wg0" in said

    def test_a_preview_says_so_too(self, here: MachineInMemory, folder: Path, lines: Lines) -> None:
        assert look(here, folder, lines) is ExitStatus.DIFFERENT
        assert "left as it is" in lines.warnings[0]

    def test_an_edit_lifts_it(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.write_text(HUB.replace("wgpka 25", "wgpka 27"))
        assert run(here, folder, lines) is ExitStatus.OK
        assert keepalives(here) == {0, 27}
        assert here.system.notes == {}

    def test_who_means_it_can_have_it(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        assert run(here, folder, lines, allowed=frozenset({Guard.HELD})) is ExitStatus.OK
        assert keepalives(here) == {0, 26}
        assert here.system.notes == {}

    def test_it_can_be_tried_again_and_a_confirmation_lifts_it(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        assert try_out(here, folder, lines) is ExitStatus.OK
        assert confirm([], here.machine, lines) is ExitStatus.OK
        assert here.system.notes == {}
        assert run(here, folder, lines) is ExitStatus.OK

    def test_a_file_that_says_what_runs_is_no_matter(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.write_text(HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == []
