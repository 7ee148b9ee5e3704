"""A machine without a kernel: interfaces, engines, records and names in memory.

It behaves as Linux does where that matters here: what is not there cannot be
changed, what is there cannot be added, and an interface goes with its engine.
Every write is noted, so that a test can say that there was none; a fault can be
laid on any of them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from netstart_wg.app.keep import decode_charge
from netstart_wg.app.keeper import Keeper
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.system import Machine
from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.backends.memory import MemoryBackend
from netstart_wg.errors import BackendError, BusyError, NoSuchRdomainError, NotOursError
from netstart_wg.model.action import describe_route, describe_rule
from netstart_wg.model.address import Endpoint, EndpointName, IPAddress, IPInterface
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import DEFAULT_MTU
from netstart_wg.model.confirmation import ProcessIdentity
from netstart_wg.model.connection import Connection
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.rule import PolicyRule
from netstart_wg.model.settings import RdomainPlace
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.routes import leaves_through
from netstart_wg.system.commands import CommandResult
from netstart_wg.system.history import LIMIT
from netstart_wg.system.names import Unresolved
from netstart_wg.system.notes import Note

IFF_UP = 0x1
IFF_DEBUG = 0x4
IFF_FRESH_TUN = 0x1090
"""POINTOPOINT, NOARP, MULTICAST."""

NOW_NS = 1_700_000_000_000_000_000


def namespace_of(rdomain: int) -> int:
    """Return the inode of an rdomain's namespace."""
    return 4_026_531_840 + rdomain


@dataclass
class Journal:
    """What was written, in order, and which write shall fail."""

    writes: list[str] = field(default_factory=list)
    fault: str | None = None
    """The beginning of the write that the system refuses."""
    faults_at: frozenset[int] = frozenset()
    """Which writes it refuses, counted from 0 and including those that it has refused."""
    attempts: int = 0

    def write(self, operation: str, interface: str, text: object = "") -> None:
        entry = f"{operation} {text}".strip()
        number, self.attempts = self.attempts, self.attempts + 1
        is_named = self.fault is not None and entry.startswith(self.fault)
        if is_named or number in self.faults_at:
            raise BackendError(operation, interface, os.strerror(errno.EIO).lower(), errno.EIO)
        self.writes.append(entry)


class LinksInMemory:
    """The interfaces and routes of all rdomains."""

    def __init__(self, journal: Journal) -> None:
        self.states: dict[str, InterfaceState] = {}
        self.routes: dict[RouteKey, Route] = {}
        """Those of our protocol number."""
        self.rules: list[PolicyRule] = []
        """Those of our protocol number."""
        self.engines: set[str] = set()
        """Interfaces whose engine runs."""
        self.path_mtus: dict[tuple[int, str, int], int] = {}
        """(Rdomain, address, mark) → the MTU on the way there."""
        self.tables_of_others: set[int] = set()
        self.strict_filters: set[str] = set()
        """Interfaces whose rp_filter is 1."""
        self.rdomains = {0}
        self.is_deaf = False
        """Whether it takes every write and does nothing."""
        self.journal = journal
        self._indices = iter(range(2, 1000))

    def add(self, interface: str) -> None:
        """Let an interface appear, as another program or an engine makes it."""
        self.states[interface] = InterfaceState(
            name=interface, index=self.next_index(), flags=IFF_FRESH_TUN, mtu=DEFAULT_MTU
        )

    def next_index(self) -> int:
        """Return an index that is free in every rdomain; Linux may give one at each move."""
        return next(self._indices)

    def change(self, interface: str, **values: object) -> None:
        """Let an interface be another in some respect."""
        state = self.states[interface]
        if not self.is_deaf:
            self.states[interface] = replace(state, **values)  # type: ignore[arg-type]

    def drop_routes(self, interface: str, *versions: int) -> None:
        """Take away what leads through an interface, as Linux does when it goes down."""
        rdomain = self.states[interface].rdomain
        for route in list(self.routes.values()):
            is_concerned = route.key.destination.version in (versions or (4, 6))
            if is_concerned and leaves_through(route, interface, rdomain):
                del self.routes[route.key]


