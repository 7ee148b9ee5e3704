"""Look after peers whose endpoints are names: one process for all interfaces of the machine.

It asks a resolver, and gives a peer another endpoint, and does nothing else.  What it
decides is in `reconcile/renewal.py`; here are the notes it works from, the engines it asks
and tells, and the record, so that the next run of netstart-wg finds nothing to do.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from netstart_wg.app.names import NamedPeer, read_names
from netstart_wg.app.output import Output
from netstart_wg.app.records import read_record
from netstart_wg.app.system import Machine
from netstart_wg.errors import BusyError, NetstartError, NotOursError
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import PeerState
from netstart_wg.reconcile.record import encode_record
from netstart_wg.reconcile.renewal import NEVER, Schedule, choose_endpoint, is_lost
from netstart_wg.system.notes import Note


@dataclass(slots=True)
class Watch:
    """What is known of the peers with names."""

    machine: Machine
    output: Output
    schedules: dict[NamedPeer, Schedule] = field(default_factory=dict)
    asked: set[NamedPeer] = field(default_factory=set)
    """Those that somebody is looking up."""
    _seen: dict[NamedPeer, PeerState] = field(default_factory=dict)
    """As they were when they were last looked at."""

    @property
    def due_ns(self) -> int:
        """When the next name is to be looked up; boot time."""
        waiting = (self.schedules[peer].due_ns for peer in self.schedules.keys() - self.asked)
        return min(waiting, default=NEVER)

    def read(self) -> None:
        """Take in what is noted now; a name that is new is looked up at once."""
        noted = read_names(self.machine)
        self.schedules = {peer: self.schedules.get(peer, Schedule()) for peer in noted}
        self._seen = {peer: state for peer, state in self._seen.items() if peer in noted}

    def take_due(self, now_ns: int) -> list[NamedPeer]:
        """Return those whose names are to be looked up now; each is answered with `found`."""
        due = [
            peer
            for peer, schedule in self.schedules.items()
            if schedule.due_ns <= now_ns and peer not in self.asked
        ]
        self.asked.update(due)
        return due

    def network_changed(self, now_ns: int) -> None:
        """Look all names up again."""
        self.schedules = {
            peer: schedule.network_changed(now_ns) for peer, schedule in self.schedules.items()
        }

    def look(self, now_ns: int) -> None:
        """See which peers are not heard of any more; forget interfaces that are no more."""
        for interface, peers in self._by_interface().items():
            try:
                states = self._states(interface)
            except NotOursError:
                states = None
            except NetstartError:
                continue
            if states is None:
                self._forget(interface)
                continue
            for peer in peers:
                state = states.get(peer)
                if state is None:
                    continue
                realtime_ns = self.machine.system.realtime_ns()
                if is_lost(state, self._seen.get(peer), realtime_ns):
                    self.schedules[peer] = self.schedules[peer].asked_for(now_ns)
                self._seen[peer] = state

    def found(self, peer: NamedPeer, addresses: Sequence[Endpoint], now_ns: int) -> None:
        """Give a peer where its name leads; none of them is no answer."""
        self.asked.discard(peer)
        schedule = self.schedules.get(peer)
        if schedule is None:
            return
        jitter = random.random()  # noqa: S311 - it only spreads questions out
        try:
            is_settled = bool(addresses) and self._settle(peer, addresses)
        except BusyError:
            is_settled = False
        except NetstartError as error:
            self.output.warn(str(error))
            is_settled = False
        later = schedule.in_vain(now_ns, jitter, is_resolved=bool(addresses))
        self.schedules[peer] = schedule.done() if is_settled else later

    def _settle(self, peer: NamedPeer, addresses: Sequence[Endpoint]) -> bool:
        """Set the endpoint if it is to be another; return whether there is nothing left to do."""
        with self.machine.system.lock(peer.interface):
            states = self._states(peer.interface)
            state = states.get(peer) if states is not None else None
            if state is None:
                return True
            realtime_ns = self.machine.system.realtime_ns()
            endpoint = choose_endpoint(addresses, state, realtime_ns)
            if endpoint is not None:
                self._set(peer, endpoint)
            self._remember(peer)
        return not is_lost(state, self._seen.get(peer), realtime_ns)

    def _set(self, peer: NamedPeer, endpoint: Endpoint) -> None:
        change = PeerChange(public_key=peer.public_key, update_only=True, endpoint=endpoint)
        self.machine.backend.configure(peer.interface, DeviceChange(peers=(change,)))
        if not endpoint.scope_id:
            self.machine.system.learn_address(peer.name.host, endpoint.address)
        key = peer.public_key.to_base64()
        self.output.done(f"{peer.interface}: wgpeer {key}: {peer.name.host} is {endpoint.address}")

    def _remember(self, peer: NamedPeer) -> None:
        """Let the record say that the peer has what the file declares."""
        record = read_record(peer.interface, self.machine)
        if record is None:
            return
        now = _with_endpoint(record, peer)
        if now != record:
            self.machine.system.write_record(peer.interface, encode_record(now))

    def _states(self, interface: str) -> Mapping[NamedPeer, PeerState] | None:
        """Return what the engine says of the peers with names; None if there is no engine."""
        engine = self.machine.backend.state(interface)
        if engine is None:
            return None
        by_key = {peer.public_key: peer for peer in engine.peers}
        named = (peer for peer in self.schedules if peer.interface == interface)
        return {peer: by_key[peer.public_key] for peer in named if peer.public_key in by_key}

    def _by_interface(self) -> Mapping[str, list[NamedPeer]]:
        grouped: dict[str, list[NamedPeer]] = defaultdict(list)
        for peer in self.schedules:
            grouped[peer.interface].append(peer)
        return grouped

    def _forget(self, interface: str) -> None:
        self.machine.system.remove_note(interface, Note.NAMES)
        self.schedules = {
            peer: schedule
            for peer, schedule in self.schedules.items()
            if peer.interface != interface
        }


def _with_endpoint(record: AppliedRecord, peer: NamedPeer) -> AppliedRecord:
    endpoints = dict(record.endpoints) | {peer.public_key.to_base64(): str(peer.name)}
    return replace(record, endpoints=tuple(sorted(endpoints.items())))
