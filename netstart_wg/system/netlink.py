"""Links, addresses and routes of one rdomain, through rtnetlink.

Reads make values of the model, writes do one thing each, and whatever the
kernel refuses becomes a BackendError.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netstart_wg.errors import BackendError, NoSuchRdomainError
from netstart_wg.model.address import Endpoint, IPInterface
from netstart_wg.model.route import Route, RouteKey
from netstart_wg.model.rule import PolicyRule
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.addresses import IFA_F_NODAD, read_addresses, takes_others_along
from netstart_wg.system.namespaces import (
    is_rdomain,
    namespace_around,
    namespace_of,
    open_rdomain,
    vrf_index,
)
from netstart_wg.system.path_mtu import path_mtu
from netstart_wg.system.routes import put_new_routes, put_route, read_routes, take_route
from netstart_wg.system.rtnetlink import Rtnetlink, refusals
from netstart_wg.system.rules import is_table_of_others, put_rule, read_rules, take_rule

if TYPE_CHECKING:
    from pyroute2.netlink import nlmsg

NAME_LIMIT: Final = 15
"""Octets of an interface's name: IFNAMSIZ without its NUL."""

IFF_DEBUG: Final = 0x4
"""netdevice(7)."""

STRICT: Final = 1
"""Of rp_filter (Linux, ip-sysctl): the best way back has to be the way it came."""