class LinksOfRdomain:
    """Satisfies `netstart_wg.app.system.Links`."""

    def __init__(self, every: LinksInMemory, rdomain: int) -> None:
        self._every = every
        self._rdomain = rdomain
        self._journal = every.journal

    def observe(self, interface: str) -> InterfaceState | None:
        state = self._every.states.get(interface)
        return state if state is not None and state.rdomain == self._rdomain else None

    def move(self, interface: str, rdomain: int) -> None:
        self._journal.write("move", interface, rdomain)
        state = self._present(interface)
        if rdomain not in self._every.rdomains:
            raise NoSuchRdomainError(rdomain)
        self._every.drop_routes(interface)
        self._every.change(
            interface,
            rdomain=rdomain,
            index=self._every.next_index(),
            flags=state.flags & ~IFF_UP,
            addresses=(),
            kernel_addresses=(),
            broadcasts=(),
        )

    def interface_towards(
        self, destination: IPv4Address | IPv6Address, source: IPv4Address | IPv6Address
    ) -> str | None:
        assert destination.version == source.version
        for state in self._every.states.values():
            if any(destination in each.network for each in state.addresses):
                return state.name
        for route in self._every.routes.values():
            if destination in route.key.destination:
                return route.next_hops[0].interface
        return "eth0"

    def set_mtu(self, interface: str, mtu_bytes: int) -> None:
        self._journal.write("set mtu", interface, mtu_bytes)
        self._change(interface, mtu=mtu_bytes)

    def set_description(self, interface: str, description: str | None) -> None:
        self._journal.write("set description", interface, description)
        self._change(interface, description=description)

    def set_debug(self, interface: str, is_on: bool) -> None:
        self._journal.write("set debug", interface, is_on)
        flags = self._present(interface).flags
        self._change(interface, flags=flags | IFF_DEBUG if is_on else flags & ~IFF_DEBUG)

    def add_address(
        self, interface: str, address: IPInterface, broadcast: IPv4Address | None = None
    ) -> None:
        self._journal.write("add address", interface, address)
        state = self._present(interface)
        if address in state.addresses:
            raise BackendError("add address", interface, "file exists", errno.EEXIST)
        given = ((address, broadcast),) if broadcast is not None else ()
        self._change(
            interface,
            addresses=(*state.addresses, address),
            broadcasts=(*state.broadcasts, *given),
        )

    def remove_address(self, interface: str, address: IPInterface) -> None:
        self._journal.write("remove address", interface, address)
        present = self._present(interface).addresses
        if address not in present:
            raise BackendError("remove address", interface, "not there", errno.EADDRNOTAVAIL)
        broadcasts = self._present(interface).broadcasts
        self._change(
            interface,
            addresses=tuple(each for each in present if each != address),
            broadcasts=tuple(pair for pair in broadcasts if pair[0] != address),
        )
        if not any(each.version == 4 for each in self._present(interface).addresses):
            self._every.drop_routes(interface, 4)

    def bring_up(self, interface: str) -> None:
        self._journal.write("bring up", interface)
        self._change(interface, flags=self._present(interface).flags | IFF_UP)

    def bring_down(self, interface: str) -> None:
        self._journal.write("bring down", interface)
        self._change(interface, flags=self._present(interface).flags & ~IFF_UP)
        self._every.drop_routes(interface)

    def routes(self) -> tuple[Route, ...]:
        routes = self._every.routes.values()
        return tuple(route for route in routes if route.key.rdomain == self._rdomain)

    def add_route(self, interface: str, route: Route) -> None:
        self._journal.write("add route", interface, describe_route(route))
        for hop in route.next_hops:
            if hop.interface is not None and not self._present(hop.interface).is_up:
                raise BackendError("add route", interface, "network is down", errno.ENETDOWN)
        hops = tuple(self._by_way_of(hop) for hop in route.next_hops)
        self._every.routes[route.key] = replace(route, next_hops=hops)

    def add_routes(
        self, interface: str, routes: Sequence[Route]
    ) -> Mapping[RouteKey, BackendError]:
        refused = {}
        for route in routes:
            try:
                self.add_route(interface, route)
            except BackendError as error:
                refused[route.key] = error
        return refused

    def _by_way_of(self, hop: NextHop) -> NextHop:
        """Find the interface that leads to a gateway, as the kernel does; else it is the cable."""
        if hop.interface is not None or hop.gateway is None:
            return hop
        for state in self._every.states.values():
            near = any(hop.gateway in address.network for address in state.addresses)
            if near and state.rdomain == self._rdomain:
                return replace(hop, interface=state.name)
        return replace(hop, interface="eth0")

    def remove_route(self, interface: str, route: Route) -> None:
        self._journal.write("remove route", interface, describe_route(route))
        if route.key not in self._every.routes:
            raise BackendError("remove route", interface, "no such process", errno.ESRCH)
        del self._every.routes[route.key]

    def rules(self) -> tuple[PolicyRule, ...]:
        return tuple(rule for rule in self._every.rules if rule.rdomain == self._rdomain)

    def add_rule(self, interface: str, rule: PolicyRule) -> None:
        self._journal.write("add rule", interface, describe_rule(rule))
        if rule not in self._every.rules:
            self._every.rules.append(rule)

    def remove_rule(self, interface: str, rule: PolicyRule) -> None:
        self._journal.write("remove rule", interface, describe_rule(rule))
        if rule in self._every.rules:
            self._every.rules.remove(rule)

    def is_table_of_others(self, table: int) -> bool:
        return table in self._every.tables_of_others

    def path_mtu(self, endpoint: Endpoint, fwmark: int, tunnel: str) -> int | None:
        assert not tunnel.startswith("eth")
        return self._every.path_mtus.get((self._rdomain, str(endpoint.address), fwmark))

    def filters_strictly(self, interface: str) -> bool:
        return bool(self._every.strict_filters - {interface})

    def _present(self, interface: str) -> InterfaceState:
        state = self.observe(interface)
        if state is None:
            raise BackendError("change", interface, "no such device", errno.ENODEV)
        return state

    def _change(self, interface: str, **values: object) -> None:
        self._present(interface)
        self._every.change(interface, **values)


