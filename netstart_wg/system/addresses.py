"""What netlink tells of the addresses of a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_interface, ip_network
from typing import TYPE_CHECKING, Final

from netstart_wg.model.address import IPInterface, IPNetwork
from netstart_wg.system.rtnetlink import Rtnetlink

if TYPE_CHECKING:
    from pyroute2.netlink import nlmsg

IFA_F_SECONDARY: Final = 0x01
IFA_F_NODAD: Final = 0x02
IFA_F_STABLE_PRIVACY: Final = 0x800
IFAPROT_KERNEL_LL: Final = 3
"""linux/if_addr.h: who made an address, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address of a link."""

    address: IPInterface
    far_end: str
    """The peer's address if it was given one, else its own."""
    flags: int
    protocol: int | None
    broadcast: IPv4Address | None

    @property
    def on_link(self) -> IPNetwork:
        """The network that the kernel reaches through the link because of this address."""
        return ip_network(f"{self.far_end}/{self.address.network.prefixlen}", strict=False)

    @property
    def is_made_by_kernel(self) -> bool:
        """Whether it is the link-local address that the kernel gives a link.

        Linux says so since 5.18 (IFA_PROTO); before, by a flag that only the kernel can set.
        """
        if not isinstance(self.address, IPv6Interface) or not self.address.ip.is_link_local:
            return False
        return self.protocol == IFAPROT_KERNEL_LL or bool(self.flags & IFA_F_STABLE_PRIVACY)


def read_addresses(rtnetlink: Rtnetlink, index: int) -> tuple[Address, ...]:
    """Return the addresses of a link in the kernel's order; raise OSError."""
    return tuple(_decode(message) for message in rtnetlink.get_addresses(index))


def takes_others_along(address: IPInterface, present: Sequence[Address]) -> bool:
    """Say whether Linux would by default remove other addresses with this one."""
    return isinstance(address, IPv4Interface) and any(
        known.flags & IFA_F_SECONDARY and known.address.network == address.network
        for known in present
    )


def _decode(message: nlmsg) -> Address:
    far_end = str(message.get_attr("IFA_ADDRESS"))
    broadcast = message.get_attr("IFA_BROADCAST")
    return Address(
        address=ip_interface(f"{message.get_attr('IFA_LOCAL') or far_end}/{message['prefixlen']}"),
        far_end=far_end,
        flags=int(message.get_attr("IFA_FLAGS") or message["flags"]),
        protocol=message.get_attr("IFA_PROTO"),
        broadcast=IPv4Address(broadcast) if broadcast else None,
    )
