"""The rtnetlink socket of one rdomain.  Only this file and its users know pyroute2.

The library is loaded with the first request, and one socket serves the whole
run; it stays in the namespace it was made in.  What the kernel refuses is an
OSError.  The library is untyped; nothing of its types leaves the package.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

from netstart_wg.system.namespaces import inside_rdomain, namespace_around, vrf_index
from netstart_wg.system.netlink_library import load_parts_only
from netstart_wg.system.refusal import refusal

if TYPE_CHECKING:
    from pyroute2.iproute import IPRoute
    from pyroute2.netlink import nlmsg
    from pyroute2.netlink.exceptions import NetlinkError

    from netstart_wg.system.vrfs import Vrf

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_DUMP: Final = 0x300
NLM_F_CREATE: Final = 0x400
"""linux/netlink.h."""

RT_TABLE_MAIN: Final = 254
"""linux/rtnetlink.h."""

DUMP_ATTEMPTS: Final = 5
"""How often to read a table anew that changes while it is read."""


class Rtnetlink:
    """One socket, opened when first needed; for one thread."""

    def __init__(self, rdomain: int) -> None:
        load_parts_only()
        self.rdomain = rdomain
        self._socket: IPRoute | None = None

    def close(self) -> None:
        """Give the socket back; a later request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @functools.cached_property
    def vrf(self) -> Vrf | None:
        """The VRF that the rdomain is, None if it is a namespace; raise OSError."""
        if vrf_index(self.rdomain) is None:
            return None
        from netstart_wg.system import vrfs

        return vrfs.find(self.rdomain)

    @property
    def namespace(self) -> int | None:
        """The inode of the namespace that the socket is in."""
        return namespace_around(self.rdomain)

    @property
    def main_table(self) -> int:
        """The number of the routing table that has the rdomain's routes."""
        return RT_TABLE_MAIN if self.vrf is None else self.vrf.table

    def inside(self) -> AbstractContextManager[None]:
        """Work where the socket is: for what asks not netlink but the thread's namespace."""
        return inside_rdomain(self.rdomain)

    def get_link(self, **attributes: int | str) -> nlmsg:
        """Return the link of that name or index; raise OSError, ENODEV if there is none."""
        with _os_errors():
            (link,) = self._route().link("get", **attributes)
        return link

    def link(self, command: str, **attributes: int | str) -> None:
        """Change a link."""
        with _os_errors():
            self._route().link(command, **attributes)

    def address(self, command: str, **attributes: int | str) -> None:
        """Change an address."""
        with _os_errors():
            self._route().addr(command, **attributes)

    def get_addresses(self, index: int) -> list[nlmsg]:
        """Return the addresses of a link."""
        return _dump(lambda: self._route().get_addr(index=index))

    def request(self, message: nlmsg, kind: int, flags: int) -> None:
        """Send a message of this type and wait for what the kernel says to it."""
        with _os_errors():
            list(self._send(message, kind, NLM_F_REQUEST | NLM_F_ACK | flags))

    def request_all(self, messages: Sequence[nlmsg], kind: int, flags: int) -> None:
        """Send several messages of this type at once; raise OSError if any is refused."""
        for message in messages:
            message["header"]["type"] = kind
            message["header"]["flags"] = NLM_F_REQUEST | NLM_F_ACK | flags
        with _os_errors():
            list(self._route().nlm_request_batch(messages))

    def ask(self, message: nlmsg, kind: int) -> list[nlmsg]:
        """Send a question and return the answer; raise OSError."""
        with _os_errors():
            return list(self._send(message, kind, NLM_F_REQUEST | NLM_F_ACK))

    def dump(self, message: nlmsg, kind: int) -> list[nlmsg]:
        """Return all objects that agree with the message where it is not 0."""
        return _dump(lambda: self._send(message, kind, NLM_F_REQUEST | NLM_F_DUMP))

    def index(self, interface: str) -> int:
        """Return the index behind a name, looked up anew; raise OSError, ENODEV."""
        return int(self.get_link(ifname=interface)["index"])

    def name(self, index: int) -> str:
        """Return the name behind an index, looked up anew; raise OSError, ENODEV."""
        return str(self.get_link(index=index).get_attr("IFLA_IFNAME"))

    def _send(self, message: nlmsg, kind: int, flags: int) -> Iterable[nlmsg]:
        """Send by the one method that is sound in every release of the library (0.7 to 0.9)."""
        message["header"]["type"] = kind
        message["header"]["flags"] = flags
        answers: Iterable[nlmsg] = self._route().nlm_request_batch([message])
        return answers

    def _route(self) -> IPRoute:
        """Return the socket; the kernel minds its filters, and says more than a number."""
        if self._socket is None:
            from pyroute2.iproute import IPRoute

            with self.inside():
                self._socket = IPRoute(strict_check=True, ext_ack=True)
        return self._socket


@contextmanager
def refusals(operation: str, interface: str) -> Iterator[None]:
    """Turn what the kernel refuses into a BackendError about the interface."""
    try:
        yield
    except OSError as error:
        raise refusal(operation, interface, error) from error


def _dump(ask: Callable[[], Iterable[nlmsg]]) -> list[nlmsg]:
    """Ask until nothing changes meanwhile."""
    from pyroute2.netlink.exceptions import NetlinkDumpInterrupted

    for _ in range(DUMP_ATTEMPTS):
        try:
            with _os_errors():
                return list(ask())
        except NetlinkDumpInterrupted:
            continue
    raise OSError(errno.EAGAIN, "it keeps changing while one reads it")


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turn the library's exceptions into those of Python."""
    from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError

    try:
        yield
    except NetlinkDumpInterrupted:
        raise
    except NetlinkError as error:
        raise OSError(error.code, _reason(error)) from error


def _reason(error: NetlinkError) -> str:
    """Return what the number means; where that says nothing, also what the kernel says."""
    reason = os.strerror(error.code)
    if error.code != errno.EINVAL or error.args[1] == reason:
        return reason
    said = str(error.args[1]).removesuffix(".")
    return f"{reason}: {said[:1].lower()}{said[1:]}"