class EnginesInMemory(MemoryBackend):
    """Engines whose interfaces come and go with them, and some that are not ours."""

    def __init__(self, journal: Journal, links: LinksInMemory) -> None:
        super().__init__(derive_public_key)
        self.foreign: set[str] = set()
        self.silent: set[str] = set()
        """Engines that accept and do not answer."""
        self.renamed: set[str] = set()
        """Engines whose interface has another name now."""
        self.times_read = 0
        """How often somebody wanted to know all of an engine."""
        self.notices: list[str] = []
        """What an engine tells who follows it, before it ends."""
        self.impatient: set[str] = set()
        """Engines that hang up on who follows them, and do not end."""
        self._journal = journal
        self._links = links

    def create(self, interface: str, kind: EngineKind = EngineKind.EMBEDDED) -> None:
        self._journal.write("create", interface)
        super().create(interface, kind)
        self._links.add(interface)
        self._links.engines.add(interface)

    def destroy(self, interface: str) -> None:
        self._journal.write("destroy", interface)
        super().destroy(interface)
        self._links.engines.discard(interface)
        if interface in self.renamed:
            self.renamed.remove(interface)  # and what has its former name stays
        else:
            if interface in self._links.states:
                self._links.drop_routes(interface)
            self._links.states.pop(interface, None)

    def crash(self, interface: str) -> None:
        """Let the engine die, and the interface with it."""
        super().destroy(interface)
        self._links.engines.discard(interface)
        self._links.drop_routes(interface)
        del self._links.states[interface]

    def displace(self, interface: str) -> None:
        self._journal.write("displace", interface)
        if self._links.states.pop(interface, None) is None:
            super().displace(interface)
        self.foreign.discard(interface)

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        self.times_read += 1
        return self._told(interface, patience_seconds)

    def glance(self, interface: str) -> WireGuardState | None:
        state = self._told(interface, PATIENCE_SECONDS)
        return state and replace(state, peers=())

    def _told(self, interface: str, patience_seconds: float) -> WireGuardState | None:
        if interface in self.foreign:
            raise NotOursError("ask the engine", interface, "it is another program's")
        if interface in self.silent:
            reason = f"no answer within {patience_seconds:g} seconds"
            raise BackendError("ask the engine", interface, reason)
        state = super().state(interface)
        if state is None or interface not in self._links.states:
            return state
        if interface in self.renamed:
            return replace(state, link_namespace=0)
        return replace(state, link_namespace=namespace_of(self._links.states[interface].rdomain))

    def configure(self, interface: str, change: DeviceChange) -> None:
        self._journal.write("configure", interface)
        super().configure(interface, change)

    def follow(self, interface: str) -> Iterator[str]:
        super().follow(interface)
        return self._tell(interface)

    def _tell(self, interface: str) -> Iterator[str]:
        yield from self.notices
        if interface not in self.impatient:
            self.destroy(interface)

    def roam(self, interface: str, peer: PublicKey, endpoint: Endpoint) -> None:
        """Let a peer be heard from somewhere else; nobody writes that."""
        heard = PeerChange(public_key=peer, endpoint=endpoint)
        super().configure(interface, DeviceChange(peers=(heard,)))


