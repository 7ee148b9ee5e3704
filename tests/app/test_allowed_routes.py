"""`routes = "allowed-ips"` as runs carry it out, on a machine in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.ifconfig import change_interface
from netstart_wg.errors import ExitStatus
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.guard import ALL_GUARDS
from netstart_wg.model.rule import TABLES
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_confirm import let_the_time_pass, try_out
from tests.app.test_netstart import HUB, OFFICE, look, run, write

FULL = HUB.replace("wgaip 10.1.0.0/16", "wgaip 10.1.0.0/16 wgaip 0.0.0.0/0 wgaip ::/0")
FULL += "inet6 fd00::1/64\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose settings ask for routes."""
    (tmp_path / "netstart-wg.toml").write_text('routes = "allowed-ips"\n')
    return tmp_path


def bring_up(here: MachineInMemory, folder: Path, text: str = FULL, name: str = "wg0") -> None:
    here.system.sockets.add(name)
    write(folder, text, name)
    assert run(here, folder, Lines(), name, allowed=ALL_GUARDS) is ExitStatus.OK


def destinations(here: MachineInMemory) -> set[str]:
    return {str(key.destination) for key in here.links.routes if key.table is None}


def tables(here: MachineInMemory) -> set[int]:
    return {rule.unless_mark for rule in here.links.rules}


def mark(here: MachineInMemory, interface: str = "wg0") -> int:
    engine = here.engines.state(interface)
    assert engine is not None
    return engine.fwmark


def test_a_second_run_has_nothing_to_do_and_need_not_look_closely(
    here: MachineInMemory, folder: Path
) -> None:
    bring_up(here, folder)
    assert destinations(here) == {"10.1.0.0/16"}
    assert mark(here) == TABLES[0]
    assert len(here.links.rules) == 4
    here.journal.writes.clear()
    file = HostnamePath("wg0", folder / "hostname.wg0")
    assert is_at_fixpoint(file, here.machine)
    here.system.fixpoints.clear()
    bring_up(here, folder)
    assert here.journal.writes == []


@pytest.mark.parametrize("what", ["rule", "route", "refusal", "mark"])
def test_what_somebody_takes_away_is_noticed_and_put_back(
    here: MachineInMemory, folder: Path, what: str
) -> None:
    bring_up(here, folder)
    rules, routes = list(here.links.rules), dict(here.links.routes)
    in_table = [key for key in routes if key.table is not None]
    match what:
        case "rule":
            here.links.rules.pop()
        case "mark":
            here.engines.configure("wg0", DeviceChange(fwmark=0))
        case _:
            priority = 8 if what == "route" else 9
            del here.links.routes[next(key for key in in_table if key.priority == priority)]
    file = HostnamePath("wg0", folder / "hostname.wg0")
    assert not is_at_fixpoint(file, here.machine)
    bring_up(here, folder)
    assert (set(here.links.rules), here.links.routes) == (set(rules), routes)
    assert mark(here) == TABLES[0]
    assert is_at_fixpoint(file, here.machine)


@pytest.mark.parametrize("how", ["setting", "peer", "down", "destroy", "ifconfig"])
def test_everything_goes_with_the_setting_the_peer_or_the_interface(
    here: MachineInMemory, folder: Path, how: str
) -> None:
    bring_up(here, folder)
    match how:
        case "setting":
            (folder / "netstart-wg.toml").unlink()
            bring_up(here, folder)
        case "peer":
            bring_up(here, folder, HUB)
        case "down":
            bring_up(here, folder, FULL + "down\n")
        case "destroy":
            bring_up(here, folder, "destroy\n")
        case _:
            assert (
                change_interface(folder, "wg0", ["destroy"], here.machine, Lines()) is ExitStatus.OK
            )
    assert here.links.rules == []
    assert all(key.table is None for key in here.links.routes)
    assert destinations(here) == ({"10.1.0.0/16"} if how == "peer" else set())
    if how in ("setting", "peer", "down"):
        assert mark(here) == 0


def test_ifconfig_about_something_else_leaves_everything(
    here: MachineInMemory, folder: Path
) -> None:
    bring_up(here, folder)
    before = list(here.links.rules), dict(here.links.routes), mark(here)
    assert change_interface(folder, "wg0", ["mtu", "1300"], here.machine, Lines()) is ExitStatus.OK
    assert (here.links.rules, here.links.routes, mark(here)) == before


def test_each_interface_has_a_table_and_a_mark_that_nobody_else_has(
    here: MachineInMemory, folder: Path
) -> None:
    here.links.tables_of_others = {TABLES[0], TABLES[1]}
    bring_up(here, folder)
    assert tables(here) == {TABLES[2]}
    bring_up(here, folder, FULL.replace("51820", "51821"), "wg2")
    assert tables(here) == {TABLES[2], TABLES[3]}
    assert (mark(here), mark(here, "wg2")) == (TABLES[2], TABLES[3])
    here.links.tables_of_others = set()
    before = list(here.links.rules)
    here.system.fixpoints.clear()
    bring_up(here, folder)
    assert here.links.rules == before, "it keeps what it has"
    bring_up(here, folder, "destroy\n")
    assert tables(here) == {TABLES[3]}


