"""One line of the protocol, `key=value`, and what values can be.

What a `parse_` function cannot read raises UapiError with EINVAL; the message
names the key and, unless it is one of WireGuard's keys, the value.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Final, Literal, TypeVar

from netstart_wg.model.address import PORT_MAX, Endpoint, IPNetwork, ipv4_address
from netstart_wg.model.keys import KEY_LENGTH, Key, PresharedKey, PrivateKey

KEEPALIVE_MAX: Final = 65535
"""Seconds."""
WGRTABLE_MAX: Final = 255
"""RT_TABLEID_MAX of OpenBSD."""
U32_MAX: Final = (1 << 32) - 1
U64_MAX: Final = (1 << 64) - 1

_ERRNO_MAX: Final = 4095
_ZERO_KEY: Final = "0" * (2 * KEY_LENGTH)
_SHOWN_MAX: Final = 80

_NAME = re.compile(r"[a-z_]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_GROUP = re.compile(r"[^\s,\0]{0,14}[^\s,\x000-9]")
"""ifconfig(8): at most 15 characters, no digit at the end; here also nothing that parts words."""
_PREFIX = re.compile(r"[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}")
_ENDPOINT_V4 = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")
_ENDPOINT_V6 = re.compile(r"\[([0-9A-Fa-f:.]{2,45})(?:%([^\s/%\]]{1,15}))?\]:([0-9]{1,5})")

IndexOfInterface = Callable[[str], int]
"""Finds the index behind an interface's name or raises OSError, as `socket.if_nametoindex` does."""

_AnyKey = TypeVar("_AnyKey", bound=Key)


class UapiError(Exception):
    """Text that is not the protocol, or a reply that reports a failure."""

    def __init__(self, errno: int, message: str) -> None:
        """Take a positive number of errno(3), and what is wrong, without secrets."""
        self.errno = errno
        super().__init__(message)


def format_lines(lines: list[str]) -> str:
    """Join the lines of a request or a reply, and close it with an empty one."""
    return "\n".join(lines) + "\n\n"


def split_line(line: str) -> tuple[str, str]:
    """Return key and value; raise UapiError for a line without `=`, or with a NUL.

    That ends the line for wg(8), which then reads nothing of the whole reply.
    """
    key, separator, value = line.partition("=")
    if not separator:
        raise UapiError(errno.EPROTO, "a line without '='")
    if "\0" in line:
        raise UapiError(errno.EINVAL, "a line with a NUL")
    return key, value


def one_line(text: str) -> str:
    """Pass on a text that can be nothing but a part of one line of the protocol."""
    if "\n" in text or "\0" in text:
        raise ValueError("a text of more than one line, or with a NUL")
    return text


def format_key(key: PrivateKey | PresharedKey | None) -> str:
    """Return 64 hexadecimal digits; zeros stand for no key."""
    return _ZERO_KEY if key is None else key.to_hex()


def format_group(name: str) -> str:
    """Pass on the name of an interface group; raise ValueError if it cannot be one."""
    if not _GROUP.fullmatch(name):
        raise ValueError("no name of a group")
    return name


def parse_key(role: type[_AnyKey], key: str, value: str) -> _AnyKey:
    """Read 64 hexadecimal digits; the message never has them."""
    try:
        return role.from_hex(value)
    except ValueError as error:
        raise UapiError(errno.EINVAL, f"bad value of {key}: {error}") from None


def parse_key_or_none(role: type[_AnyKey], key: str, value: str) -> _AnyKey | None:
    """Read 64 hexadecimal digits, of which zeros stand for no key."""
    return None if value == _ZERO_KEY else parse_key(role, key, value)


def parse_number(key: str, value: str, maximum: int) -> int:
    """Read a decimal number from 0 to `maximum`."""
    if not _DIGITS.fullmatch(value) or (number := int(value)) > maximum:
        raise _bad(key, value)
    return number


def parse_group(key: str, value: str) -> str:
    """Read the name of an interface group."""
    if not _GROUP.fullmatch(value):
        raise _bad(key, value)
    return value


def parse_true(key: str, value: str) -> Literal[True]:
    """Read the only value that a switch has."""
    if value != "true":
        raise _bad(key, value)
    return True


def check_protocol_version(key: str, value: str) -> None:
    """Let pass the only version there is."""
    if value != "1":
        raise _bad(key, value)


def parse_errno(value: str) -> int:
    """Read the number after `errno=`, whichever its sign: engines differ."""
    number = parse_number("errno", value.removeprefix("-"), U64_MAX)
    return number if number <= _ERRNO_MAX else errno.EPROTO


def parse_network(key: str, value: str) -> IPNetwork:
    """Read `address/length`; bits behind the prefix become zero."""
    if not _PREFIX.fullmatch(value):
        raise _bad(key, value)
    try:
        if ":" in value:
            return IPv6Network(value, strict=False)
        address_text, _, length_text = value.partition("/")
        return IPv4Network((int(ipv4_address(address_text)), int(length_text)), strict=False)
    except ValueError:
        raise _bad(key, value) from None


def parse_endpoint(
    key: str, value: str, index_of_interface: IndexOfInterface | None = None
) -> Endpoint:
    """Read `address:port`, IPv6 in brackets; a scope by name needs a way to look it up."""
    try:
        if match := _ENDPOINT_V4.fullmatch(value):
            address_text, port_text = match.groups()
            return Endpoint(ipv4_address(address_text), _port(port_text))
        if match := _ENDPOINT_V6.fullmatch(value):
            address_text, scope_text, port_text = match.groups()
            address, scope_id = IPv6Address(address_text), _scope_id(scope_text, index_of_interface)
            # like the kernel, ignore the scope of an address that means the same on every link
            return Endpoint(address, _port(port_text), scope_id if address.is_link_local else 0)
    except (ValueError, OSError):
        pass
    raise _bad(key, value)


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port <= PORT_MAX:
        raise ValueError("out of range")
    return port


def _scope_id(text: str | None, index_of_interface: IndexOfInterface | None) -> int:
    if text is None:
        return 0
    if not _DIGITS.fullmatch(text):
        if index_of_interface is None:
            raise ValueError("not a number")
        return index_of_interface(text)
    if int(text) > U32_MAX:
        raise ValueError("out of range")
    return int(text)


def _bad(key: str, value: str) -> UapiError:
    return UapiError(errno.EINVAL, f"bad value of {key}: {value[:_SHOWN_MAX]!r}")


def unknown_key(key: str) -> UapiError:
    """Return the refusal of a key that there is not."""
    # what stands before the first '=' may be a secret in base64
    shown = f"'{key}'" if _NAME.fullmatch(key) else "that is no name"
    return UapiError(errno.EINVAL, f"unknown key {shown}")
