"""VRF devices that are rdomains (Linux, Documentation/networking/vrf), where we were started.

rdomain N is the VRF whose second name (`altname` of ip-link(8)) is `rdomainN`, so that everybody
finds it by its number, as a namespace in /run/netns.  One that we made has a mark in the
run directory, and is removed when nothing is in it any more.

Where a VRF knows no way, Linux goes on looking in the tables of everybody.  So one that we make
refuses what it has no route for; one that is its administrator's is as it is.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from netstart_wg.system.namespaces import rdomain_path, vrf_index
from netstart_wg.system.netlink_socket import (
    NETLINK_ROUTE,
    NetlinkSocket,
    attribute,
    attributes,
    nest,
)
from netstart_wg.system.paths import vrf_mark_path
from netstart_wg.system.records import read_text, replace_text

KIND: Final = "vrf"

_NEWLINK, _DELLINK, _GETLINK, _NEWROUTE, _DELROUTE, _NEWLINKPROP = 16, 17, 18, 24, 25, 108
_EXCL, _CREATE, _APPEND = 0x200, 0x400, 0x800
_IFNAME, _MASTER, _LINKINFO = 3, 10, 18
_PROP_LIST, _ALT_IFNAME = 52, 53
_INFO_KIND, _INFO_DATA, _VRF_TABLE = 1, 2, 1
_RTA_PRIORITY, _RTA_TABLE = 6, 15
_RTN_UNREACHABLE, _RTPROT_STATIC = 7, 4
_LAST_METRIC = 4278198272
"""What ip-vrf(8) advises: worse than any route that somebody means."""
_IFF_UP = 1

_U32 = struct.Struct("=I")
_IFINFO = struct.Struct("=BxHiII")
_RTMSG = struct.Struct("=BBBBBBBBI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vrf:
    """A VRF device."""

    name: str
    index: int
    table: int
    names: tuple[str, ...]
    """Its other ones."""
    is_up: bool

    @property
    def rdomain(self) -> int | None:
        """Which rdomain it is, if it is one."""
        numbers = (
            name.removeprefix("rdomain") for name in self.names if name.startswith("rdomain")
        )
        return next((int(number) for number in numbers if number.isdigit()), None)


def rdomains() -> tuple[int, ...]:
    """Return the numbers of those that are VRFs, sorted."""
    return tuple(number for number in range(1, 256) if vrf_index(number) is not None)


def find(rdomain: int) -> Vrf | None:
    """Return an rdomain's VRF, or None; raise OSError."""
    index = vrf_index(rdomain)
    return None if index is None else look(index)


def look(index: int) -> Vrf | None:
    """Return the VRF of that index; None if it is none; raise OSError."""
    try:
        (answer,) = _request(_GETLINK, 0, index, b"")
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise
    return _decode(answer)


def obstacle(rdomain: int, name: str, table: int | None) -> str | None:
    """Return why the VRF of that name cannot be an rdomain, with a hint; None if it can."""
    path = rdomain_path(rdomain)
    if path.exists():
        return (
            f"{path} is there, and is no VRF"
            f"\n    hint: `ip netns delete {path.name}` makes room, and ends what is in it"
        )
    index = _index(name)
    present = None if index is None else look(index)
    if index is not None and present is None:
        return f'"{name}" is an interface, and no VRF'
    if present is not None and table not in (None, present.table):
        return (
            f'the VRF "{name}" has the routing table {present.table}, and not {table}'
            "\n    hint: without `table` it keeps the one that it has"
        )
    if present is not None and present.rdomain not in (None, rdomain):
        return f'the VRF "{name}" is rdomain {present.rdomain} already{_away(present.rdomain)}'
    other = vrf_index(rdomain)
    if other not in (None, index):
        return f'"{socket.if_indextoname(other or 0)}" has its name{_away(rdomain)}'
    return None


def make(rdomain: int, name: str, table: int | None) -> None:
    """Make an rdomain of the VRF of that name, which is made if need be.

    Its table is then the one given, or that of the rdomain's number.  Raise OSError;
    EOPNOTSUPP of a kernel that has no VRFs.
    """
    if _index(name) is None:
        _make_device(rdomain, name, rdomain if table is None else table)
    if vrf_index(rdomain) is None:
        second = nest(_PROP_LIST, attribute(_ALT_IFNAME, _second_name(rdomain).encode() + b"\0"))
        _request(_NEWLINKPROP, _CREATE | _EXCL | _APPEND, _index(name) or 0, second)


