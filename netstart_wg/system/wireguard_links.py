"""Links of the kernel's WireGuard: made, found, and known again as ours.

A link of ours has a second name (`altname` of ip-link(8)) that begins with
`netstart-wg.`: it goes with the link wherever that goes, and ends with it, so that it
can never be about another one.  Between being made and getting that name a link
has a group number that nobody else uses; one that was left so is nobody's.

The kernel opens the UDP sockets in the namespace in which a link was made, for ever.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netstart_wg.system.namespaces import inside_rdomain, open_rdomain, rdomains
from netstart_wg.system.netlink_socket import (
    NETLINK_ROUTE,
    NetlinkSocket,
    attribute,
    attributes,
    nest,
)

KIND: Final = "wireguard"
MARK: Final = "netstart-wg."
"""What the second name begins with."""

_UNFINISHED: Final = 0x6E737767
"""The group of a link that has no second name yet; the letters `nswg`."""

_NEWLINK, _DELLINK, _GETLINK, _NEWLINKPROP = 16, 17, 18, 108
_EXCL, _CREATE, _APPEND = 0x200, 0x400, 0x800
_IFNAME, _MTU, _LINKINFO, _IFALIAS, _GROUP, _NET_NS_FD = 3, 4, 18, 20, 27, 28
_PROP_LIST, _ALT_IFNAME, _INFO_KIND = 52, 53, 1
"""linux/rtnetlink.h, linux/if_link.h."""

_SO_NETNS_COOKIE: Final = 71
_U64 = struct.Struct("=Q")
_U32 = struct.Struct("=I")
_IFINFO = struct.Struct("=BxHiII")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardLink:
    """A link of the kernel's WireGuard that is ours."""

    name: str
    index: int
    rdomain: int
    """Where it is."""
    mark: str | None
    """Its second name; None if whoever made it did not get that far."""
    mtu: int
    flags: int
    alias: bytes


def find_link(interface: str) -> WireGuardLink | None:
    """Return the link of ours that has this name, in whichever rdomain; raise OSError."""
    return next(filter(None, (_look(interface, each) for each in (0, *rdomains()))), None)


def make_link(interface: str, mark: str, rdomain: int, socket_rdomain: int) -> None:
    """Make a link in one rdomain whose sockets are in another; raise OSError.

    What an unfinished run has left of that name makes room.
    """
    former = _look(interface, rdomain)
    if former is not None and former.mark is None:
        delete_link(former)
    namespace = open_rdomain(rdomain)
    try:
        kind = nest(_LINKINFO, attribute(_INFO_KIND, KIND.encode()))
        place = attribute(_NET_NS_FD, _U32.pack(namespace)) if rdomain != socket_rdomain else b""
        group = attribute(_GROUP, _U32.pack(_UNFINISHED))
        content = _name(interface) + group + place + kind
        _request(socket_rdomain, _NEWLINK, _CREATE | _EXCL, 0, content)
    finally:
        os.close(namespace)
    made = _look(interface, rdomain)
    if made is None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    second = nest(_PROP_LIST, attribute(_ALT_IFNAME, mark.encode() + b"\0"))
    _request(rdomain, _NEWLINKPROP, _CREATE | _EXCL | _APPEND, made.index, second)
    _request(rdomain, _NEWLINK, 0, made.index, attribute(_GROUP, _U32.pack(0)))


def delete_link(link: WireGuardLink) -> None:
    """Delete a link; raise OSError."""
    _request(link.rdomain, _DELLINK, 0, link.index, b"")


def delete_stranger(interface: str) -> None:
    """Delete the link of this name in rdomain 0, whosever it is; raise OSError."""
    _request(0, _DELLINK, 0, 0, _name(interface))


def dress_link(link: WireGuardLink, like: WireGuardLink) -> None:
    """Give a link that was just made the MTU, alias and debugging flag of another one."""
    content = attribute(_MTU, _U32.pack(like.mtu)) + attribute(_IFALIAS, like.alias)
    debug = 0x4
    _request(link.rdomain, _NEWLINK, 0, link.index, content, like.flags & debug, debug)


def namespace_cookie(rdomain: int) -> int | None:
    """Return a number that no other namespace ever has; None without that rdomain."""
    try:
        with (
            inside_rdomain(rdomain),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket,
        ):
            octets = any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, _U64.size)
    except FileNotFoundError:
        return None
    return int(_U64.unpack(octets)[0])


def _look(interface: str, rdomain: int) -> WireGuardLink | None:
    """Return the link of this name in an rdomain, if it is ours."""
    try:
        answers = _request(rdomain, _GETLINK, 0, 0, _name(interface))
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENOENT, errno.EINVAL, errno.ERANGE):
            return None
        raise
    return next(filter(None, (_decode(answer, interface, rdomain) for answer in answers)), None)


def _decode(answer: memoryview, interface: str, rdomain: int) -> WireGuardLink | None:
    _, _, index, flags, _ = _IFINFO.unpack_from(answer)
    found = dict(attributes(answer[_IFINFO.size :]))
    information = dict(attributes(found.get(_LINKINFO, memoryview(b""))))
    if _text(information.get(_INFO_KIND)) != KIND or _text(found.get(_IFNAME)) != interface:
        return None
    mark = next(_marks(found), None)
    if mark is None and bytes(found.get(_GROUP, b"")) != _U32.pack(_UNFINISHED):
        return None
    return WireGuardLink(
        name=interface,
        index=index,
        rdomain=rdomain,
        mark=mark,
        mtu=_U32.unpack(found[_MTU])[0],
        flags=flags,
        alias=bytes(found.get(_IFALIAS, b"")).rstrip(b"\0"),
    )


def _marks(found: dict[int, memoryview]) -> Iterator[str]:
    for kind, payload in attributes(found.get(_PROP_LIST, memoryview(b""))):
        if kind == _ALT_IFNAME and (name := _text(payload)).startswith(MARK):
            yield name


def _request(
    rdomain: int, kind: int, flags: int, index: int, content: bytes, up: int = 0, change: int = 0
) -> list[memoryview]:
    connection = NetlinkSocket(NETLINK_ROUTE, rdomain)
    try:
        return connection.request(kind, flags, _IFINFO.pack(0, 0, index, up, change) + content)
    finally:
        connection.close()


def _name(interface: str) -> bytes:
    return attribute(_IFNAME, interface.encode(errors="surrogateescape") + b"\0")


def _text(payload: memoryview | None) -> str:
    return "" if payload is None else bytes(payload).rstrip(b"\0").decode(errors="replace")
