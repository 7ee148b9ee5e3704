"""What the use cases work on: a machine, which is its system and its engines.

Tests hand in one in memory; `netstart_wg.app.machine` has the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from netstart_wg.backends.base import Backend
    from netstart_wg.errors import BackendError
    from netstart_wg.model.address import Endpoint, EndpointName, IPAddress, IPInterface
    from netstart_wg.model.confirmation import ProcessIdentity
    from netstart_wg.model.connection import Connection
    from netstart_wg.model.route import Route, RouteKey
    from netstart_wg.model.rule import PolicyRule
    from netstart_wg.model.settings import RdomainPlace
    from netstart_wg.model.state import InterfaceState
    from netstart_wg.system.commands import CommandResult
    from netstart_wg.system.names import Unresolved
    from netstart_wg.system.notes import Note


class Links(Protocol):
    """Network interfaces and routes of one rdomain.  What the kernel refuses is a BackendError."""

    def observe(self, interface: str) -> InterfaceState | None:
        """Return the interface without its engine, or None if there is none."""
        ...

    def move(self, interface: str, rdomain: int) -> None:
        """Move the interface to another rdomain, which exists; it arrives bare and down."""
        ...

    def set_debug(self, interface: str, is_on: bool) -> None:
        """Set or clear IFF_DEBUG."""
        ...

    def routes(self) -> tuple[Route, ...]:
        """Return the routes that carry our protocol number."""
        ...

    def add_route(self, interface: str, route: Route) -> None:
        """Add a route, or replace the one of ours that has its key; never somebody else's."""
        ...

    def add_routes(
        self, interface: str, routes: Sequence[Route]
    ) -> Mapping[RouteKey, BackendError]:
        """Add routes as `add_route` does each; return what became of those refused."""
        ...

    def remove_route(self, interface: str, route: Route) -> None:
        """Remove a route of ours."""
        ...

    def rules(self) -> tuple[PolicyRule, ...]:
        """Return the rules of policy routing that carry our protocol number."""
        ...

    def add_rule(self, interface: str, rule: PolicyRule) -> None:
        """Add a rule unless it is there."""
        ...

    def remove_rule(self, interface: str, rule: PolicyRule) -> None:
        """Remove a rule of ours; it need not be there."""
        ...

    def is_table_of_others(self, table: int) -> bool:
        """Say whether somebody else uses a routing table, or a mark, of this number."""
        ...

    def filters_strictly(self, interface: str) -> bool:
        """Say whether IPv4 from another interface is dropped if answers would go by this one."""
        ...

    def path_mtu(self, endpoint: Endpoint, fwmark: int, tunnel: str) -> int | None:
        """Return how long packets to an endpoint may be; None if there is no way but the tunnel."""
        ...

    def interface_towards(
        self, destination: IPv4Address | IPv6Address, source: IPv4Address | IPv6Address
    ) -> str | None:
        """Return the interface by which we send from one to the other, or None."""
        ...

    def set_mtu(self, interface: str, mtu_bytes: int) -> None:
        """Set how long an inner packet may be."""
        ...

    def set_description(self, interface: str, description: str | None) -> None:
        """Set or, with None, clear the description."""
        ...

    def add_address(
        self, interface: str, address: IPInterface, broadcast: IPv4Address | None = None
    ) -> None:
        """Add an address, usable at once; an IPv4 one perhaps with a broadcast address."""
        ...

    def remove_address(self, interface: str, address: IPInterface) -> None:
        """Remove an address and no other."""
        ...

    def bring_up(self, interface: str) -> None:
        """Set IFF_UP."""
        ...

    def bring_down(self, interface: str) -> None:
        """Clear IFF_UP; the addresses stay."""
        ...


class History(Protocol):
    """What was applied to each interface: numbered texts, the last few of them."""

    def interfaces(self) -> tuple[str, ...]:
        """Return those that have any, sorted."""
        ...

    def numbers(self, interface: str) -> tuple[int, ...]:
        """Return the numbers of an interface's texts, from the oldest to the newest."""
        ...

    def read(self, interface: str, number: int) -> str | None:
        """Return a text, or None if there is none to be had."""
        ...

    def write(self, interface: str, number: int, text: str) -> None:
        """Put a text there, and remove the oldest; raise BackendError."""
        ...


