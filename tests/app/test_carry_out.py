"""What goes on around a plan that is being carried out: records that stand, peers that move."""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from netstart_wg.app.ifconfig import change_interface
from netstart_wg.errors import ExitStatus
from netstart_wg.model.action import describe_route
from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.state import WireGuardState
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, OFFICE, run, write

ELSEWHERE = Endpoint(IPv4Address("203.0.113.5"), 4242)
ONCE = "!once\n"


def have_run(here: MachineInMemory) -> list[str]:
    return [entry for entry in here.journal.writes if entry.startswith("run ")]


def ifconfig(here: MachineInMemory, folder: Path, text: str) -> ExitStatus:
    return change_interface(folder, "wg0", text.split(), here.machine, Lines())


class TestRecord:
    def test_a_move_changes_the_index_and_repeats_no_command(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        former = here.links.states["wg0"].index
        assert ifconfig(here, folder, "rdomain 3") is ExitStatus.OK
        assert here.links.states["wg0"].index != former
        assert run(here, folder, lines) is ExitStatus.OK
        assert here.links.states["wg0"].rdomain == 0
        assert have_run(here) == ["run once"]

    def test_a_run_that_ends_after_the_move_repeats_no_command(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        write(folder, "rdomain 3\n" + HUB + ONCE)
        here.journal.fault = "add address"
        assert run(here, folder, Lines()) is ExitStatus.NOT_RESTORED
        here.journal.fault = None
        assert run(here, folder, lines) is ExitStatus.OK
        assert have_run(here) == ["run once"]

    def test_a_command_of_ifconfig_leaves_what_the_file_has_done_on_record(
        self, here: MachineInMemory, folder: Path
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        before = here.system.records.copy()
        assert (
            ifconfig(here, folder, f"mtu 1300 wgpeer {OFFICE} wgendpoint 203.0.113.5 1")
            is ExitStatus.OK
        )
        assert here.system.records == before

    def test_a_command_that_left_the_file_is_told_of_once_and_not_by_ifconfig(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        write(folder, HUB)
        asked = Lines()
        assert change_interface(folder, "wg0", ["down"], here.machine, asked) is ExitStatus.OK
        assert asked.warnings == []
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == ["wg0: warning: cannot be undone, has run: !once"]
        assert lines.summaries == ["wg0: interface brought up"]
        again = Lines()
        assert run(here, folder, again) is ExitStatus.OK
        assert (again.warnings, again.steps, again.summaries) == ([], [], [])

    def test_a_command_that_left_the_file_and_nothing_else_is_the_only_line(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == ["wg0: warning: cannot be undone, has run: !once"]
        assert (lines.steps, lines.summaries) == ([], [])

    def test_a_command_that_was_changed_runs_and_the_former_one_is_told_of(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        write(folder, HUB + "!once more\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == ["wg0: warning: cannot be undone, has run: !once"]
        assert have_run(here) == ["run once", "run once more"]
        assert "once more" in here.system.records["wg0"]
        assert '"once"' not in here.system.records["wg0"]

    def test_a_command_stays_on_record_if_the_run_in_which_it_left_failed(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + ONCE)
        run(here, folder, Lines())
        before = here.system.records.copy()
        write(folder, HUB + "mtu 1300\ninet alias 10.9.0.1/24\n")
        here.journal.fault = "add address"
        assert run(here, folder, Lines()) is ExitStatus.FAILED
        assert here.system.records == before
        here.journal.fault = None
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == ["wg0: warning: cannot be undone, has run: !once"]

    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_command_is_on_record_before_anything_else_is_looked_at(
        self,
        here: MachineInMemory,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        is_new: bool,
    ) -> None:
        if not is_new:
            write(folder, HUB)
            run(here, folder, Lines())
        write(folder, ONCE + HUB)
        digest = hashlib.sha256(b"once").hexdigest()
        real, seen = here.engines.state, []

        def state(interface: str) -> WireGuardState | None:
            if have_run(here):
                seen.append(digest in here.system.records.get("wg0", ""))
            return real(interface)

        monkeypatch.setattr(here.engines, "state", state)
        run(here, folder, Lines())
        assert seen
        assert all(seen)


class TestRoaming:
    def test_a_peer_that_roams_in_the_middle_of_a_change_is_no_difference(
        self, here: MachineInMemory, folder: Path
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        note = here.journal.write

        def roam(operation: str, interface: str, text: object = "") -> None:
            here.engines.roam(interface, PublicKey.from_base64(OFFICE), ELSEWHERE)
            note(operation, interface, text)

        here.journal.write = roam  # type: ignore[method-assign]
        assert ifconfig(here, folder, "mtu 1300") is ExitStatus.OK
        engine = here.engines.state("wg0")
        assert engine is not None
        assert engine.peers[1].endpoint == ELSEWHERE


class TestRoutesOfSeveralFiles:
    def test_a_route_through_one_interface_that_anothers_file_declares_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        write(folder, "inet 10.9.0.1/24\n!route add 10.7.0.0/16 10.0.0.9\n", "wg1")
        assert run(here, folder, Lines()) is ExitStatus.OK
        here.system.sockets = {"wg0", "wg1"}
        here.journal.writes.clear()
        assert run(here, folder, lines) is ExitStatus.OK
        assert ifconfig(here, folder, "up") is ExitStatus.OK
        assert here.journal.writes == []
        (route,) = here.links.routes.values()
        assert route.next_hops[0].interface == "wg0"
        assert describe_route(route) == "route add 10.7.0.0/16 10.0.0.9"

    def test_one_that_no_file_declares_any_longer_goes(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        write(folder, "inet 10.9.0.1/24\n!route add 10.7.0.0/16 10.0.0.9\n", "wg1")
        run(here, folder, Lines())
        here.system.sockets = {"wg0", "wg1"}
        write(folder, "inet 10.9.0.1/24\n", "wg1")
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.summaries == ["wg1: 1 route removed"]
        assert here.links.routes == {}