def remove(rdomain: int) -> bool:
    """Remove a VRF that we made if nothing is in it; say whether it was removed; raise OSError."""
    index = vrf_index(rdomain)
    if index is None or read_text(vrf_mark_path(rdomain)) != str(index):
        return False
    vrf = look(index)
    if vrf is None or index in set(_masters()):
        return False
    _request(_DELLINK, 0, index, b"")
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):  # it is gone
            _refuse_the_rest(_DELROUTE, 0, family, vrf.table)
    vrf_mark_path(rdomain).unlink(missing_ok=True)
    return True


def _make_device(rdomain: int, name: str, table: int) -> None:
    data = nest(_INFO_DATA, attribute(_VRF_TABLE, _U32.pack(table)))
    kind = nest(_LINKINFO, attribute(_INFO_KIND, KIND.encode()), data)
    content = attribute(_IFNAME, name.encode() + b"\0") + kind
    try:
        _request(_NEWLINK, _CREATE | _EXCL, 0, content)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            raise OSError(error.errno, "this kernel has no VRFs") from error
        raise
    index = _index(name) or 0
    replace_text("mark", f"rdomain {rdomain}", vrf_mark_path(rdomain), str(index))
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(FileExistsError):
            _refuse_the_rest(_NEWROUTE, _CREATE | _EXCL, family, table)
    _request(_NEWLINK, 0, index, b"", _IFF_UP)


def _refuse_the_rest(kind: int, flags: int, family: int, table: int) -> None:
    """Add or remove the route for what no other route is for."""
    header = (family, 0, 0, 0, 0, _RTPROT_STATIC, 0, _RTN_UNREACHABLE, 0)
    content = attribute(_RTA_TABLE, _U32.pack(table))
    content += attribute(_RTA_PRIORITY, _U32.pack(_LAST_METRIC))
    with closing(NetlinkSocket(NETLINK_ROUTE)) as netlink:
        netlink.request(kind, flags, _RTMSG.pack(*header) + content)


def _masters() -> Iterator[int]:
    """Yield which interfaces have others in them."""
    with closing(NetlinkSocket(NETLINK_ROUTE)) as netlink:
        answers = netlink.dump(_GETLINK, _IFINFO.pack(0, 0, 0, 0, 0))
    for answer in answers:
        master = dict(attributes(answer[_IFINFO.size :])).get(_MASTER)
        if master is not None:
            yield _U32.unpack(master)[0]


def _request(kind: int, flags: int, index: int, content: bytes, up: int = 0) -> list[memoryview]:
    with closing(NetlinkSocket(NETLINK_ROUTE)) as netlink:
        return netlink.request(kind, flags, _IFINFO.pack(0, 0, index, up, up) + content)


def _decode(answer: memoryview) -> Vrf | None:
    _, _, index, flags, _ = _IFINFO.unpack_from(answer)
    found = dict(attributes(answer[_IFINFO.size :]))
    information = dict(attributes(found.get(_LINKINFO, memoryview(b""))))
    if _text(information.get(_INFO_KIND)) != KIND:
        return None
    data = dict(attributes(information[_INFO_DATA]))
    others = attributes(found.get(_PROP_LIST, memoryview(b"")))
    return Vrf(
        name=_text(found.get(_IFNAME)),
        index=index,
        table=_U32.unpack(data[_VRF_TABLE])[0],
        names=tuple(_text(payload) for kind, payload in others if kind == _ALT_IFNAME),
        is_up=bool(flags & _IFF_UP),
    )


def _second_name(rdomain: int) -> str:
    return f"rdomain{rdomain}"


def _away(rdomain: int) -> str:
    """Say how an rdomain's name is taken from whatever has it."""
    name = _second_name(rdomain)
    return f"\n    hint: `ip link property del dev {name} altname {name}` takes that name away"


def _index(name: str) -> int | None:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def _text(payload: memoryview | None) -> str:
    return "" if payload is None else bytes(payload).rstrip(b"\0").decode(errors="replace")
