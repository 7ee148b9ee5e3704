"""OpenBSD's ifconfig(8) and wg(4) imitated, as far as a hostname file can reach them.

The fold of netstart_wg.syntax, written a second time and another way, from the
manuals and from what OpenBSD's sources do: a process that collects words, and a
kernel that is changed by one system call after the other.  It shares no code
with what it is compared with, not even the model's types: commands come in as
words and what the interface has become goes out as a dictionary of plain values.

Where netstart-wg means to differ (hostname.wg(5), DIFFERENCES FROM OPENBSD and the
text above it), this does what netstart-wg says: `create` never fails, a text that is
too long is cut, bits beyond the prefix of an allowed IP are cleared, an address that
is named again gets the new length.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Word = tuple[str, ...]
"""A keyword and its arguments, without quotes.

What a line says about its address is one word, whatever the spelling:
`("inet", ADDRESS[, LENGTH])`, also with `inet alias`, `inet6` and `inet6 alias`, and
`("inet delete"[, ADDRESS])`, also with `inet6 delete`.
"""
Command = Sequence[Word]
"""What one ifconfig(8) is told behind the name of the interface."""
Description = dict[str, object]

TEXT_MAX = 63
"""IFDESCRSIZE without its NUL: bytes of a description."""


# ---- the kernel ----


@dataclass
class Peer:
    """A peer in the kernel."""

    psk: str | None = None
    endpoint: tuple[str, int] | None = None
    pka: int = 0
    text: str = ""


@dataclass
class PeerRecord:
    """struct wg_peer_io: what one `wgpeer` says; None: not said."""

    key: str
    remove: bool = False
    psk: str | None = None
    endpoint: tuple[str, int] | None = None
    pka: int | None = None
    text: str | None = None
    aips: list[str] = field(default_factory=list)


@dataclass
class Request:
    """struct wg_interface_io: what one command says of the engine; None: not said."""

    key: bytes | None = None
    port: int | None = None
    rtable: int | None = None
    replace_peers: bool = False
    records: list[PeerRecord] = field(default_factory=list)


@dataclass
class Interface:
    """A wg(4) interface in the kernel."""

    up: bool = False
    debug: bool = False
    mtu: int = 1420
    rdomain: int = 0
    text: str = ""
    groups: list[str] = field(default_factory=list)
    addresses: list[tuple[str, int]] = field(default_factory=list)
    key: bytes | None = None
    port: int = 0
    rtable: int = 0
    peers: dict[str, Peer] = field(default_factory=dict)
    table: list[tuple[str, str]] = field(default_factory=list)
    """(network, owner), each network once."""

    @property
    def own_key(self) -> str | None:
        """The public key."""
        if self.key is None:
            return None
        public = X25519PrivateKey.from_private_bytes(self.key).public_key()
        return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def siocswg(self, request: Request) -> None:
        """Take a request, in the order of the kernel."""
        if request.replace_peers:
            for key in list(self.peers):
                self.destroy_peer(key)
        if request.key is not None:
            self.key = clamped(request.key) if any(request.key) else None
            self.destroy_peer(self.own_key)
        if request.port is not None:
            self.port = request.port
        if request.rtable is not None:
            self.rtable = request.rtable
        for record in request.records:
            self.take(record)

    def take(self, record: PeerRecord) -> None:
        """Create, change or remove a peer."""
        if record.key == self.own_key:
            return
        if record.remove:
            self.destroy_peer(record.key)
            return
        peer = self.peers.setdefault(record.key, Peer())
        if record.endpoint is not None:
            peer.endpoint = record.endpoint
        if record.psk is not None:
            peer.psk = record.psk if any(base64.b64decode(record.psk)) else None
        if record.pka is not None:
            peer.pka = record.pka
        if record.text is not None:
            peer.text = record.text
        if record.aips:
            self.table = [entry for entry in self.table if entry[1] != record.key]
        for network in record.aips:
            if (network, record.key) not in self.table:
                self.table = [entry for entry in self.table if entry[0] != network]
                self.table.append((network, record.key))

    def destroy_peer(self, key: str | None) -> None:
        """Forget a peer, if there is one, and what is its own."""
        if key is not None and self.peers.pop(key, None) is not None:
            self.table = [entry for entry in self.table if entry[1] != key]

    def set_rdomain(self, rdomain: int) -> None:
        """Move; nothing that was said about addresses outlives it."""
        if rdomain != self.rdomain:
            self.addresses = []
        self.rdomain = rdomain

    def add_address(self, address: str, length: int) -> None:
        """Add an address, or change the length of one that is there (SIOCAIFADDR)."""
        for number, (known, _) in enumerate(self.addresses):
            if known == address:
                self.addresses[number] = (address, length)
                break
        else:
            self.addresses.append((address, length))
        self.up = True

    def delete_address(self, address: str) -> None:
        """Delete an address that may be there (SIOCDIFADDR)."""
        self.addresses = [entry for entry in self.addresses if entry[0] != address]

    def first_address(self, version: int) -> str | None:
        """Return the first address of a family (SIOCGIFADDR)."""
        return next((entry[0] for entry in self.addresses if family(entry[0]) == version), None)

    def delete_family(self, version: int) -> None:
        """Delete all addresses of a family (SIOCIFAFDETACH)."""
        self.addresses = [entry for entry in self.addresses if family(entry[0]) != version]

    def describe(self) -> Description:
        """Return what ifconfig would show, and the secrets."""
        return {
            "rdomain": self.rdomain,
            "addresses": [f"{address}/{length}" for address, length in self.addresses],
            "mtu": self.mtu,
            "up": self.up,
            "debug": self.debug,
            "description": self.text,
            "groups": self.groups,
            "key": self.key and base64.b64encode(self.key).decode(),
            "port": self.port,
            "wgrtable": self.rtable,
            "peers": [self.describe_peer(key, peer) for key, peer in self.peers.items()],
        }

    def describe_peer(self, key: str, peer: Peer) -> Description:
        """Return all about one peer."""
        return {
            "key": key,
            "psk": peer.psk,
            "endpoint": peer.endpoint,
            "pka": peer.pka,
            "description": peer.text,
            "aips": [network for network, owner in self.table if owner == key],
        }


# ---- ifconfig ----


class Machine:
    """A system with one interface, and an ifconfig(8) to change it."""

    def __init__(self, interface: Interface | None) -> None:
        self.interface = interface

    def ifconfig(self, command: Command) -> None:
        """Run a command whose words are all in order."""
        if self.interface is None and command[0] != ("destroy",):
            self.interface = Interface()
        for keyword, *arguments in command:
            if self.interface is None:
                return
            self.act_at_once(self.interface, keyword, arguments)
        if self.interface is None:
            return
        self.interface.siocswg(collect(command))
        for word in command:
            act_on_address(self.interface, word)

    def act_at_once(self, interface: Interface, keyword: str, arguments: list[str]) -> None:
        """Do what ifconfig does while it reads its arguments."""
        match keyword, arguments:
            case "destroy", []:
                self.interface = None
            case (("up" | "down"), []):
                interface.up = keyword == "up"
            case (("debug" | "-debug"), []):
                interface.debug = keyword == "debug"
            case "mtu", [number]:
                interface.mtu = int(number)
            case "rdomain", [number]:
                interface.set_rdomain(int(number))
            case "-rdomain", []:
                interface.set_rdomain(0)
            case (("description" | "descr"), [text]):
                interface.text = kept(text)
            case (("-description" | "-descr"), []):
                interface.text = ""
            case "group", [name]:
                interface.groups += [name] if name not in [*interface.groups, "wg"] else []
            case "-group", [name]:
                interface.groups = [group for group in interface.groups if group != name]
            case (("-inet" | "-inet6"), []):
                interface.delete_family(6 if keyword == "-inet6" else 4)
            case _:
                pass


def collect(command: Command) -> Request:
    """Collect the WireGuard words of a command for the one SIOCSWG."""
    request = Request()
    for keyword, *arguments in command:
        match keyword, arguments:
            case "wgkey", [key]:
                request.key = base64.b64decode(key)
            case "wgport", [number]:
                request.port = int(number)
            case "wgrtable", [number]:
                request.rtable = int(number)
            case "-wgpeerall", []:
                request.replace_peers = True
            case (("wgpeer" | "-wgpeer"), [key]):
                request.records.append(PeerRecord(key, remove=keyword == "-wgpeer"))
            case _ if request.records:
                note(request.records[-1], keyword, arguments)
            case _:
                pass
    return request


def note(record: PeerRecord, keyword: str, arguments: list[str]) -> None:
    """Note down a word about the current peer."""
    match keyword, arguments:
        case "wgpsk", [key]:
            record.psk = key
        case "-wgpsk", []:
            record.psk = base64.b64encode(bytes(32)).decode()
        case "wgendpoint", [host, port]:
            record.endpoint = (literal(host), int(port))
        case "wgaip", [text]:
            record.aips.append(network_of(text))
        case "wgpka", [number]:
            record.pka = int(number)
        case (("wgdescr" | "wgdescription"), [text]):
            record.text = kept(text)
        case (("-wgdescr" | "-wgdescription"), []):
            record.text = ""
        case _:
            pass


def act_on_address(interface: Interface, word: Word) -> None:
    """Remove an address, then add one, which is what ifconfig does last."""
    match word:
        case (("inet delete" | "inet6 delete") as keyword, *named):
            first = interface.first_address(4 if keyword == "inet delete" else 6)
            for address in named or ([first] if first else []):
                interface.delete_address(literal(address))
        case (("inet" | "inet alias" | "inet6" | "inet6 alias") as keyword, address, *length):
            first = interface.first_address(4)
            if keyword == "inet" and first is not None:
                interface.delete_address(first)
            interface.add_address(literal(address), length_of(address, length))
        case _:
            pass


def after_boot(commands: Iterable[Command]) -> Description | None:
    """Return what netstart(8) makes of the lines of a file; None if no interface is left."""
    return after_processes([joined_by_netstart(command) for command in commands])


def after_processes(commands: Iterable[Command]) -> Description | None:
    """Return what becomes of a fresh interface when ifconfig is run; None if nothing."""
    machine = Machine(Interface())
    for command in commands:
        machine.ifconfig(command)
    return machine.interface.describe() if machine.interface else None


def joined_by_netstart(command: Command) -> Command:
    """Return a command whose words netstart has joined with single blanks, quotes or not."""
    return [tuple(re.sub("[ \t]+", " ", text) for text in word) for word in command]


# ---- values ----


def clamped(key: bytes) -> bytes:
    """Return a private key as the kernel stores it (RFC 7748, 5)."""
    return bytes([key[0] & 0xF8, *key[1:31], key[31] & 0x7F | 0x40])


def kept(text: str) -> str:
    """Return as many characters of a text as the kernel has bytes for."""
    return text.encode()[:TEXT_MAX].decode(errors="ignore")


def literal(host: str) -> str:
    """Return the one way to write an address; what is none stays."""
    try:
        return host if "%" in host else str(ip_address(host))
    except ValueError:
        return host


def family(address: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in address else 4


def length_of(address: str, given: list[str]) -> int:
    """Return the prefix length of an interface's address."""
    if given:
        length = int(given[0])
        return 32 if length == 0 and family(address) == 4 else length
    return 64 if family(address) == 6 else class_of(int(address.partition(".")[0]))


def class_of(first_octet: int) -> int:
    """Return the prefix length of classes A, B and C."""
    return 8 if first_octet < 128 else 16 if first_octet < 192 else 24


def network_of(text: str) -> str:
    """Read an allowed IP as inet_net_pton(3) of OpenBSD does, and clear what is beyond."""
    bare, slash, length = text.partition("/")
    if ":" in bare:
        return str(ip_network((ip_address(bare), int(length) if slash else 128), strict=False))
    octets = list(octets_of(bare))
    bits = int(length) if slash else max(class_with_multicast(octets[0]), 8 * len(octets))
    number = int.from_bytes(bytes(octets + [0] * (4 - len(octets))))
    return str(IPv4Network((IPv4Address(number), bits), strict=False))


def octets_of(text: str) -> Iterator[int]:
    """Yield the octets that are written, as numbers or as hexadecimal digits."""
    if text.startswith("0x"):
        yield from bytes.fromhex(text.removeprefix("0x"))
    else:
        yield from map(int, text.split("."))


def class_with_multicast(first_octet: int) -> int:
    """Return the prefix length of a network that is written without one."""
    return class_of(first_octet) if first_octet < 224 else 4 if first_octet < 240 else 32
