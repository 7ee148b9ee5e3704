"""A run that fails: whichever step it was, everything is as it was, or what is not is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, ip_interface
from pathlib import Path

import pytest

from netstart_wg.app.ifconfig import change_interface
from netstart_wg.errors import ExitStatus
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.guard import ALL_GUARDS
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.route import Route, RouteKey
from netstart_wg.model.state import InterfaceState, WireGuardState
from tests.app import test_netstart
from tests.app.machine_in_memory import (
    IFF_UP,
    Lines,
    LinksOfRdomain,
    MachineInMemory,
    namespace_of,
)
from tests.app.test_netstart import HUB, LAPTOP, OFFICE, PRIVATE_KEY, write

BEFORE = f"""\
{HUB}inet alias 10.0.0.2/24
inet alias 192.0.2.1/24
inet6 fd00::1/64
description before
group lan
!route add 10.9.0.0/16 10.0.0.77
!route add 10.8.0.0/16 198.51.100.1
!once
"""
NEW_PEER = PublicKey(bytes([77]) * 32).to_base64()
AFTER = f"""\
rdomain 3
wgkey {PRIVATE_KEY.to_base64()[:-2]}g= wgport 51999 wgrtable 2
wgpeer {LAPTOP} wgdescr tablet wgendpoint 192.0.2.7 9 wgaip 10.1.0.0/16
wgpeer {NEW_PEER} wgaip 10.0.0.2/32
inet 10.0.0.2/24
inet alias 10.5.0.1/24
inet alias 10.6.0.1/24
inet6 fd00::1/48
mtu 1380
description after
group vpn
debug
!route -T 3 add 10.9.0.0/16 10.0.0.78
!route add 10.7.0.0/16 198.51.100.1
!twice
"""
STAYS = AFTER.replace("rdomain 3\n", "").replace("-T 3 ", "")
"""Without moving; so addresses are removed and kept."""
ELSEWHERE = Endpoint(IPv4Address("203.0.113.5"), 4242)

Picture = tuple[InterfaceState, WireGuardState, dict[RouteKey, Route]]


def run(here: MachineInMemory, folder: Path, lines: Lines) -> ExitStatus:
    """Do what the file says, another key and fewer peers included."""
    return test_netstart.run(here, folder, lines, allowed=ALL_GUARDS)


def prepared(folder: Path) -> MachineInMemory:
    """Return a machine with a run behind it, and with things that no file can say."""
    here = MachineInMemory()
    here.links.add("eth0")
    here.links.change("eth0", flags=IFF_UP)
    write(folder, BEFORE)
    assert run(here, folder, Lines()) is ExitStatus.OK
    address = IPv4Interface("10.0.0.1/24")
    broadcast = (address, address.network.broadcast_address)
    here.links.change("wg0", broadcasts=(broadcast,))
    here.engines.configure("wg0", DeviceChange(fwmark=7))
    here.journal.writes.clear()
    here.journal.attempts = 0
    return here


def picture(here: MachineInMemory) -> Picture:
    """Return all that there is, but for what says nothing: index, order of peers and IPv6."""
    state, engine = here.links.states["wg0"], here.engines.state("wg0")
    assert engine is not None
    networks = list(dict.fromkeys(address.network for address in state.addresses))
    ipv4 = [address for address in state.addresses if address.version == 4]
    ipv4.sort(key=lambda address: networks.index(address.network))  # Linux has no other order
    ipv6 = sorted(str(each) for each in state.addresses if each.version == 6)
    addresses = (*ipv4, *map(ip_interface, ipv6))
    peers = tuple(
        replace(peer, allowed_ips=tuple(sorted(peer.allowed_ips, key=str)))
        for peer in sorted(engine.peers, key=lambda peer: peer.public_key.to_base64())
    )
    broadcasts = tuple(sorted(state.broadcasts, key=str))
    return (
        replace(state, index=0, addresses=addresses, broadcasts=broadcasts),
        replace(engine, peers=peers),
        dict(here.links.routes),
    )


def index_left_out(record: str) -> str:
    return record.partition('"endpoints"')[2]


def writes_of_a_run(folder: Path, wish: str) -> list[str]:
    """Return what is written when nothing fails, up to the commands."""
    here = prepared(folder)
    write(folder, wish)
    assert run(here, folder, Lines()) is ExitStatus.OK
    return here.journal.writes[: here.journal.writes.index("run twice")]


def failing(folder: Path, wish: str, *faults_at: int) -> tuple[MachineInMemory, Lines, ExitStatus]:
    here, lines = prepared(folder), Lines()
    write(folder, wish)
    here.journal.faults_at = frozenset(faults_at)
    status = run(here, folder, lines)
    here.journal.faults_at = frozenset()
    return here, lines, status


def assert_restored(here: MachineInMemory, folder: Path) -> None:
    like = prepared(folder)
    assert picture(here) == picture(like)
    assert index_left_out(here.system.records["wg0"]) == index_left_out(like.system.records["wg0"])


def assert_next_run_converges(here: MachineInMemory, folder: Path, wish: str) -> None:
    write(folder, wish)
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert [entry for entry in here.journal.writes if entry.startswith("run ")] == ["run twice"]
    here.journal.writes.clear()
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.journal.writes == []


@pytest.mark.parametrize("wish", [AFTER, STAYS], ids=["moves", "stays"])
def test_whichever_step_fails_everything_is_as_it_was(folder: Path, wish: str) -> None:
    writes = writes_of_a_run(folder, wish)
    assert len(writes) >= 15
    for number, entry in enumerate(writes):
        here, lines, status = failing(folder, wish, number)
        if entry.startswith("add route"):
            assert status is ExitStatus.WARNINGS, entry
            continue
        assert status is ExitStatus.FAILED, (entry, lines.warnings)
        assert_restored(here, folder)
        has_changed_anything = bool([each for each in writes[:number] if "rdomain" not in each])
        assert ("wg0: everything is again as it was" in lines.warnings) == has_changed_anything
        assert_next_run_converges(here, folder, wish)


@pytest.mark.parametrize("wish", [AFTER, STAYS], ids=["moves", "stays"])
def test_a_step_of_the_way_back_that_fails_once_is_done_the_second_time(
    folder: Path, wish: str
) -> None:
    for last, steps in ways_back(folder, wish):
        for step in steps:
            here, lines, status = failing(folder, wish, last, step)
            assert status is of_restoring(lines, is_restored=True), (step, lines.warnings)
            assert_restored(here, folder)


@pytest.mark.parametrize("wish", [AFTER, STAYS], ids=["moves", "stays"])
def test_what_cannot_be_restored_is_told_and_nothing_else(folder: Path, wish: str) -> None:
    like = picture(prepared(folder))
    for last, steps in ways_back(folder, wish):
        for step in steps:
            here, lines, status = failing(folder, wish, last, *range(step, step + 500))
            there = [line for line in lines.warnings if line.endswith("(not restored)")]
            is_restored = picture(here) == like
            assert is_restored == (there == []), (step, lines.warnings)
            assert status is of_restoring(lines, is_restored=is_restored)
            assert_told(there, picture(here), like)
            assert_next_run_converges(here, folder, wish)


def of_restoring(lines: Lines, *, is_restored: bool) -> ExitStatus:
    """Return the status to expect; the record, too, belongs to what is restored."""
    has_record = "wg0: write record: input/output error" not in lines.warnings[:-1]
    return ExitStatus.FAILED if is_restored and has_record else ExitStatus.NOT_RESTORED


def ways_back(folder: Path, wish: str) -> list[tuple[int, range]]:
    """Return the last write, which fails, with the numbers of those on the way back from it."""
    last = len(writes_of_a_run(folder, wish)) - 1
    here, _, status = failing(folder, wish, last)
    assert status is ExitStatus.FAILED
    steps = range(last + 1, here.journal.attempts)
    assert len(steps) >= 10
    return [(last, steps)]


def assert_told(told: list[str], there: Picture, like: Picture) -> None:
    """Compare the list with what can be told from the pictures alone."""
    (state, engine, routes), (wanted, wanted_engine, wanted_routes) = there, like
    text = "\n".join(told)
    for address in set(wanted.addresses) ^ set(state.addresses):
        sign = "+" if address in wanted.addresses else "-"
        is_moving = state.rdomain != wanted.rdomain and sign == "-"  # all of them go with it
        assert is_moving or f"{sign} inet{'6' if address.version == 6 else ''} {address}" in text
    assert ("+ mtu" in text) == (state.mtu != wanted.mtu)
    assert ("description after" in text) == (state.description != wanted.description)
    assert ("wgport" in text) == (engine.listen_port != wanted_engine.listen_port)
    assert (f"wgpeer {NEW_PEER}" in text) == any(
        peer.public_key.to_base64() == NEW_PEER for peer in engine.peers
    )
    for key in set(wanted_routes) - set(routes):
        assert str(key.destination) in text


# -- the rest ------------------------------------------------------------------------------------


def interrupt(_links: LinksOfRdomain, _interface: str, *_values: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("wish", [AFTER, STAYS], ids=["moves", "stays"])
def test_an_interrupted_run_goes_back_too(
    folder: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    here = prepared(folder)
    write(folder, wish)
    real = LinksOfRdomain.set_debug

    def once(links: LinksOfRdomain, interface: str, is_on: bool) -> None:
        monkeypatch.setattr(LinksOfRdomain, "set_debug", real)
        interrupt(links, interface)

    monkeypatch.setattr(LinksOfRdomain, "set_debug", once)
    with pytest.raises(KeyboardInterrupt):
        run(here, folder, lines)
    assert_restored(here, folder)


def test_who_interrupts_the_way_back_hears_that_it_has_no_end(
    folder: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = prepared(folder)
    write(folder, STAYS)
    monkeypatch.setattr(LinksOfRdomain, "remove_address", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(here, folder, lines)
    hint = "wg0: interrupted on the way back to what it was; the next run goes on"
    assert lines.warnings[-1] == hint
    monkeypatch.undo()
    assert_next_run_converges(here, folder, STAYS)


def break_off(here: MachineInMemory, at: str, deed: Callable[[], None]) -> None:
    """Let something happen, and the write fail, when a write begins with `at`."""
    note = here.journal.write

    def write_or_fail(operation: str, interface: str, text: object = "") -> None:
        if operation.startswith(at):
            here.journal.write = note  # type: ignore[method-assign]
            deed()
            here.journal.faults_at = frozenset([here.journal.attempts])
        note(operation, interface, text)

    here.journal.write = write_or_fail  # type: ignore[method-assign]


def test_a_peer_that_roams_meanwhile_stays_where_it_is(folder: Path, lines: Lines) -> None:
    here = prepared(folder)
    office = PublicKey.from_base64(OFFICE)
    write(folder, BEFORE.replace("10.0.0.1/24", "10.0.0.9/24") + "mtu 1380\n")
    break_off(here, "remove address", lambda: here.engines.roam("wg0", office, ELSEWHERE))
    assert run(here, folder, lines) is ExitStatus.FAILED
    engine = here.engines.state("wg0")
    assert engine is not None
    assert {peer.endpoint for peer in engine.peers if peer.public_key == office} == {ELSEWHERE}


def test_an_engine_that_ends_meanwhile_is_started_again(folder: Path, lines: Lines) -> None:
    here = prepared(folder)
    before = picture(here)
    write(folder, STAYS)
    break_off(here, "add address", lambda: here.engines.destroy("wg0"))
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert picture(here)[1] == replace(before[1], link_namespace=namespace_of(0))
    assert any("the interface had to be made anew" in line for line in lines.warnings)


def test_losses_are_told(folder: Path) -> None:
    writes = writes_of_a_run(folder, STAYS)
    _, lines, _ = failing(folder, STAYS, len(writes) - 1)
    loss = f"wg0: warning: cannot be restored: session and counters of peer {OFFICE}"
    assert loss in lines.warnings


def test_a_step_of_ifconfig_that_fails_leaves_everything_as_it_was(folder: Path) -> None:
    here = prepared(folder)
    change = f"rdomain 4 mtu 1300 wgpeer {LAPTOP} wgaip 10.3.0.0/16 10.4.0.1/24".split()
    here.journal.fault = "add address 10.4"
    assert change_interface(folder, "wg0", change, here.machine, Lines()) is ExitStatus.FAILED
    assert_restored(here, folder)


def test_what_an_engine_did_of_a_change_that_it_refused_is_taken_back(
    folder: Path, lines: Lines
) -> None:
    here = prepared(folder)
    write(folder, BEFORE.replace("51820", "51821", 1))
    half = DeviceChange(peers=(PeerChange(public_key=PublicKey(bytes([9]) * 32)),))
    break_off(here, "configure", lambda: here.engines.configure("wg0", half))
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert_restored(here, folder)


def test_commands_that_have_run_are_named_when_a_new_interface_goes_again(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, "!first of all\n" + HUB)
    here.journal.fault = "bring up"
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert "wg0: warning: cannot be undone, has run: !first of all" in lines.warnings
