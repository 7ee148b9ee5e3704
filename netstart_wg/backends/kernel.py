"""The kernel's own WireGuard: no process, and netlink in place of a socket file.

What the kernel has no place for is noted in the run directory, under the mark of the
link that it is about (`system/wireguard_links.py`): descriptions of peers, groups,
and in which rdomain the sockets are.  The note is written before the kernel is told, and
is as it was when the kernel refuses; whoever is killed in between finds a
difference in the next run.

Three things differ from our own engine:

- A link's sockets stay where it was made.  So another `wgrtable` makes the link anew,
  as long as it has nothing yet; of one that is in use it is refused, and a plan
  makes that anew as a whole.
- A change is several messages.  What can be refused is looked for before: a port that
  is taken, an rdomain that is not there.  If the kernel fails for another reason (no
  memory, a link that goes meanwhile), messages before that one have had their effect.
- It says what it does to the kernel's log alone.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.errors import BackendError, PermissionDeniedError
from netstart_wg.model.address import IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.system import wireguard_links
from netstart_wg.system.namespaces import inside_rdomain, is_rdomain, namespace_of, vrf_index
from netstart_wg.system.notes import Note, read_note, remove_note, write_note
from netstart_wg.system.refusal import refusal
from netstart_wg.system.wireguard_links import WireGuardLink
from netstart_wg.system.wireguard_netlink import KernelDevice, WireGuardNetlink

_CREATE = "create"
_CONFIGURE = "configure"
_OBSERVE = "ask the kernel"
_NO_WIREGUARD = (
    "this kernel has no WireGuard\n    hint: `modprobe wireguard` says why;"
    ' engine = "embedded" needs none'
)
_IN_THE_LOG = (
    "the kernel says what its WireGuard does to its own log"
    "\n    hint: `echo module wireguard +p >/sys/kernel/debug/dynamic_debug/control`,"
    " and read `dmesg --follow`"
)


class KernelBackend:
    """Satisfies `netstart_wg.backends.base.Backend`."""

    def __init__(self, derive_public_key: Callable[[PrivateKey], PublicKey]) -> None:
        """Take the way from a private key to its public key."""
        self._derive_public_key = derive_public_key

    def obstacle(self, kind: EngineKind) -> str | None:
        """Say what keeps the kernel from having an interface."""
        if kind is not EngineKind.KERNEL:
            return "the kernel has no other engine than its own"
        with _refusals(_OBSERVE, "wireguard"), closing(WireGuardNetlink()) as netlink:
            return None if netlink.is_supported() else _NO_WIREGUARD

    def create(self, interface: str, kind: EngineKind = EngineKind.KERNEL) -> None:
        """Make the link, with its sockets where netstart-wg runs."""
        if (obstacle := self.obstacle(kind)) is not None:
            raise BackendError(_CREATE, interface, obstacle, errno.EOPNOTSUPP)
        with _refusals(_CREATE, interface):
            self._make(interface, 0, _Names(mark=_new_mark()))

    def destroy(self, interface: str) -> None:
        """Delete the link, and what is noted of it."""
        link = _find(interface)
        if link is None:
            raise BackendError("destroy", interface, "the kernel has none", errno.ENODEV)
        with _refusals("destroy", interface):
            wireguard_links.delete_link(link)
        remove_note(interface, Note.KERNEL)

    def displace(self, interface: str) -> None:
        """Delete somebody else's interface in rdomain 0, whichever driver it is of."""
        if self.has(interface):
            raise BackendError("remove", interface, "it is ours", errno.EBUSY)
        with _refusals("remove", interface):
            wireguard_links.delete_stranger(interface)

    def has(self, interface: str) -> bool:
        """Say whether there is a link of ours of that name."""
        return _find(interface) is not None

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        """Ask the kernel for everything; None if it has no such interface of ours."""
        del patience_seconds  # the kernel answers
        return self._look(interface, with_peers=True)

    def glance(self, interface: str) -> WireGuardState | None:
        """Ask the kernel for everything, and make no peers of it."""
        return self._look(interface, with_peers=False)

    def configure(self, interface: str, change: DeviceChange) -> None:
        """Look for what would be refused, note what the kernel has no place for, and tell it."""
        link = _find(interface)
        before = self.state(interface)
        if link is None or before is None:
            raise BackendError(_CONFIGURE, interface, "the kernel has none", errno.ENODEV)
        names = _names_of(link)
        with _refusals(_CONFIGURE, interface):
            if change.wgrtable is not UNCHANGED and change.wgrtable != before.wgrtable:
                _check_that_it_is_bare(link, before)
                link, names = self._move_sockets(link, change.wgrtable, names)
                before = replace(before, wgrtable=change.wgrtable, listen_port=0)
            _check_port(interface, change, before)
            orphans = self._orphans(before, change)
            names_after = names.after(change)
            _note(interface, names_after, names)
            try:
                with closing(WireGuardNetlink(link.rdomain)) as netlink:
                    netlink.write(interface, change, orphans)
            except OSError:
                _note(interface, names, names_after)
                raise

    def follow(self, interface: str) -> Iterator[str]:
        """Fail, and say where to read."""
        if _find(interface) is None:
            raise BackendError("follow", interface, "the kernel has none", errno.ENODEV)
        raise BackendError("follow", interface, _IN_THE_LOG, errno.EOPNOTSUPP)

    def _look(self, interface: str, *, with_peers: bool) -> WireGuardState | None:
        link = _find(interface)
        if link is None:
            return None
        try:
            with _refusals(_OBSERVE, interface), closing(WireGuardNetlink(link.rdomain)) as netlink:
                device = netlink.read(interface, with_peers=with_peers)
        except BackendError as error:
            if error.errno == errno.ENODEV:  # it went just now
                return None
            raise
        return _state(link, device, _names_of(link))

    def _make(self, interface: str, rdomain: int, names: _Names) -> WireGuardLink:
        """Make a link in an rdomain, with sockets where the names say; raise OSError."""
        socket_rdomain = names.wgrtable
        cookie = wireguard_links.namespace_cookie(socket_rdomain)
        if cookie is None:
            raise OSError(errno.ENOENT, f"rdomain {socket_rdomain} does not exist")
        wireguard_links.make_link(interface, names.mark, rdomain, socket_rdomain)
        made = wireguard_links.find_link(interface)
        if made is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        try:
            _note(interface, replace(names, cookie=cookie), None)
        except BackendError:
            wireguard_links.delete_link(made)
            raise
        return made

    def _move_sockets(
        self, link: WireGuardLink, wgrtable: int, names: _Names
    ) -> tuple[WireGuardLink, _Names]:
        """Make a bare link anew with its sockets elsewhere; raise OSError."""
        if not is_rdomain(wgrtable):
            raise OSError(errno.ENOENT, f"rdomain {wgrtable} does not exist")
        if vrf_index(wgrtable) is not None:
            reason = f"rdomain {wgrtable} is a VRF, and the kernel's sockets cannot be in one"
            raise OSError(errno.EOPNOTSUPP, reason)
        wireguard_links.delete_link(link)
        moved = replace(names, mark=_new_mark(), wgrtable=wgrtable)
        made = self._make(link.name, link.rdomain, moved)
        wireguard_links.dress_link(made, link)
        return made, _names_of(made)

    def _orphans(self, before: WireGuardState, change: DeviceChange) -> tuple[IPNetwork, ...]:
        """Return the allowed IPs that no peer has in the end, though none was removed with them."""
        if not any(peer.remove_allowed_ips for peer in change.peers):
            return ()
        from netstart_wg.reconcile.apply import apply_change

        after = apply_change(before, change, self._derive_public_key)
        kept = {network for peer in after.peers for network in peer.allowed_ips}
        named = dict.fromkeys(
            network for peer in change.peers for network in peer.remove_allowed_ips
        )
        return tuple(network for network in named if network not in kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What is noted of a link: nothing secret."""

    mark: str
    """Of the link that it is about."""
    wgrtable: int = 0
    cookie: int = 0
    """Of the namespace that the sockets are in: an rdomain of that number may be another now."""
    groups: tuple[str, ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """By public key in base64."""

    def after(self, change: DeviceChange) -> _Names:
        """Return what is to be noted once a change is made."""
        descriptions = {} if change.replace_peers else dict(self.descriptions)
        for peer in change.peers:
            key = peer.public_key.to_base64()
            if peer.remove or peer.description is None:
                descriptions.pop(key, None)
            elif peer.description is not UNCHANGED:
                descriptions[key] = peer.description
        groups = self.groups if change.groups is UNCHANGED else change.groups
        return replace(self, groups=groups, descriptions=descriptions)

    def encode(self) -> str:
        """Write it."""
        return json.dumps(
            {
                "mark": self.mark,
                "wgrtable": self.wgrtable,
                "cookie": self.cookie,
                "groups": self.groups,
                "descriptions": self.descriptions,
            }
        )


def _names_of(link: WireGuardLink) -> _Names:
    """Return what is noted of this very link; nothing, if that is about a former one."""
    unknown = _Names(mark=link.mark or _new_mark())
    text = read_note(link.name, Note.KERNEL)
    try:
        content: object = json.loads(text or "null")
    except ValueError:
        return unknown
    match content:
        case {
            "mark": str(mark),
            "wgrtable": int(wgrtable),
            "cookie": int(cookie),
            "groups": list(groups),
            "descriptions": dict(descriptions),
        } if mark == link.mark:
            return _Names(
                mark=mark,
                wgrtable=wgrtable,
                cookie=cookie,
                groups=tuple(map(str, groups)),
                descriptions={str(key): str(text) for key, text in descriptions.items()},
            )
        case _:
            return unknown


def _note(interface: str, names: _Names, known: _Names | None) -> None:
    """Note what is not noted yet."""
    if names != known:
        write_note(interface, Note.KERNEL, names.encode())


def _state(link: WireGuardLink, device: KernelDevice, names: _Names) -> WireGuardState:
    is_there = names.cookie == wireguard_links.namespace_cookie(names.wgrtable)
    wgrtable = names.wgrtable if is_there else None
    namespace = namespace_of(link.rdomain)
    lasting = (device.digest, names.encode(), wgrtable, namespace)
    return WireGuardState(
        kind=EngineKind.KERNEL,
        implementation=f"Linux {os.uname().release}",
        private_key=device.private_key,
        listen_port=device.listen_port,
        fwmark=device.fwmark,
        wgrtable=wgrtable,
        groups=names.groups,
        link_namespace=namespace,
        peers=tuple(_with_description(peer, names) for peer in device.peers),
        fingerprint=repr(lasting).encode(),
    )


def _with_description(peer: PeerState, names: _Names) -> PeerState:
    if not names.descriptions:
        return peer
    return replace(peer, description=names.descriptions.get(peer.public_key.to_base64()))


def _check_that_it_is_bare(link: WireGuardLink, state: WireGuardState) -> None:
    """Raise OSError for a link that is in use: to make it anew would end that."""
    is_up = bool(link.flags & 1)
    if is_up or state.peers or state.private_key is not None:
        reason = "the kernel's sockets cannot be moved while the interface is in use"
        raise OSError(errno.EBUSY, f"{reason}\n    hint: destroy it first")


def _check_port(interface: str, change: DeviceChange, state: WireGuardState) -> None:
    """Raise BackendError for a port that is taken: a link that is down would not notice now."""
    port = change.listen_port
    if port is UNCHANGED or port in (0, state.listen_port) or state.wgrtable is None:
        return
    try:
        with inside_rdomain(state.wgrtable):
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - as the kernel binds
                _try_port(family, address, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        where = f" in rdomain {state.wgrtable}" if state.wgrtable else ""
        reason = f"UDP port {port}{where} is taken by another program or interface"
        raise BackendError(_CONFIGURE, interface, reason, errno.EADDRINUSE) from None


def _try_port(family: socket.AddressFamily, address: str, port: int) -> None:
    try:
        probe = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    except OSError:  # a kernel without IPv6
        return
    with probe:
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind((address, port))


def _find(interface: str) -> WireGuardLink | None:
    with _refusals(_OBSERVE, interface):
        return wireguard_links.find_link(interface)


def _new_mark() -> str:
    return f"{wireguard_links.MARK}{os.urandom(8).hex()}"


@contextmanager
def _refusals(operation: str, interface: str) -> Iterator[None]:
    """Turn what the kernel refuses into exceptions of ours."""
    try:
        yield
    except PermissionError as error:
        message = f"{interface}: {operation}: {str(error.strerror).lower()}"
        raise PermissionDeniedError(message) from error
    except OSError as error:
        raise refusal(operation, interface, error) from error
