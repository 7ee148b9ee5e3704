"""What was applied, and the way back to it, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.confirm import confirm
from netstart_wg.app.history import print_applied, print_history, read_history
from netstart_wg.app.ifconfig import change_interface
from netstart_wg.app.options import Options
from netstart_wg.app.rollback import Rollback
from netstart_wg.errors import ExitStatus, NetstartError, PermissionDeniedError, UsageError
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.keys import PresharedKey
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_confirm import WINDOW_NS, let_the_time_pass, try_out
from tests.app.test_netstart import HUB, PRESHARED_KEY, PRIVATE_KEY, run, write

EDITED = HUB.replace("wgpka 25", "wgpka 26")
OTHER_PSK = PresharedKey(bytes(range(128, 160))).to_base64()


@pytest.fixture
def edited(here: MachineInMemory, folder: Path) -> Path:
    """An interface with two states in its history; the second one runs."""
    path = write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    path.write_text(EDITED)
    assert run(here, folder, Lines()) is ExitStatus.OK
    return path


def roll_back(
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    *interfaces: str,
    to: int | None = None,
    window_ns: int | None = None,
) -> ExitStatus:
    rollback = Rollback(folder, interfaces, to, here.machine, lines)
    return rollback.carry_out(Options(window_ns=window_ns))


def keepalives(here: MachineInMemory) -> set[int]:
    engine = here.engines.state("wg0")
    assert engine is not None
    return {peer.persistent_keepalive for peer in engine.peers}


def numbers(here: MachineInMemory) -> list[int]:
    return [state.number for state in read_history("wg0", here.machine)]


class TestHistory:
    def test_what_was_applied_is_listed_the_newest_first(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.write_text(HUB)
        try_out(here, folder, Lines())
        let_the_time_pass(here)
        assert print_history([], here.machine, lines) is ExitStatus.OK
        heads = [line[: len("wg0: 3")] for line in lines.said]
        assert heads == ["wg0: 3", "wg0: 2", "wg0: 1"]
        assert lines.said[0].endswith("  1 peer changed (went back)")
        assert lines.said[1].endswith("  1 peer changed")
        assert lines.said[2].endswith("  created, 2 peers added, 1 address added")

    @pytest.mark.usefixtures("edited")
    def test_no_secret_is_in_it(self, here: MachineInMemory, lines: Lines) -> None:
        written = str(here.system.applied.texts)
        assert print_applied("wg0", 2, here.machine, lines) is ExitStatus.OK
        (said,) = lines.said
        for key in (PRIVATE_KEY, PRESHARED_KEY):
            assert key.to_base64() not in written + said
        assert "wgpka 26" in said
        assert said.startswith("wgkey (secret sha256:")

    @pytest.mark.usefixtures("edited")
    def test_what_runs_anyway_is_no_new_state(self, here: MachineInMemory, folder: Path) -> None:
        run(here, folder, Lines())
        here.engines.configure("wg0", DeviceChange(listen_port=7))
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert (
            change_interface(folder, "wg0", ["mtu", "1300"], here.machine, Lines()) is ExitStatus.OK
        )
        assert numbers(here) == [2, 1]

    def test_the_last_ten_are_kept(self, here: MachineInMemory, folder: Path) -> None:
        for number in range(13):
            write(folder, HUB.replace("wgpka 25", f"wgpka {number + 1}"))
            assert run(here, folder, Lines()) is ExitStatus.OK
        assert numbers(here) == list(range(13, 3, -1))

    def test_a_history_that_cannot_be_written_is_only_a_warning(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.applied.is_read_only = True
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == ["wg0: warning: write the history: Read-only file system"]

    @pytest.mark.usefixtures("edited")
    def test_what_is_not_there_is_told(self, here: MachineInMemory, lines: Lines) -> None:
        assert print_history(["wg1"], here.machine, lines) is ExitStatus.FAILED
        assert lines.warnings == ["wg1: no history: nothing was applied yet"]
        with pytest.raises(NetstartError, match=r"wg0: no state 7 in the history\n.*there is 1, 2"):
            print_applied("wg0", 7, here.machine, lines)

    def test_it_is_roots(self, edited: Path, here: MachineInMemory, lines: Lines) -> None:
        here.system.has_root = False
        with pytest.raises(PermissionDeniedError):
            print_history([], here.machine, lines)
        with pytest.raises(PermissionDeniedError):
            print_applied("wg0", 1, here.machine, lines)
        with pytest.raises(PermissionDeniedError):
            roll_back(here, edited.parent, lines)

    @pytest.mark.parametrize("text", ["", "{}", '{"version": 2}', "[" * 9999, "\0"])
    @pytest.mark.usefixtures("edited")
    def test_an_entry_that_is_none_is_passed_over(self, here: MachineInMemory, text: str) -> None:
        here.system.applied.texts["wg0"][2] = text
        assert numbers(here) == [1]


class TestRollback:
    def test_it_makes_the_interface_what_it_was_before_and_holds_the_file(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.journal.writes.clear()
        assert roll_back(here, folder, lines) is ExitStatus.OK
        assert keepalives(here) == {0, 25}
        assert here.journal.writes == ["configure", "write record"]
        assert lines.summaries == ["wg0: 1 peer changed"]
        assert lines.said == ["wg0: is what state 1 says"]
        assert "its hostname file says otherwise" in lines.warnings[0]
        assert edited.read_text() == EDITED
        assert numbers(here) == [3, 2, 1]
        held = Lines()
        assert run(here, folder, held) is ExitStatus.WARNINGS
        assert "what its file says was rolled back" in held.warnings[0]
        edited.write_text(HUB.replace("wgpka 25", "wgpka 27"))
        assert run(here, folder, Lines()) is ExitStatus.OK

    @pytest.mark.usefixtures("edited")
    def test_again_goes_forth(self, here: MachineInMemory, folder: Path, lines: Lines) -> None:
        roll_back(here, folder, Lines(), "wg0")
        assert roll_back(here, folder, lines, "wg0") is ExitStatus.OK
        assert keepalives(here) == {0, 26}
        assert lines.warnings == []
        assert run(here, folder, lines) is ExitStatus.OK, "the file says just that"
        assert lines.warnings == []

    def test_any_state_can_be_named(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        for keepalive in (31, 32):
            edited.write_text(HUB.replace("wgpka 25", f"wgpka {keepalive}"))
            run(here, folder, Lines())
        assert roll_back(here, folder, lines, to=2) is ExitStatus.OK
        assert keepalives(here) == {0, 26}

    @pytest.mark.usefixtures("edited")
    def test_what_is_there_already_is_not_touched(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.journal.writes.clear()
        assert roll_back(here, folder, lines, to=2) is ExitStatus.OK
        assert here.journal.writes == []
        assert lines.said == ["wg0: is what state 2 says"]
        assert lines.warnings == []

    @pytest.mark.usefixtures("edited")
    def test_a_preview_changes_nothing(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.journal.writes.clear()
        rollback = Rollback(folder, [], None, here.machine, lines)
        assert rollback.show() is ExitStatus.DIFFERENT
        assert any("wgpka 25" in line for line in lines.said)
        assert here.journal.writes == []
        assert here.system.notes == {}

    @pytest.mark.usefixtures("edited")
    def test_it_can_wait_for_a_confirmation(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        assert roll_back(here, folder, lines, window_ns=WINDOW_NS) is ExitStatus.OK
        assert keepalives(here) == {0, 25}
        let_the_time_pass(here)
        assert keepalives(here) == {0, 26}
        assert here.system.notes == {}, "the file is what runs again: nothing to hold"
        roll_back(here, folder, lines, window_ns=WINDOW_NS)
        assert confirm([], here.machine, lines) is ExitStatus.OK
        assert keepalives(here) == {0, 25}
        assert run(here, folder, Lines()) is ExitStatus.WARNINGS

    def test_a_change_that_went_back_is_not_what_one_goes_back_to(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.write_text(HUB.replace("wgpka 25", "wgpka 27"))
        try_out(here, folder, Lines())
        let_the_time_pass(here)
        assert roll_back(here, folder, lines) is ExitStatus.OK
        assert keepalives(here) == {0, 25}

    def test_without_a_file_the_engine_knows_the_keys(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.unlink()
        assert roll_back(here, folder, lines) is ExitStatus.OK, lines.warnings
        engine = here.engines.state("wg0")
        assert engine is not None
        assert engine.private_key == PRIVATE_KEY
        assert PRESHARED_KEY in {peer.preshared_key for peer in engine.peers}
        assert here.system.notes == {}

    def test_a_secret_that_nobody_knows_any_more_is_an_error_that_names_its_line(
        self, edited: Path, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        edited.write_text(EDITED.replace(PRESHARED_KEY.to_base64(), OTHER_PSK))
        assert run(here, folder, Lines()) is ExitStatus.OK
        here.journal.writes.clear()
        assert roll_back(here, folder, lines) is ExitStatus.FAILED
        assert here.journal.writes == []
        (said,) = lines.warnings
        assert said.startswith("wg0: state 2 has a secret that is known nowhere any more")
        assert "\n    4: wgpsk (secret sha256:" in said

    def test_where_nothing_is_earlier_it_says_so(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        with pytest.raises(UsageError, match="there is no history"):
            roll_back(here, folder, lines)
        write(folder, HUB)
        run(here, folder, Lines())
        assert roll_back(here, folder, lines) is ExitStatus.FAILED
        assert lines.warnings == ["wg0: no earlier state in the history"]

    @pytest.mark.usefixtures("edited")
    def test_of_several_interfaces_one_is_to_be_named(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB.replace("51820", "51821"), "wg1")
        run(here, folder, Lines())
        with pytest.raises(UsageError, match="name the interface: wg0, wg1"):
            roll_back(here, folder, lines)
        assert roll_back(here, folder, lines, "wg0") is ExitStatus.OK
