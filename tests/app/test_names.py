"""Names on record, and what whoever looks after them does, with a machine in memory."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from netstart_wg.app.names import NamedPeer, read_names, restore_names
from netstart_wg.app.watch_names import Watch
from netstart_wg.errors import ExitStatus
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.reconcile.renewal import NEVER, SECOND, TRY_NS
from netstart_wg.system.notes import Note
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, LAPTOP, OFFICE, PRIVATE_KEY, run, write

HOST = "vpn.example"
PEER = NamedPeer(
    interface="wg0", public_key=PublicKey.from_base64(OFFICE), name=EndpointName(HOST, 51820)
)
FILE = f"{HUB}wgpeer {OFFICE} wgendpoint {HOST} 51820\n"
HERE, THERE = (Endpoint(ip_address(f"192.0.2.{number}"), 51820) for number in (1, 2))


@pytest.fixture
def watch(here: MachineInMemory, folder: Path, lines: Lines) -> Watch:
    """Be started by a run that found no address."""
    write(folder, FILE)
    assert run(here, folder, Lines()) is ExitStatus.WARNINGS
    assert here.system.watches_names
    found = Watch(here.machine, lines)
    found.read()
    return found


def endpoint(here: MachineInMemory, key: str = OFFICE) -> Endpoint | None:
    engine = here.engines.state("wg0")
    assert engine is not None
    (peer,) = (peer for peer in engine.peers if peer.public_key.to_base64() == key)
    return peer.endpoint


def test_a_run_notes_the_names_of_its_files(here: MachineInMemory, watch: Watch) -> None:
    assert read_names(here.machine) == {PEER}
    assert set(watch.schedules) == {PEER}


def test_a_file_that_is_refused_moves_no_peer(
    here: MachineInMemory, folder: Path, watch: Watch
) -> None:
    other = PrivateKey(bytes([9] * 32)).to_base64()
    refused = FILE.replace(PRIVATE_KEY.to_base64(), other).replace(HOST, "elsewhere.example")
    write(folder, refused)
    assert run(here, folder, Lines()) is ExitStatus.FAILED
    assert read_names(here.machine) == {PEER}


def test_names_are_those_of_before_when_a_change_has_gone_back(
    here: MachineInMemory, watch: Watch
) -> None:
    before = here.system.read_note("wg0", Note.NAMES)
    here.system.remove_note("wg0", Note.NAMES)
    restore_names("wg0", before, here.machine)
    assert read_names(here.machine) == {PEER}


def test_a_name_that_leaves_the_file_is_noted_no_more(
    here: MachineInMemory, folder: Path, watch: Watch
) -> None:
    write(folder, HUB)
    run(here, folder, Lines())
    watch.read()
    assert watch.schedules == {}
    assert watch.due_ns == NEVER


def test_what_is_found_is_set_and_nothing_is_left_for_the_next_run(
    here: MachineInMemory, folder: Path, watch: Watch
) -> None:
    before = endpoint(here, LAPTOP)
    assert watch.take_due(0) == [PEER]
    assert watch.take_due(0) == []
    watch.found(PEER, [HERE], 0)
    assert (endpoint(here), endpoint(here, LAPTOP)) == (HERE, before)
    assert here.system.learnt == {HOST: "192.0.2.1"}
    assert watch.due_ns >= TRY_NS, "it has a keepalive, and nothing is heard of it yet"
    here.journal.writes.clear()
    again = Lines()
    assert run(here, folder, again) is ExitStatus.OK
    assert again.warnings == []
    assert here.journal.writes == []


def test_what_is_not_found_is_asked_for_again(here: MachineInMemory, watch: Watch) -> None:
    watch.take_due(0)
    watch.found(PEER, [], 0)
    assert endpoint(here) is None
    assert SECOND <= watch.due_ns <= 2 * SECOND
    assert watch.take_due(watch.due_ns) == [PEER]


def test_while_a_run_is_at_work_it_is_tried_again_later(
    here: MachineInMemory, watch: Watch
) -> None:
    here.system.locked.add("wg0")
    watch.found(PEER, [HERE], 0)
    assert endpoint(here) is None
    assert watch.due_ns < NEVER


def test_a_change_of_the_network_is_a_reason_to_look_again(
    here: MachineInMemory, watch: Watch
) -> None:
    watch.found(PEER, [HERE], 0)
    watch.network_changed(7)
    assert watch.take_due(7) == [PEER]
    watch.found(PEER, [THERE], 7)
    assert endpoint(here) == THERE


def test_an_interface_that_is_gone_is_forgotten(here: MachineInMemory, watch: Watch) -> None:
    here.engines.destroy("wg0")
    watch.look(0)
    assert watch.schedules == {}
    assert here.system.read_note("wg0", Note.NAMES) is None


def test_a_note_that_is_damaged_is_passed_over(here: MachineInMemory, watch: Watch) -> None:
    for text in ("", "{", "[]", '{"peers": {"x": 1}}', '{"rdomain": 0, "peers": {"x": ["a", 1]}}'):
        here.system.write_note("wg0", Note.NAMES, text)
        watch.read()
        assert watch.schedules == {}
