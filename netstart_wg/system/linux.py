"""The machine netstart-wg runs on, as the use cases want it: one object for all of it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from netstart_wg.errors import BackendError, NoSuchRdomainError
from netstart_wg.system import hostname_files, namespaces, paths, records
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.refusal import refusal

if TYPE_CHECKING:
    from netstart_wg.model.address import Endpoint, EndpointName, IPAddress
    from netstart_wg.model.confirmation import ProcessIdentity
    from netstart_wg.model.connection import Connection
    from netstart_wg.model.settings import RdomainPlace
    from netstart_wg.system.commands import CommandResult
    from netstart_wg.system.history import History
    from netstart_wg.system.names import Unresolved
    from netstart_wg.system.notes import Note


class Linux:
    """Satisfies `netstart_wg.app.system.System`."""

    def __init__(self) -> None:
        self._links: dict[int, Netlink] = {}
        self._places: dict[int, RdomainPlace] = {}

    def close(self) -> None:
        """Give back every socket."""
        while self._links:
            self._links.popitem()[1].close()

    def links(self, rdomain: int = 0) -> Netlink:
        """Return the interfaces of an rdomain, each time the same; raise NoSuchRdomainError."""
        if rdomain not in self._links:
            if not namespaces.is_rdomain(rdomain):
                raise NoSuchRdomainError(rdomain)
            self._links[rdomain] = Netlink(rdomain)
        return self._links[rdomain]

    def rdomains(self) -> tuple[int, ...]:
        """Return the numbers of the rdomains that exist, sorted, without 0."""
        from netstart_wg.system import vrfs

        return tuple(sorted({*namespaces.rdomains(), *vrfs.rdomains()}))

    def make_rdomain(self, rdomain: int) -> None:
        """Make an rdomain if there is none, or lead to its place; raise BackendError."""
        self.check_rdomain(rdomain)
        place = self._places.get(rdomain)
        try:
            if place is None:
                namespaces.make_rdomain(rdomain)
                return

            from netstart_wg.model.settings import RdomainKind

            match place.kind:
                case RdomainKind.NAMESPACE:
                    namespaces.name_rdomain(rdomain, place.name)
                case RdomainKind.VRF:
                    from netstart_wg.system import vrfs

                    vrfs.make(rdomain, place.name, place.table)
                case _:
                    assert_never(place.kind)
        except OSError as error:
            raise refusal("make", f"rdomain {rdomain}", error) from error

    def remove_rdomain(self, rdomain: int) -> bool:
        """Remove an rdomain that we made if nobody is in it; raise BackendError."""
        if (links := self._links.pop(rdomain, None)) is not None:
            links.close()
        from netstart_wg.system import locks, vrfs

        is_vrf = namespaces.vrf_index(rdomain) is not None
        remove = vrfs.remove if is_vrf else namespaces.remove_rdomain
        try:
            with locks.rdomains_lock(is_exclusive=True) as is_held:
                return is_held and remove(rdomain)
        except OSError as error:
            raise refusal("remove", f"rdomain {rdomain}", error) from error

    def rdomains_in_use(self) -> AbstractContextManager[bool]:
        """Have nobody remove an rdomain meanwhile."""
        from netstart_wg.system import locks

        return locks.rdomains_lock(is_exclusive=False)

    def place_rdomains(self, places: Mapping[int, RdomainPlace]) -> None:
        """Take notice of where rdomains are that are no namespaces of our own."""
        self._places = dict(places)

    def check_rdomain(self, rdomain: int) -> None:
        """Raise BackendError for an rdomain that has a place where it cannot be."""
        place = self._places.get(rdomain)
        if place is None:
            obstacle = self._obstacle_to_namespace(rdomain)
        else:
            obstacle = self._obstacle_to_place(rdomain, place)
        if obstacle is not None:
            raise BackendError("use", f"rdomain {rdomain}", obstacle)

    def _obstacle_to_namespace(self, rdomain: int) -> str | None:
        """Return why an rdomain cannot be a namespace of its own; None if it can."""
        if namespaces.vrf_index(rdomain) is None:
            return None
        name = f"rdomain{rdomain}"
        return (
            "it is a VRF, and netstart-wg.toml does not say so"
            f"\n    hint: `ip link property del dev {name} altname {name}` takes that name away"
        )

    def _obstacle_to_place(self, rdomain: int, place: RdomainPlace) -> str | None:
        """Return why an rdomain cannot be there; None if it can."""
        from netstart_wg.model.settings import RdomainKind

        match place.kind:
            case RdomainKind.NAMESPACE:
                if namespaces.vrf_index(rdomain) is not None:
                    return self._obstacle_to_namespace(rdomain)
                return namespaces.obstacle_to_name(rdomain, place.name)
            case RdomainKind.VRF:
                from netstart_wg.system import vrfs

                return vrfs.obstacle(rdomain, place.name, place.table)
            case _:
                assert_never(place.kind)

    def is_rdomain_called(self, rdomain: int, name: str) -> bool:
        """Say whether an rdomain is the network namespace, or the VRF, of that name."""
        if (index := namespaces.vrf_index(rdomain)) is None:
            return namespaces.is_called(rdomain, name)
        return socket.if_indextoname(index) == name

    def rdomain_of(self, namespace: int) -> int | None:
        """Return the rdomain that is the network namespace of this inode, or None."""
        return namespaces.rdomain_of(namespace)

    def is_root(self) -> bool:
        """Say whether we may change anything."""
        return os.geteuid() == 0

    def realtime_ns(self) -> int:
        """Read the wall clock."""
        return time.time_ns()

    def newest_file(self, files: Iterable[Path]) -> tuple[Path, int] | None:
        """Return which of these, or of the history, was written last, and when."""
        candidates = [*files, paths.ADDRESS_BOOK, *paths.HISTORY_DIRECTORY.glob("*/*")]
        written = [(path, path.stat().st_mtime_ns) for path in candidates if path.exists()]
        return max(written, key=lambda each: each[1], default=None)

    def is_insecure(self, path: Path, *, may_be_read: bool = False) -> bool:
        """Say whether a file is not root's, or others may use it; raise OSError."""
        return hostname_files.is_insecure(path, may_be_read=may_be_read)

    def fix_permissions(self, path: Path, *, may_be_read: bool = False) -> None:
        """Make a file root's, and nobody else's; raise OSError."""
        hostname_files.fix_permissions(path, may_be_read=may_be_read)

    def credentials_folder(self) -> Path | None:
        """Return where systemd has put the credentials of this run (systemd.exec(5)), or None.

        A run by hand finds those of the service, as long as that is active.
        """
        from netstart_wg.system.service_manager import CREDENTIALS_FOLDER

        if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
            return Path(folder)
        return CREDENTIALS_FOLDER if CREDENTIALS_FOLDER.is_dir() else None

    def lock(self, interface: str) -> AbstractContextManager[None]:
        """Keep other runs away from the interface; raise BusyError."""
        from netstart_wg.system import locks

        return locks.interface_lock(interface)

    def remove_lock(self, interface: str) -> None:
        """Remove the file of a lock that is held."""
        from netstart_wg.system import locks

        locks.remove_lock(interface)

    def known_interfaces(self) -> tuple[str, ...]:
        """Return the interfaces that have a file in the run directory, sorted."""
        return paths.interfaces_in_run_directory()

    def clear_run_directory(self) -> None:
        """Remove what is nobody's there, and the folder if nothing is left."""
        from netstart_wg.system import run_directory

        run_directory.clear()

    def read_record(self, interface: str) -> str | None:
        """Return what the last run wrote down, or None."""
        return records.read_record(interface)

    def write_record(self, interface: str, text: str) -> None:
        """Write down what the next run shall know."""
        records.write_record(interface, text)

    def remove_record(self, interface: str) -> None:
        """Forget the interface."""
        records.remove_record(interface)

    def read_fixpoint(self, interface: str) -> str | None:
        """Return what the interface was when there was nothing to do, or None."""
        return records.read_fixpoint(interface)

    def write_fixpoint(self, interface: str, text: str) -> None:
        """Remember what the interface is when there is nothing to do."""
        records.write_fixpoint(interface, text)

    def read_note(self, interface: str, note: Note) -> str | None:
        """Return what is noted about the interface, or None."""
        from netstart_wg.system import notes

        return notes.read_note(interface, note)

    def write_note(self, interface: str, note: Note, text: str) -> None:
        """Note it, in place of what was noted."""
        from netstart_wg.system import notes

        notes.write_note(interface, note, text)

    def remove_note(self, interface: str, note: Note) -> None:
        """Forget it."""
        from netstart_wg.system import notes

        notes.remove_note(interface, note)

    def noted_interfaces(self, note: Note) -> tuple[str, ...]:
        """Return the interfaces with such a note, sorted."""
        from netstart_wg.system import notes

        return notes.noted_interfaces(note)

    def history(self) -> History:
        """Return what was applied."""
        from netstart_wg.system.history import History

        return History()

    def ssh_connection(self) -> Connection | None:
        """Return the connection by which whoever runs us is there; None if there is none."""
        from netstart_wg.system import ssh

        return ssh.ssh_connection()

    def boot_time_ns(self) -> int:
        """Return for how long the machine has been on, sleep included."""
        from netstart_wg.system.boot_timer import boot_time_ns

        return boot_time_ns()

    def is_running(self, process: ProcessIdentity) -> bool:
        """Say whether a process is still there."""
        from netstart_wg.system import processes

        return processes.is_running(process)

    def start_keeper(self, interfaces: Sequence[str], charge: bytes) -> int:
        """Start a process that outlives us; return its number when it is ready."""
        from netstart_wg.system import keepers

        return keepers.start_keeper(interfaces, charge)

    def ask_keeper(self, process: int, question: str) -> str | None:
        """Return the answer of such a process, or None if it is gone."""
        from netstart_wg.system import keeper_socket

        return keeper_socket.ask_keeper(process, question)

    def run_command(self, text: str, rdomain: int, tell: Callable[[str], None]) -> CommandResult:
        """Run a `!` line in an rdomain, and tell what it prints."""
        from netstart_wg.system import commands

        return commands.run_command(text, rdomain, tell)

    def resolve(
        self, endpoints: Collection[EndpointName]
    ) -> Mapping[EndpointName, Endpoint | Unresolved]:
        """Look up host names; where nobody answers, where they were last found is told too."""
        from netstart_wg.system import names
        from netstart_wg.system.address_book import AddressBook

        book = AddressBook()
        answers = names.resolve_all(endpoints)
        found = {
            name.host: answer.address
            for name, answer in answers.items()
            if not isinstance(answer, names.Unresolved) and not answer.scope_id
        }
        if found:
            book.learn(found)
        if len(found) == len(answers):
            return answers
        return names.with_last_known(answers, book.read())

    def look_up(self, name: EndpointName, rdomain: int) -> Sequence[Endpoint]:
        """Ask the resolver, from within an rdomain."""
        from netstart_wg.system import names

        try:
            with namespaces.inside_rdomain(rdomain):
                found = names.resolve_every(name)
        except OSError:  # there is no such rdomain
            return ()
        return () if isinstance(found, names.Unresolved) else found

    def learn_address(self, host: str, address: IPAddress) -> None:
        """Remember where a host was found."""
        from netstart_wg.system.address_book import AddressBook

        AddressBook().learn({host: address})

    def is_watching_names(self) -> bool:
        """Say whether somebody looks after names."""
        from netstart_wg.system import names_process

        return names_process.is_watching()

    def watch_names(self) -> None:
        """Have somebody look after names, anew."""
        from netstart_wg.system import names_process

        names_process.start_or_wake()

    def engine_names(self) -> tuple[str, ...]:
        """Return the interfaces with a UAPI socket, whosever, and ours of the kernel, sorted."""
        from netstart_wg.system import notes

        of_the_kernel = notes.noted_interfaces(notes.Note.KERNEL)
        return tuple(sorted({*paths.interfaces_with_socket(), *of_the_kernel}))
