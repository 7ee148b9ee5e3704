"""Single words as addresses; each function raises Mistake about its word."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_interface,
)

from netstart_wg.model.address import (
    PORT_MAX,
    Endpoint,
    EndpointName,
    IPNetwork,
    ipv4_address,
)
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.values import number
from netstart_wg.syntax.words import Word

_ALL_ONES = IPv4Address("255.255.255.255")

_IPV4_NETWORK = re.compile(
    r"(?:(?P<octets>[0-9]{1,3}(?:\.[0-9]{1,3}){0,3})|0[xX](?P<digits>[0-9a-fA-F]{1,8}))"
    r"(?:/[0-9]+)?"
)
_HEXADECIMAL_NETMASK = re.compile(r"0[xX][0-9a-fA-F]{1,8}")

_HOST_NAME = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_HOST_NAME_LIMIT = 253
_ONLY_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
_SCOPE = re.compile(r"[^\s/%]{1,15}")
_HOST_AND_PORT = re.compile(r"(?:(?P<name>[^][:]+)|\[(?P<address>[^][]+)\]):(?P<port>[0-9]+)")
_SERVICE_NAME = re.compile(r"[a-zA-Z0-9+._-]*[a-zA-Z][a-zA-Z0-9+._-]*")

ServicePort = Callable[[str], int | None]
"""Returns the UDP port of a service, by its name; this layer reads no /etc/services."""


def no_service(_: str) -> None:
    """Know no service: for whoever has no list of them."""


# ---- addresses of interfaces ----


def split_length(word: Word) -> tuple[Word, Word | None]:
    """Take ADDRESS/LENGTH apart, so that each half has its own place where that is possible."""
    address, slash, length = word.value.partition("/")
    if not slash:
        return word, None
    if word.raw != word.value:
        return word._replace(value=address), word._replace(value=length)
    return (
        Word(address, address, word.start),
        Word(length, length, word.start + len(address) + 1),
    )


def interface_ipv4(word: Word) -> IPv4Address:
    """Read the address of an interface, without a prefix length."""
    address = _ipv4(word.value)
    if address is None:
        if _ipv6(word.value) is not None:
            raise Mistake.about(word, Message.OTHER_FAMILY, keyword="inet", family="inet6")
        raise Mistake.about(word, Message.NOT_IPV4)
    if address.is_multicast or address.is_unspecified or address == _ALL_ONES:
        raise Mistake.about(word, Message.UNUSABLE_ADDRESS)
    return address


def interface_ipv6(word: Word) -> IPv6Address:
    """Read the address of an interface, without a prefix length."""
    address = _ipv6(word.value)
    if address is None:
        if _ipv4(word.value) is not None:
            raise Mistake.about(word, Message.OTHER_FAMILY, keyword="inet6", family="inet")
        raise Mistake.about(word, Message.NOT_IPV6)
    if address.scope_id is not None:
        raise Mistake.about(word, Message.SCOPED_ADDRESS)
    if address.is_multicast or address.is_unspecified:
        raise Mistake.about(word, Message.UNUSABLE_ADDRESS)
    return address


def ipv4(word: Word) -> IPv4Address:
    """Read any IPv4 address."""
    address = _ipv4(word.value)
    if address is None:
        raise Mistake.about(word, Message.NOT_IPV4)
    return address


def is_netmask(word: Word) -> bool:
    """Say whether a word could be a netmask."""
    try:
        netmask_length(word, "ADDRESS")
    except Mistake:
        return False
    return True


def netmask_length(word: Word, address: object) -> int:
    """Read a netmask of an address, dotted or hexadecimal, as a prefix length of 1 to 32."""
    if _HEXADECIMAL_NETMASK.fullmatch(word.value):
        mask = int(word.value, 16)
    elif (dotted := _ipv4(word.value)) is not None:
        mask = int(dotted)
    else:
        raise Mistake.about(word, Message.BAD_NETMASK, address=address)
    zeroes = ~mask & 0xFFFFFFFF
    if mask == 0 or zeroes & (zeroes + 1):
        raise Mistake.about(word, Message.GAPS_IN_NETMASK)
    return 32 - zeroes.bit_length()


def classful_length(address: IPv4Address) -> int:
    """Return the prefix length of an address that came without: class A, B, or C and above."""
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24


def broadcast_address(word: Word) -> IPv4Address:
    """Read a broadcast address."""
    address = _ipv4(word.value)
    if address is None:
        raise Mistake.about(word, Message.BAD_BROADCAST)
    return address


def is_like_a_network(word: Word) -> bool:
    """Say whether an address of an interface may be meant as a network: no host bits, or a host."""
    try:
        interface = ip_interface(word.value)
    except ValueError:
        return False
    network = interface.network
    return network.prefixlen == network.max_prefixlen or interface.ip == network.network_address


# ---- allowed IPs ----


def allowed_ip(word: Word) -> tuple[IPNetwork, bool]:
    """Read a network as OpenBSD's inet_net_pton(3) does; and whether it had bits to be cleared.

    IPv4 may leave out octets, or be a hexadecimal number of whole octets; without
    a length it has that of its class, or of the octets given if these are more.
    """
    match = _IPV4_NETWORK.fullmatch(word.value)
    if match is None:
        return _allowed_ipv6(word)
    octets = _octets(word, match)
    _, length_word = split_length(word)
    if length_word is not None:
        length = number(length_word, "prefix length", "IPv4", 0, 32)
    else:
        length = _inferred_length(octets)
    bits = int.from_bytes(octets.ljust(4, b"\0"), "big")
    network = IPv4Network((bits, length), strict=False)
    return network, int(network.network_address) != bits


def ends_in_half_octet(word: Word) -> bool:
    """Say whether a network is a hexadecimal number whose last octet has one digit only."""
    match = _IPV4_NETWORK.fullmatch(word.value)
    return match is not None and len(match["digits"] or "") % 2 == 1


def _octets(word: Word, match: re.Match[str]) -> bytes:
    try:
        if (digits := match["digits"]) is not None:
            return bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "0")
        return bytes(map(int, match["octets"].split(".")))
    except ValueError:
        raise Mistake.about(word, Message.BAD_ALLOWED_IP) from None


def _inferred_length(octets: bytes) -> int:
    first = octets[0]
    of_class = 8 if first < 128 else 16 if first < 192 else 24 if first < 224 else 4
    return max(32 if first >= 240 else of_class, 8 * len(octets))


def _allowed_ipv6(word: Word) -> tuple[IPNetwork, bool]:
    address_word, length_word = split_length(word)
    address = _ipv6(address_word.value)
    if address is None or address.scope_id is not None:
        several = "," in word.value
        raise Mistake.about(
            word, Message.SEVERAL_ALLOWED_IPS if several else Message.BAD_ALLOWED_IP
        )
    length = 128
    if length_word is not None:
        length = number(length_word, "prefix length", "IPv6", 0, 128)
    network = IPv6Network((int(address), length), strict=False)
    return network, network.network_address != address


# ---- endpoints ----


def endpoint(host: Word, port_word: Word, service_port: ServicePort) -> Endpoint | EndpointName:
    """Read the host and port of a peer; a port that is no number is looked up."""
    text = host.value
    address = _ipv4(text) or _ipv6(text)
    if address is None and not _is_host_name(text):
        raise Mistake.about(host, _bad_host(text))
    port = _endpoint_port(port_word, service_port)
    if address is None:
        return EndpointName(text, port)
    if isinstance(address, IPv6Address) and (scope := address.scope_id) is not None:
        return _scoped_endpoint(host, address, scope, port)
    return Endpoint(address, port)


def _bad_host(text: str) -> Message:
    """Say what is wrong with a host: it may well have its port with it."""
    if text.startswith("[") and text.endswith("]"):
        return Message.BRACKETED_HOST
    host, _, port = text.rpartition(":")
    has_port = not host.endswith(":") and (port.isdigit() or _SERVICE_NAME.fullmatch(port))
    if has_port and (_ipv4(host) or _ipv6(host.strip("[]")) or _is_host_name(host)):
        return Message.ENDPOINT_IN_ONE_WORD
    return Message.BAD_HOST


def _endpoint_port(word: Word, service_port: ServicePort) -> int:
    if not _SERVICE_NAME.fullmatch(word.value):
        return number(word, "port", "wgendpoint", 1, PORT_MAX)
    port = service_port(word.value)
    if port is None:
        raise Mistake.about(word, Message.UNKNOWN_SERVICE, high=PORT_MAX)
    return port


def split_host_and_port(word: Word) -> tuple[Word, Word] | None:
    """Take `HOST:PORT` and `[ADDRESS]:PORT` apart; None for anything else."""
    match = _HOST_AND_PORT.fullmatch(word.value)
    if match is None:
        return None
    host, port = ("name" if match["name"] else "address"), "port"
    if word.raw != word.value:
        return word._replace(value=match[host]), word._replace(value=match[port])
    return (
        Word(match[host], match[host], word.start + match.start(host)),
        Word(match[port], match[port], word.start + match.start(port)),
    )


def _scoped_endpoint(
    host: Word, address: IPv6Address, scope: str, port: int
) -> Endpoint | EndpointName:
    if not _SCOPE.fullmatch(scope):
        raise Mistake.about(host, Message.BAD_HOST)
    if scope.isascii() and scope.isdigit() and len(scope) <= 9:
        return Endpoint(IPv6Address(int(address)), port, int(scope))
    return EndpointName(host.value, port)


def _is_host_name(text: str) -> bool:
    """Say whether to ask the resolver; it need not be asked what cannot be a name."""
    return (
        len(text) <= _HOST_NAME_LIMIT
        and _HOST_NAME.fullmatch(text) is not None
        and _ONLY_DIGITS_AND_DOTS.fullmatch(text) is None
    )


def _ipv4(text: str) -> IPv4Address | None:
    try:
        return ipv4_address(text)
    except ValueError:
        return None


def _ipv6(text: str) -> IPv6Address | None:
    try:
        return IPv6Address(text)
    except ValueError:
        return None
