"""Links and addresses through rtnetlink: the only place that knows pyroute2.

Reads make values of the model, writes do one thing each, and whatever the
kernel refuses becomes a BackendError.  The library is loaded with the first
request and one socket serves the whole run.  It is untyped; nothing of its
types leaves this file.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Interface,
    ip_interface,
)
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netstart_wg.errors import BackendError
from netstart_wg.model.address import IPInterface
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.refusal import refusal

if TYPE_CHECKING:
    from pyroute2 import IPRoute

NAME_LIMIT: Final = 15
"""Octets of an interface's name: IFNAMSIZ without its NUL."""

IFA_F_SECONDARY: Final = 0x01
IFA_F_NODAD: Final = 0x02
IFA_F_STABLE_PRIVACY: Final = 0x800
IFAPROT_KERNEL_LL: Final = 3
"""linux/if_addr.h: who made an address, and how."""


class Netlink:
    """One rtnetlink socket, opened when first needed."""

    def __init__(self) -> None:
        self._socket: IPRoute | None = None

    def close(self) -> None:
        """Give the socket back; a later request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def observe(self, interface: str) -> InterfaceState | None:
        """Return all that netlink knows of the interface, or None if there is none."""
        if not _can_be_a_name(interface):
            return None
        try:
            with _refusals("observe", interface):
                (link,) = self._route().link("get", ifname=interface)
        except BackendError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        state = InterfaceState(
            name=interface,
            index=int(link["index"]),
            flags=int(link["flags"]),
            mtu=int(link.get_attr("IFLA_MTU")),
            description=str(link.get_attr("IFLA_IFALIAS") or "") or None,
        )
        return self._with_addresses(state)

    def delete(self, interface: str) -> None:
        """Remove the interface from the system."""
        self._set_link("delete", interface, "del")

    def set_mtu(self, interface: str, mtu_bytes: int) -> None:
        """Set how long an inner packet may be."""
        self._set_link("set mtu", interface, mtu=mtu_bytes)

    def set_description(self, interface: str, description: str | None) -> None:
        """Set or, with None, clear the link's alias (IFLA_IFALIAS)."""
        self._set_link("set description", interface, ifalias=description or "")

    def bring_up(self, interface: str) -> None:
        """Set IFF_UP."""
        self._set_link("bring up", interface, state="up")

    def bring_down(self, interface: str) -> None:
        """Clear IFF_UP and keep the addresses, as on OpenBSD.

        Linux drops the IPv6 addresses of a link that goes down; they are put back.
        """
        before = self.observe(interface)
        self._set_link("bring down", interface, state="down")
        after = self.observe(interface)
        if before is not None and after is not None:
            for address in before.addresses:
                if address not in after.addresses:
                    self.add_address(interface, address)

    def add_address(self, interface: str, address: IPInterface) -> None:
        """Add an address; an IPv6 one is usable at once (no duplicates live in a tunnel)."""
        with _refusals(f"add address {address}", interface):
            self._route().addr(
                "add",
                index=_index(interface),
                address=str(address.ip),
                prefixlen=address.network.prefixlen,
                **({"flags": IFA_F_NODAD} if isinstance(address, IPv6Interface) else {}),
            )

    def remove_address(self, interface: str, address: IPInterface) -> None:
        """Remove an address and no other.

        With the first IPv4 address of a network Linux would remove the others
        of that network too, unless the interface is told to promote one of them;
        it then goes on doing so.
        """
        with _refusals(f"remove address {address}", interface):
            index = _index(interface)
            present = self._addresses(index)
            if _takes_others_along(address, present):
                promotion = Path(f"/proc/sys/net/ipv4/conf/{interface}/promote_secondaries")
                promotion.write_text("1", encoding="ascii")
            far_ends = {known.address: known.far_end for known in present}
            self._route().addr(
                "del",
                index=index,
                local=str(address.ip),
                address=far_ends.get(address, str(address.ip)),
                prefixlen=address.network.prefixlen,
            )

    def _route(self) -> IPRoute:
        if self._socket is None:
            from pyroute2 import IPRoute

            self._socket = IPRoute()
        return self._socket

    def _set_link(
        self, operation: str, interface: str, command: str = "set", **attributes: int | str
    ) -> None:
        with _refusals(operation, interface):
            self._route().link(command, index=_index(interface), **attributes)

    def _with_addresses(self, state: InterfaceState) -> InterfaceState:
        with _refusals("observe", state.name):
            present = self._addresses(state.index)
        return replace(
            state,
            addresses=tuple(known.address for known in present if not known.is_made_by_kernel),
            kernel_addresses=tuple(known.address for known in present if known.is_made_by_kernel),
            broadcasts=tuple(
                (known.address, known.broadcast)
                for known in present
                if known.broadcast is not None and isinstance(known.address, IPv4Interface)
            ),
        )

    def _addresses(self, index: int) -> list[_Address]:
        return [
            _Address(
                address=ip_interface(
                    f"{message.get_attr('IFA_LOCAL') or message.get_attr('IFA_ADDRESS')}"
                    f"/{message['prefixlen']}"
                ),
                far_end=str(message.get_attr("IFA_ADDRESS")),
                flags=int(message.get_attr("IFA_FLAGS") or message["flags"]),
                protocol=message.get_attr("IFA_PROTO"),
                broadcast=(
                    IPv4Address(message.get_attr("IFA_BROADCAST"))
                    if message.get_attr("IFA_BROADCAST")
                    else None
                ),
            )
            for message in self._route().get_addr(index=index)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """What netlink tells of an address."""

    address: IPInterface
    far_end: str
    """The peer's address if it was given one, else its own."""
    flags: int
    protocol: int | None
    broadcast: IPv4Address | None

    @property
    def is_made_by_kernel(self) -> bool:
        """Whether it is the link-local address that the kernel gives a link.

        Linux says so since 5.18 (IFA_PROTO); before, by a flag that only the kernel can set.
        """
        if not isinstance(self.address, IPv6Interface) or not self.address.ip.is_link_local:
            return False
        return self.protocol == IFAPROT_KERNEL_LL or bool(self.flags & IFA_F_STABLE_PRIVACY)


def _takes_others_along(address: IPInterface, present: Sequence[_Address]) -> bool:
    """Say whether Linux would by default remove other addresses with this one."""
    return isinstance(address, IPv4Interface) and any(
        known.flags & IFA_F_SECONDARY and known.address.network == address.network
        for known in present
    )


def _can_be_a_name(text: str) -> bool:
    """Say whether the kernel could have an interface of this name."""
    try:
        return 0 < len(text.encode()) <= NAME_LIMIT
    except UnicodeEncodeError:
        return False


def _index(interface: str) -> int:
    """Return the index behind a name, looked up anew for each write."""
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


@contextmanager
def _refusals(operation: str, interface: str) -> Iterator[None]:
    """Turn the library's exceptions into ours."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        refused = OSError(error.code, os.strerror(error.code))
        raise refusal(operation, interface, refused) from error
    except OSError as error:
        raise refusal(operation, interface, error) from error