class Netlink:
    """Satisfies `netstart_wg.app.system.Links`."""

    def __init__(self, rdomain: int = 0) -> None:
        """Take an rdomain that exists; it is entered with the first request."""
        self._rtnetlink = Rtnetlink(rdomain)

    def close(self) -> None:
        """Give the socket back; a later request opens another."""
        self._rtnetlink.close()

    def observe(self, interface: str) -> InterfaceState | None:
        """Return all that netlink knows of the interface, or None if there is none."""
        if not _can_be_a_name(interface):
            return None
        try:
            with refusals("observe", interface):
                link = self._rtnetlink.get_link(ifname=interface)
        except BackendError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        rdomain = self._rdomain_of(link)
        if self._rtnetlink.vrf is not None and rdomain != self._rtnetlink.rdomain:
            return None
        state = InterfaceState(
            name=interface,
            index=int(link["index"]),
            flags=int(link["flags"]),
            mtu=int(link.get_attr("IFLA_MTU")),
            rdomain=rdomain,
            description=str(link.get_attr("IFLA_IFALIAS") or "") or None,
        )
        return self._with_addresses(state)

    def delete(self, interface: str) -> None:
        """Remove the interface from the system."""
        self._set_link("delete", interface, "del")

    def move(self, interface: str, rdomain: int) -> None:
        """Move the interface to another rdomain; it arrives down and without addresses.

        The kernel sees to that where it goes to another namespace, and we where it goes to
        another VRF.
        """
        if not is_rdomain(rdomain):
            raise NoSuchRdomainError(rdomain)
        operation = f"move to rdomain {rdomain}"
        with refusals(operation, interface):
            vrf = vrf_index(rdomain)
            own, there = self._rtnetlink.namespace, namespace_around(rdomain)
        if own == there:
            self._strip(interface)
            self._set_link(operation, interface, master=vrf or 0)
            return
        with refusals(operation, interface):
            namespace = open_rdomain(rdomain)
        try:
            self._set_link(operation, interface, net_ns_fd=namespace)
        finally:
            os.close(namespace)
        if vrf is not None:
            with closing(Netlink()) as here:
                here.move(interface, rdomain)

    def _strip(self, interface: str) -> None:
        """Take an interface down and its addresses off."""
        self._set_link("bring down", interface, state="down")
        state = self.observe(interface)
        for address in (*state.addresses, *state.kernel_addresses) if state else ():
            with suppress(BackendError):  # IPv6 ones go with being up
                self.remove_address(interface, address)

    def interface_towards(
        self, destination: IPv4Address | IPv6Address, source: IPv4Address | IPv6Address
    ) -> str | None:
        """Return the interface by which we send from one to the other, or None."""
        from netstart_wg.system.way import interface_towards

        return interface_towards(self._rtnetlink, destination, source)

    def set_mtu(self, interface: str, mtu_bytes: int) -> None:
        """Set how long an inner packet may be."""
        self._set_link("set mtu", interface, mtu=mtu_bytes)

    def set_description(self, interface: str, description: str | None) -> None:
        """Set or, with None, clear the link's alias (IFLA_IFALIAS)."""
        self._set_link("set description", interface, ifalias=description or "")

    def set_debug(self, interface: str, is_on: bool) -> None:
        """Set or clear IFF_DEBUG and touch no other flag."""
        flags = IFF_DEBUG if is_on else 0
        self._set_link("set debug", interface, flags=flags, change=IFF_DEBUG)

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

    def add_address(
        self, interface: str, address: IPInterface, broadcast: IPv4Address | None = None
    ) -> None:
        """Add an address; an IPv6 one is usable at once (no duplicates live in a tunnel)."""
        with refusals(f"add address {address}", interface):
            self._rtnetlink.address(
                "add",
                index=self._rtnetlink.index(interface),
                address=str(address.ip),
                prefixlen=address.network.prefixlen,
                **({"flags": IFA_F_NODAD} if isinstance(address, IPv6Interface) else {}),
                **({"broadcast": str(broadcast)} if broadcast else {}),
            )

    def remove_address(self, interface: str, address: IPInterface) -> None:
        """Remove an address and no other.

        With the first IPv4 address of a network Linux would remove the others
        of that network too, unless the interface is told to promote one of them;
        it then goes on doing so.
        """
        with refusals(f"remove address {address}", interface):
            index = self._rtnetlink.index(interface)
            present = read_addresses(self._rtnetlink, index)
            if takes_others_along(address, present):
                self._promote_secondaries(interface)
            far_ends = {known.address: known.far_end for known in present}
            self._rtnetlink.address(
                "del",
                index=index,
                local=str(address.ip),
                address=far_ends.get(address, str(address.ip)),
                prefixlen=address.network.prefixlen,
            )

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of ours in all tables."""
        with refusals("observe routes", f"rdomain {self._rtnetlink.rdomain}"):
            return read_routes(self._rtnetlink)

    def add_route(self, interface: str, route: Route) -> None:
        """Add a route, or put it in the place of ours that has its key; never of another's."""
        with refusals(f"add route to {route.key.destination}", interface):
            put_route(self._rtnetlink, route)

    def add_routes(
        self, interface: str, routes: Sequence[Route]
    ) -> Mapping[RouteKey, BackendError]:
        """Add routes as `add_route` does each; return what became of those refused."""
        refused: dict[RouteKey, BackendError] = {}
        with refusals("add routes", interface):
            left = put_new_routes(self._rtnetlink, routes)
        for route in left:
            try:
                self.add_route(interface, route)
            except BackendError as error:
                refused[route.key] = error
        return refused

    def remove_route(self, interface: str, route: Route) -> None:
        """Remove the route of ours that has this one's key."""
        with refusals(f"remove route to {route.key.destination}", interface):
            take_route(self._rtnetlink, route.key)

    def rules(self) -> tuple[PolicyRule, ...]:
        """Return the rules of policy routing that are ours."""
        with refusals("observe", "the rules of policy routing"):
            return read_rules(self._rtnetlink)

    def add_rule(self, interface: str, rule: PolicyRule) -> None:
        """Add a rule unless it is there."""
        with refusals(f"add rule {rule.priority} of IPv{rule.version}", interface):
            put_rule(self._rtnetlink, rule)

    def remove_rule(self, interface: str, rule: PolicyRule) -> None:
        """Remove a rule of ours."""
        with refusals(f"remove rule {rule.priority} of IPv{rule.version}", interface):
            take_rule(self._rtnetlink, rule)

    def is_table_of_others(self, table: int) -> bool:
        """Say whether somebody else uses a routing table, or a mark, of this number."""
        with refusals("look for", f"table {table}"):
            return is_table_of_others(self._rtnetlink, table)

    def filters_strictly(self, interface: str) -> bool:
        """Say whether IPv4 from another interface is dropped if answers would go by this one."""
        folder = Path("/proc/sys/net/ipv4/conf")
        with self._rtnetlink.inside():
            modes = {path.parent.name: _number_in(path) for path in folder.glob("*/rp_filter")}
        for passive in ("lo", "default", interface):
            modes.pop(passive, None)
        at_least = modes.pop("all", 0)
        return any(max(mode, at_least) == STRICT for mode in modes.values())

    def path_mtu(self, endpoint: Endpoint, fwmark: int, tunnel: str) -> int | None:
        """Return how long packets to an endpoint may be; None if there is no way but the tunnel."""
        with refusals("look for the way to an endpoint", tunnel):
            return path_mtu(self._rtnetlink, endpoint, fwmark, tunnel)

    def _rdomain_of(self, link: nlmsg) -> int:
        """Return in which rdomain a link of this namespace is: that of its VRF, if it has one."""
        master = link.get_attr("IFLA_MASTER")
        if master is None:
            return self._rtnetlink.rdomain
        from netstart_wg.system import vrfs

        with refusals("observe", "the VRF"):
            vrf = vrfs.look(int(master)) if namespace_of(0) == self._rtnetlink.namespace else None
        return self._rtnetlink.rdomain if vrf is None else (vrf.rdomain or 0)

    def _set_link(
        self, operation: str, interface: str, command: str = "set", **attributes: int | str
    ) -> None:
        with refusals(operation, interface):
            index = self._rtnetlink.index(interface)
            self._rtnetlink.link(command, index=index, **attributes)

    def _promote_secondaries(self, interface: str) -> None:
        """Tell the kernel; it shows every thread the settings of the namespace it is in."""
        setting = Path(f"/proc/sys/net/ipv4/conf/{interface}/promote_secondaries")
        with self._rtnetlink.inside():
            setting.write_text("1", encoding="ascii")

    def _with_addresses(self, state: InterfaceState) -> InterfaceState:
        with refusals("observe", state.name):
            present = read_addresses(self._rtnetlink, state.index)
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


def _number_in(path: Path) -> int:
    """Return the number that a file of /proc/sys holds; 0 if it went just now."""
    try:
        return int(path.read_text(encoding="ascii"))
    except OSError:
        return 0


def _can_be_a_name(text: str) -> bool:
    """Say whether the kernel could have an interface of this name."""
    try:
        return 0 < len(text.encode()) <= NAME_LIMIT
    except UnicodeEncodeError:
        return False
