"""Which addresses come and go, and in which order.

The order is Linux's (net/ipv4/devinet.c, net/ipv6/addrconf.c):

- A new address comes before an old one goes.  An interface without its last
  IPv4 address loses its IPv4 routes, and a route loses its source address with
  that; so also where an IPv4 address only changes its prefix length, which
  Linux takes for two addresses.
- An IPv6 address has one prefix length, a second one is refused (EEXIST): there
  the old one goes just before the new one comes.
- The first IPv4 address of a network is its primary and is the source of what
  has no other; so addresses are added in the order of the file.  Addresses that
  stay are not put into another order, for they would have to go for that.
- The primary goes last: when a primary goes, Linux takes its secondaries along or
  promotes one of them.  Taking away just the one is the executor's duty.
- The link-local address that the kernel made itself is not ours to remove.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Address

from netstart_wg.model.action import AddAddress, RemoveAddress
from netstart_wg.model.address import IPAddress, IPInterface
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.state import InterfaceState


def plan_addresses(
    desired: InterfaceConfig,
    running: InterfaceState,
    misplaced: Collection[IPInterface] = (),
    broadcasts: Mapping[IPInterface, IPv4Address] | None = None,
) -> Iterator[AddAddress | RemoveAddress]:
    """Yield the steps from the addresses that are there to those that shall be, in order.

    Those `misplaced` are there and desired, and go for a moment to come behind the
    others; `broadcasts` are of those that shall have one.
    """
    of_it = broadcasts or {}
    present = {*running.addresses, *running.kernel_addresses}
    wanted = frozenset(desired.addresses)
    surplus = dict.fromkeys(
        address for address in reversed(running.addresses) if address not in wanted
    )
    in_the_way: dict[IPAddress, IPInterface] = {
        address.ip: address for address in surplus if address.version == 6
    }
    for address in desired.addresses:
        if address in misplaced:
            yield RemoveAddress(desired.name, address)
        elif address in present:
            continue
        if (obstacle := in_the_way.pop(address.ip, None)) is not None:
            del surplus[obstacle]
            yield RemoveAddress(desired.name, obstacle)
        yield AddAddress(desired.name, address, of_it.get(address))
    for address in surplus:
        yield RemoveAddress(desired.name, address)
