"""Where interfaces and routes live, commands among the lines, and interfaces that shall not be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from netstart_wg.errors import ExitStatus
from netstart_wg.model.action import describe_route
from tests.app.machine_in_memory import IFF_DEBUG, Lines, MachineInMemory
from tests.app.test_netstart import HUB, OFFICE, look, run, write

ROUTED = HUB + "!route -qn add 10.1.0.0/16 10.0.0.1\n"
VIA_ELSEWHERE = "!route add -host 192.0.2.1 198.51.100.1\n"


def routes(here: MachineInMemory) -> list[str]:
    return [describe_route(route) for route in here.links.routes.values()]


def flags(here: MachineInMemory) -> int:
    return here.links.states["wg0"].flags


def changes(here: MachineInMemory) -> list[str]:
    return [entry for entry in here.journal.writes if entry != "write record"]


def assert_idle(here: MachineInMemory, folder: Path) -> None:
    here.journal.writes.clear()
    lines = Lines()
    assert run(here, folder, lines) is ExitStatus.OK
    assert here.journal.writes == []
    assert lines.summaries == []


class TestRdomain:
    def test_an_interface_is_made_here_and_finished_there(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "rdomain 3\n" + HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here)[:3] == ["create", "make rdomain 3", "move 3"]
        state = here.links.states["wg0"]
        assert (state.rdomain, state.is_up, len(state.addresses)) == (3, True, 1)
        assert_idle(here, folder)

    def test_another_rdomain_moves_it_with_its_engine_as_it_is(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "rdomain 3\n" + HUB)
        run(here, folder, Lines())
        here.journal.writes.clear()
        write(folder, "rdomain 4\n" + HUB)
        assert look(here, folder, lines) is ExitStatus.DIFFERENT
        assert lines.said == [
            "wg0: - rdomain 3",
            f"wg0: {'+ rdomain 4':40}  # line 1",
            f"wg0: {'+ inet 10.0.0.1/24':40}  # again, line 6",
            f"wg0: {'+ up':40}  # again, line 6",
        ]
        assert run(here, folder, lines) is ExitStatus.OK
        assert "configure" not in here.journal.writes
        assert lines.summaries == [
            "wg0: interface moved to rdomain 4, 1 address added, interface brought up"
        ]
        assert_idle(here, folder)

    def test_an_interface_that_somebody_moved_is_fetched_back(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        here.system.make_rdomain(9)
        here.system.links(0).move("wg0", 9)
        assert run(here, folder, lines) is ExitStatus.OK
        assert here.links.states["wg0"].rdomain == 0
        assert_idle(here, folder)

    def test_the_rdomain_of_the_sockets_is_made_before_the_engine_needs_it(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "wgrtable 5\n" + HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here)[:3] == ["create", "make rdomain 5", "configure"]
        engine = here.engines.state("wg0")
        assert engine is not None
        assert engine.wgrtable == 5
        assert here.links.states["wg0"].rdomain == 0
        assert_idle(here, folder)


class TestSettings:
    def test_debug_and_groups_are_set_and_taken_back(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "debug\ngroup vpn group lan\n")
        assert run(here, folder, Lines()) is ExitStatus.OK
        engine = here.engines.state("wg0")
        assert engine is not None
        assert engine.groups == ("vpn", "lan")
        assert flags(here) & IFF_DEBUG
        assert_idle(here, folder)
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.summaries == ["wg0: debug switched off, groups set"]
        assert not flags(here) & IFF_DEBUG
        assert_idle(here, folder)


class TestRoutes:
    def test_a_declared_route_is_there_and_goes_with_its_line(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, ROUTED)
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert changes(here)[-1].startswith("add route")
        assert routes(here) == ["route add 10.1.0.0/16 -link wg0"]
        assert_idle(here, folder)
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert routes(here) == []
        assert lines.summaries == ["wg0: 1 route removed"]

    def test_a_route_that_leads_elsewhere_is_remembered_as_this_files(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE)
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert routes(here) == ["route add 192.0.2.1/32 198.51.100.1"]
        assert_idle(here, folder)
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert routes(here) == []

    def test_another_files_route_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE)
        other = "wgport 51821\ninet 10.9.0.1/24\n!route add 203.0.113.0/24 198.51.100.1\n"
        write(folder, other, "wg1")
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert len(routes(here)) == 2
        write(folder, HUB)
        assert run(here, folder, lines, "wg0") is ExitStatus.OK
        assert routes(here) == ["route add 203.0.113.0/24 198.51.100.1"]
        assert_idle(here, folder)

    def test_a_route_that_two_files_declare_differently_is_the_first_ones(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        other = "wgport 51821\ninet 10.9.0.1/24\n"
        write(folder, HUB + VIA_ELSEWHERE)
        write(folder, other + VIA_ELSEWHERE.replace("198.51.100.1", "198.51.100.2"), "wg1")
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert routes(here) == ["route add 192.0.2.1/32 198.51.100.1"]
        assert lines.warnings == [
            "wg1: warning: the route to 192.0.2.1/32 is another one in the file of wg0: left out"
        ]
        here.journal.writes.clear()
        assert run(here, folder, Lines()) is ExitStatus.WARNINGS
        assert here.journal.writes == []
        write(folder, other + VIA_ELSEWHERE, "wg1")
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert_idle(here, folder)

    def test_another_gateway_replaces_the_route_where_it_stands(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE)
        run(here, folder, Lines())
        here.journal.writes.clear()
        write(folder, HUB + VIA_ELSEWHERE.replace("198.51.100.1", "198.51.100.2"))
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here) == ["add route route add 192.0.2.1/32 198.51.100.2"]

    def test_an_interface_that_is_down_has_no_routes_and_gets_them_when_it_comes_up(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, ROUTED + "down\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert routes(here) == []
        assert_idle(here, folder)
        write(folder, ROUTED)
        assert run(here, folder, lines) is ExitStatus.OK
        assert len(routes(here)) == 1
        here.system.links().bring_down("wg0")
        assert run(here, folder, lines) is ExitStatus.OK
        assert len(routes(here)) == 1

    def test_a_route_that_is_refused_holds_up_nothing_and_is_tried_again(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE + "!route add 203.0.113.0/24 198.51.100.1\n!last\n")
        here.journal.fault = "add route route add 203.0.113.0/24"
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert lines.warnings == ["wg0: warning: add route: input/output error"]
        assert lines.summaries == [
            "wg0: created, 2 peers added, 1 address added, 1 route added, 1 command run"
        ]
        assert here.links.states["wg0"].is_up
        here.journal.fault = None
        assert run(here, folder, lines) is ExitStatus.OK
        assert len(routes(here)) == 2
        assert_idle(here, folder)

    def test_a_new_interface_that_fails_takes_its_routes_along(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE)
        here.journal.fault = "write record"
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.links.states == {}
        assert routes(here) == []

    def test_a_last_address_takes_its_routes_along(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "!route add 10.1.0.0/16 10.0.0.1\nup\n")
        run(here, folder, Lines())
        write(folder, "".join(HUB.partition("inet 10")[:1]) + "up\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert routes(here) == []
        assert lines.summaries == ["wg0: 1 address removed"]
        assert_idle(here, folder)


class TestCommandsAmongTheLines:
    def test_a_command_sees_what_the_lines_before_it_made(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "!first\ninet 10.0.0.1/24\n!second\n" + f"wgpeer {OFFICE}\nup\n!third\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here) == [
            "create",
            "run first",
            "add address 10.0.0.1/24",
            "bring up",
            "run second",
            "configure",
            "run third",
        ]
        assert_idle(here, folder)

    def test_a_run_killed_between_the_lines_repeats_no_command(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "!first\ninet 10.0.0.1/24\n!second\ninet alias 10.0.1.1/24\n!third\n")

        class KilledError(BaseException):
            pass

        def die(interface: str) -> None:
            raise KilledError

        here.journal.fault = "add address 10.0.1.1/24"
        here.engines.destroy = die  # type: ignore[method-assign]
        with pytest.raises(KilledError):
            run(here, folder, Lines())
        here.journal.fault = None
        here.journal.writes.clear()
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here) == ["add address 10.0.1.1/24", "run third"]

    def test_what_a_command_changes_that_is_declared_is_told(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "inet 10.0.0.1/24\n!meddle\ninet alias 10.0.1.1/24\n")
        real = here.system.run_command

        def meddle(text: str, rdomain: int, tell: Callable[[str], None]) -> object:
            here.system.links(rdomain).set_mtu("wg0", 1280)
            return real(text, rdomain, tell)

        here.system.run_command = meddle  # type: ignore[method-assign,assignment]
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        (warning,) = lines.warnings
        assert warning.startswith("wg0: warning: after its commands it still differs")
        assert "- mtu 1280" in warning

    def test_a_command_runs_in_its_rdomain(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "rdomain 3\ninet 10.0.0.1/24\n!route -T 3 exec daemon --now\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert changes(here)[-1] == "run in 3 daemon --now"

    def test_a_file_of_commands_leaves_the_engine_to_them(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        (folder / "hostname.wg0").unlink()
        write(folder, "inet 10.0.0.1/24\n!wg setconf wg0 /etc/wireguard/wg0.conf\n")
        assert run(here, folder, lines) is ExitStatus.OK
        engine = here.engines.state("wg0")
        assert engine is not None
        assert len(engine.peers) == 2
        assert_idle(here, folder)


class TestDestroy:
    def test_a_file_that_ends_in_destroy_wants_no_interface(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + VIA_ELSEWHERE)
        run(here, folder, Lines())
        write(folder, HUB + "destroy\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert here.links.states == {}
        assert here.system.records == {}
        assert routes(here) == []
        assert lines.summaries == ["wg0: 1 route removed, interface destroyed"]
        assert_idle(here, folder)

    def test_a_destroy_before_other_lines_only_takes_back_what_stands_before_it(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "inet 10.5.5.5/24\ndestroy\n" + HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        assert len(here.links.states["wg0"].addresses) == 1
        assert_idle(here, folder)