class System(Protocol):
    """Linux, outside WireGuard."""

    def links(self, rdomain: int = 0) -> Links:
        """Return the interfaces of an rdomain; raise BackendError if there is no such rdomain."""
        ...

    def rdomains(self) -> tuple[int, ...]:
        """Return the numbers of the rdomains that exist, sorted, without 0."""
        ...

    def make_rdomain(self, rdomain: int) -> None:
        """Make an rdomain, its loopback up, if there is none, or lead to its place.

        Raise BackendError.
        """
        ...

    def remove_rdomain(self, rdomain: int) -> bool:
        """Remove an rdomain that we made if nobody is in it; say whether it was removed.

        Sockets that engines have there are not looked for.  Raise BackendError.
        """
        ...

    def rdomains_in_use(self) -> AbstractContextManager[bool]:
        """Have nobody remove an rdomain meanwhile."""
        ...

    def place_rdomains(self, places: Mapping[int, RdomainPlace]) -> None:
        """Take notice of where rdomains are that are no namespaces of our own."""
        ...

    def check_rdomain(self, rdomain: int) -> None:
        """Raise BackendError for an rdomain that has a place where it cannot be."""
        ...

    def is_rdomain_called(self, rdomain: int, name: str) -> bool:
        """Say whether an rdomain is the network namespace of that name."""
        ...

    def rdomain_of(self, namespace: int) -> int | None:
        """Return the rdomain that is the network namespace of this inode, or None."""
        ...

    def is_root(self) -> bool:
        """Say whether we may change anything."""
        ...

    def realtime_ns(self) -> int:
        """Read the wall clock."""
        ...

    def newest_file(self, files: Iterable[Path]) -> tuple[Path, int] | None:
        """Return which of these, and of what we write ourselves, was written last, and when.

        Wall clock, nanoseconds since 1970.
        """
        ...

    def is_insecure(self, path: Path, *, may_be_read: bool = False) -> bool:
        """Say whether a file is not root's, or others may use it, or write it; raise OSError."""
        ...

    def fix_permissions(self, path: Path, *, may_be_read: bool = False) -> None:
        """Make a file root's, and nobody else's but perhaps to read; raise OSError."""
        ...

    def credentials_folder(self) -> Path | None:
        """Return where systemd has put the credentials of this run; None if it has not."""
        ...

    def lock(self, interface: str) -> AbstractContextManager[None]:
        """Keep other runs away from the interface; raise BusyError."""
        ...

    def remove_lock(self, interface: str) -> None:
        """Remove the file behind a lock that one holds; who waits for it takes a new one."""
        ...

    def known_interfaces(self) -> tuple[str, ...]:
        """Return those that a run was ever at work on and has not forgotten, sorted."""
        ...

    def clear_run_directory(self) -> None:
        """Remove what no interface, no process and no rdomain needs; raise BackendError."""
        ...

    def read_record(self, interface: str) -> str | None:
        """Return what the last run wrote down, or None."""
        ...

    def write_record(self, interface: str, text: str) -> None:
        """Write down what the next run shall know."""
        ...

    def remove_record(self, interface: str) -> None:
        """Forget the interface."""
        ...

    def read_fixpoint(self, interface: str) -> str | None:
        """Return what the interface was when there was nothing to do, or None."""
        ...

    def write_fixpoint(self, interface: str, text: str) -> None:
        """Remember what the interface is when there is nothing to do."""
        ...

    def read_note(self, interface: str, note: Note) -> str | None:
        """Return what is noted about the interface, or None."""
        ...

    def write_note(self, interface: str, note: Note, text: str) -> None:
        """Note it, in place of what was noted."""
        ...

    def remove_note(self, interface: str, note: Note) -> None:
        """Forget it."""
        ...

    def noted_interfaces(self, note: Note) -> tuple[str, ...]:
        """Return the interfaces with such a note, sorted."""
        ...

    def history(self) -> History:
        """Return what was applied."""
        ...

    def ssh_connection(self) -> Connection | None:
        """Return the connection by which whoever runs us is there; None if there is none."""
        ...

    def boot_time_ns(self) -> int:
        """Return for how long the machine has been on, sleep included."""
        ...

    def is_running(self, process: ProcessIdentity) -> bool:
        """Say whether a process is still there."""
        ...

    def start_keeper(self, interfaces: Sequence[str], charge: bytes) -> int:
        """Start a process that outlives us, with its charge; return its number when it is ready."""
        ...

    def ask_keeper(self, process: int, question: str) -> str | None:
        """Return the answer of such a process, or None if it is gone."""
        ...

    def run_command(self, text: str, rdomain: int, tell: Callable[[str], None]) -> CommandResult:
        """Run a `!` line in an rdomain and wait for it, a bounded time; tell what it prints."""
        ...

    def resolve(
        self, endpoints: Collection[EndpointName]
    ) -> Mapping[EndpointName, Endpoint | Unresolved]:
        """Look up host names, in a bounded time."""
        ...

    def look_up(self, name: EndpointName, rdomain: int) -> Sequence[Endpoint]:
        """Return the addresses of a name in an rdomain, best first; for any thread, unbounded."""
        ...

    def learn_address(self, host: str, address: IPAddress) -> None:
        """Remember where a host was found, also after a reboot."""
        ...

    def is_watching_names(self) -> bool:
        """Say whether the process is there that looks after names of endpoints."""
        ...

    def watch_names(self) -> None:
        """Have that process there, with word that there is something new; raise BackendError."""
        ...

    def engine_names(self) -> tuple[str, ...]:
        """Return the interfaces that have a UAPI socket, of whichever engine, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to be changed."""

    system: System
    backend: Backend