def test_after_an_engine_was_killed_rules_and_refusals_stay_until_it_is_back(
    here: MachineInMemory, folder: Path
) -> None:
    bring_up(here, folder)
    before = dict(here.links.routes), list(here.links.rules)
    here.engines.crash("wg0")
    assert here.links.rules == before[1]
    assert {key.priority for key in here.links.routes} == {9}
    here.journal.writes.clear()
    bring_up(here, folder)
    assert (here.links.routes, here.links.rules) == before
    assert not any("rule" in entry for entry in here.journal.writes)


@pytest.mark.parametrize("text", [HUB, "destroy\n"])
def test_what_a_killed_engine_has_left_goes_if_the_file_wants_it_no_more(
    here: MachineInMemory, folder: Path, text: str
) -> None:
    bring_up(here, folder)
    here.engines.crash("wg0")
    bring_up(here, folder, text)
    assert here.links.rules == []
    assert all(key.table is None for key in here.links.routes)
    here.journal.writes.clear()
    bring_up(here, folder, text)
    assert here.journal.writes == []


def test_a_run_that_fails_at_any_step_leaves_rules_and_table_as_they_were(folder: Path) -> None:
    number = 0
    while True:
        here = MachineInMemory()
        bring_up(here, folder)
        before = picture(here)
        write(folder, FULL.replace("rdomain", "") + "rdomain 3\nwgrtable 3\n")
        here.journal.attempts = 0
        here.journal.faults_at = frozenset({number})
        status = run(here, folder, Lines(), allowed=ALL_GUARDS)
        if status is ExitStatus.OK:
            break
        if status is not ExitStatus.WARNINGS:  # a plain route that is refused
            assert status is ExitStatus.FAILED
            assert picture(here) == before, number
        number += 1
    assert number > 10
    assert {rule.rdomain for rule in here.links.rules} == {3}


def picture(here: MachineInMemory) -> tuple[InterfaceState, object, object, object]:
    state = replace(here.links.states["wg0"], index=0)
    return state, dict(here.links.routes), set(here.links.rules), mark(here)


def test_a_new_interface_that_fails_leaves_no_rule(here: MachineInMemory, folder: Path) -> None:
    write(folder, FULL)
    here.journal.fault = "add rule ip -6 rule add priority 32765"
    assert run(here, folder, Lines()) is ExitStatus.FAILED
    assert (here.links.rules, here.links.routes, here.links.states) == ([], {}, {})


@pytest.mark.parametrize("destination", ["0.0.0.0/0", "::/0"])
def test_a_table_that_cannot_be_filled_has_no_rules(
    here: MachineInMemory, folder: Path, destination: str
) -> None:
    write(folder, FULL)
    here.journal.fault = f"add route route add {destination} -link wg0"
    assert run(here, folder, Lines()) is ExitStatus.FAILED
    assert (here.links.rules, here.links.routes, here.links.states) == ([], {}, {})


def test_a_filter_that_drops_answers_is_told_of(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.links.strict_filters = {"eth0"}
    write(folder, FULL)
    assert run(here, folder, lines) is ExitStatus.WARNINGS
    (warning,) = lines.warnings
    assert "rp_filter" in warning
    assert run(here, folder, Lines()) is ExitStatus.OK


def test_what_the_plan_shows_is_what_is_done(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, FULL)
    assert look(here, folder, lines) is ExitStatus.DIFFERENT
    assert here.journal.writes == []
    assert run(here, folder, lines) is ExitStatus.OK
    assert lines.steps == lines.said
    assert lines.summaries == [
        "wg0: created, 2 peers added, 2 addresses added, 5 routes added, 4 rules added"
    ]


def test_half_of_everything_needs_no_rule(here: MachineInMemory, folder: Path) -> None:
    bring_up(here, folder, FULL.replace("/0", "/1"))
    assert destinations(here) == {"10.1.0.0/16", "0.0.0.0/1", "::/1"}
    assert (here.links.rules, mark(here)) == ([], 0)


def test_without_the_setting_there_are_no_routes(here: MachineInMemory, tmp_path: Path) -> None:
    bring_up(here, tmp_path)
    assert OFFICE in (tmp_path / "hostname.wg0").read_text()
    assert (here.links.rules, here.links.routes, mark(here)) == ([], {}, 0)


def test_a_full_tunnel_that_nobody_confirms_goes_back_wholly(
    here: MachineInMemory, folder: Path
) -> None:
    bring_up(here, folder, HUB)
    before = picture(here)
    write(folder, FULL + "rdomain 5\nwgrtable 5\n")
    assert try_out(here, folder, Lines()) is ExitStatus.OK
    assert {rule.rdomain for rule in here.links.rules} == {5}
    let_the_time_pass(here)
    assert picture(here) == before
    assert here.system.rdomains() == ()