class HistoryInMemory:
    """Satisfies `netstart_wg.app.system.History`."""

    def __init__(self) -> None:
        self.texts: dict[str, dict[int, str]] = {}
        self.is_read_only = False

    def interfaces(self) -> tuple[str, ...]:
        return tuple(sorted(self.texts))

    def numbers(self, interface: str) -> tuple[int, ...]:
        return tuple(sorted(self.texts.get(interface, ())))

    def read(self, interface: str, number: int) -> str | None:
        return self.texts.get(interface, {}).get(number)

    def write(self, interface: str, number: int, text: str) -> None:
        if self.is_read_only:
            raise BackendError("write the history", interface, os.strerror(errno.EROFS))
        self.texts.setdefault(interface, {})[number] = text
        for old in self.numbers(interface)[:-LIMIT]:
            del self.texts[interface][old]


class SystemInMemory:
    """Satisfies `netstart_wg.app.system.System`."""

    def __init__(self, journal: Journal) -> None:
        self.every_link = LinksInMemory(journal)
        self.has_root = True
        self.records: dict[str, str] = {}
        self.fixpoints: dict[str, str] = {}
        self.notes: dict[tuple[str, Note], str] = {}
        self.connection: Connection | None = None
        """By which whoever runs us is there."""
        self.applied = HistoryInMemory()
        self.up_for_ns = 7_000_000_000
        """Since the machine was started."""
        self.processes: set[ProcessIdentity] = set()
        """Those that are there."""
        self.keepers: dict[int, Keeper] = {}
        """By process; in memory there is no other process, and nobody watches the time."""
        self.told_by_keepers = Lines()
        self.machine: Machine | None = None
        """That this is the system of."""
        self.hosts: dict[str, str] = {}
        """Host name → address."""
        self.looked_up: list[str] = []
        self.learnt: dict[str, str] = {}
        self.watches_names = False
        self.failing_commands: set[str] = set()
        self.printed: dict[str, list[str]] = {}
        """Command → the lines that it prints."""
        self.own_rdomains: set[int] = set()
        """Those that we made."""
        self.insecure_files: set[Path] = set()
        """Those that others may read."""
        self.writable_files: set[Path] = set()
        """Those that others may write."""
        self.written_ns: dict[Path, int] = {}
        """When files were written."""
        self.files_are_read_only = False
        self.credentials: Path | None = None
        self.places: Mapping[int, RdomainPlace] = {}
        self.namespaces: set[str] = set()
        """Names of namespaces that are none of ours."""
        self.named: dict[int, str] = {}
        """Rdomains that are such a namespace."""
        self.sockets: set[str] = set()
        self.locked: set[str] = set()
        """Interfaces that another run is at work on."""
        self._journal = journal

    def links(self, rdomain: int = 0) -> LinksOfRdomain:
        if rdomain not in self.every_link.rdomains:
            raise NoSuchRdomainError(rdomain)
        return LinksOfRdomain(self.every_link, rdomain)

    def place_rdomains(self, places: Mapping[int, RdomainPlace]) -> None:
        self.places = dict(places)

    def check_rdomain(self, rdomain: int) -> None:
        place = self.places.get(rdomain)
        if place is not None and place.name not in self.namespaces:
            reason = f'there is no namespace "{place.name}"'
            raise BackendError("use", f"rdomain {rdomain}", reason)

    def is_rdomain_called(self, rdomain: int, name: str) -> bool:
        return self.named.get(rdomain) == name and name in self.namespaces

    def make_rdomain(self, rdomain: int) -> None:
        self.check_rdomain(rdomain)
        if rdomain in self.places:
            self.named[rdomain] = self.places[rdomain].name
        if rdomain not in self.every_link.rdomains:
            self._journal.write("make rdomain", "", rdomain)
            self.every_link.rdomains.add(rdomain)
            self.own_rdomains.add(rdomain)

    def remove_rdomain(self, rdomain: int) -> bool:
        every = self.every_link
        is_empty = all(state.rdomain != rdomain for state in every.states.values())
        if rdomain not in self.own_rdomains or not is_empty:
            return False
        self.own_rdomains.discard(rdomain)
        every.rdomains.discard(rdomain)
        return True

    def rdomains_in_use(self) -> AbstractContextManager[bool]:
        return nullcontext(True)

    def rdomain_of(self, namespace: int) -> int | None:
        rdomain = namespace - namespace_of(0)
        return rdomain if rdomain in self.every_link.rdomains else None

    def rdomains(self) -> tuple[int, ...]:
        return tuple(sorted(self.every_link.rdomains - {0}))

    def is_root(self) -> bool:
        return self.has_root

    def realtime_ns(self) -> int:
        return NOW_NS

    def newest_file(self, files: Iterable[Path]) -> tuple[Path, int] | None:
        written = [(path, self.written_ns.get(path, 0)) for path in files]
        return max(written, key=lambda each: each[1], default=None)

    def is_insecure(self, path: Path, *, may_be_read: bool = False) -> bool:
        return path in (self.writable_files if may_be_read else self.insecure_files)

    def fix_permissions(self, path: Path, *, may_be_read: bool = False) -> None:
        if self.files_are_read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        self._journal.write("fix permissions", "", path)
        (self.writable_files if may_be_read else self.insecure_files).remove(path)

    def credentials_folder(self) -> Path | None:
        return self.credentials

    def lock(self, interface: str) -> AbstractContextManager[None]:
        return self._lock(interface)

    @contextmanager
    def _lock(self, interface: str) -> Iterator[None]:
        if interface in self.locked:
            raise BusyError(f"{interface}: another run is at work on it")
        self.locked.add(interface)
        try:
            yield
        finally:
            self.locked.remove(interface)

    def remove_lock(self, interface: str) -> None:
        assert interface in self.locked

    def known_interfaces(self) -> tuple[str, ...]:
        return tuple(sorted(self.records))

    def clear_run_directory(self) -> None:
        """There is none."""

    def read_record(self, interface: str) -> str | None:
        return self.records.get(interface)

    def write_record(self, interface: str, text: str) -> None:
        self._journal.write("write record", interface)
        self.records[interface] = text

    def remove_record(self, interface: str) -> None:
        self.records.pop(interface, None)
        self.fixpoints.pop(interface, None)

    def read_fixpoint(self, interface: str) -> str | None:
        return self.fixpoints.get(interface)

    def write_fixpoint(self, interface: str, text: str) -> None:
        self.fixpoints[interface] = text

    def read_note(self, interface: str, note: Note) -> str | None:
        return self.notes.get((interface, note))

    def write_note(self, interface: str, note: Note, text: str) -> None:
        self.notes[interface, note] = text

    def remove_note(self, interface: str, note: Note) -> None:
        self.notes.pop((interface, note), None)

    def noted_interfaces(self, note: Note) -> tuple[str, ...]:
        return tuple(sorted(interface for interface, each in self.notes if each is note))

    def history(self) -> HistoryInMemory:
        return self.applied

    def ssh_connection(self) -> Connection | None:
        return self.connection

    def boot_time_ns(self) -> int:
        return self.up_for_ns

    def is_running(self, process: ProcessIdentity) -> bool:
        return process in self.processes

    def start_keeper(self, interfaces: Sequence[str], charge: bytes) -> int:
        assert self.machine is not None
        assert list(interfaces) == [ward.interface for ward in decode_charge(charge).wards]
        process = ProcessIdentity(number=1000 + len(self.keepers), start_ticks=17)
        keeper = Keeper(
            charge=decode_charge(charge),
            process=process,
            machine=self.machine,
            output=self.told_by_keepers,
            end_caller=self.locked.clear,
        )
        self.processes.add(process)
        self.keepers[process.number] = keeper
        keeper.begin()
        return process.number

    def ask_keeper(self, process: int, question: str) -> str | None:
        keeper = self.keepers.get(process)
        return None if keeper is None else keeper.answer(question)

    def run_command(self, text: str, rdomain: int, tell: Callable[[str], None]) -> CommandResult:
        self._journal.write(f"run in {rdomain}" if rdomain else "run", "", text)
        for line in self.printed.get(text, ()):
            tell(line)
        return CommandResult(status=1 if text in self.failing_commands else 0)

    def resolve(
        self, endpoints: Collection[EndpointName]
    ) -> Mapping[EndpointName, Endpoint | Unresolved]:
        self.looked_up += [name.host for name in endpoints]
        return {name: self._resolve(name) for name in endpoints}

    def look_up(self, name: EndpointName, rdomain: int) -> Sequence[Endpoint]:
        found = self._resolve(name)
        return (found,) if isinstance(found, Endpoint) and rdomain == 0 else ()

    def learn_address(self, host: str, address: IPAddress) -> None:
        self.learnt[host] = str(address)

    def is_watching_names(self) -> bool:
        return self.watches_names

    def watch_names(self) -> None:
        self.watches_names = True

    def _resolve(self, name: EndpointName) -> Endpoint | Unresolved:
        if name.host not in self.hosts:
            return Unresolved(name, "name or service not known")
        return Endpoint(ip_address(self.hosts[name.host]), name.port)

    def engine_names(self) -> tuple[str, ...]:
        return tuple(sorted(self.sockets | self.every_link.engines))


class MachineInMemory:
    """All of it, as the use cases take it and as a test looks at it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.system = SystemInMemory(self.journal)
        self.links = self.system.every_link
        self.engines = EnginesInMemory(self.journal, self.links)
        self.machine = Machine(self.system, self.engines)
        self.system.machine = self.machine


class Lines:
    """Satisfies `netstart_wg.app.output.Output`: what was said, to whom."""

    def __init__(self) -> None:
        self.has_reader = True
        self.said: list[str] = []
        self.steps: list[str] = []
        self.summaries: list[str] = []
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def done(self, text: str) -> None:
        self.summaries.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
