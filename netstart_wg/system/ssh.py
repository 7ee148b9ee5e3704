"""Whether somebody is logged in over SSH who runs us, and from where.

sshd(8) says so in SSH_CONNECTION, which sudo(8) takes out of our environment, but not
out of that of our ancestors.  In whose it is proves little: a service that was
started by hand has it, too.  So there must be a terminal, or an sshd among the ancestors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from netstart_wg.model.connection import Connection
from netstart_wg.system.processes import parent_of

VARIABLE: Final = "SSH_CONNECTION"
"""ssh(1): the client's address and port, the server's address and port."""

_DAEMONS = ("sshd", "dropbear")
"""What the names of daemons begin with; OpenSSH has `sshd-session`, too."""


def ssh_connection(environment: Mapping[str, str] = os.environ) -> Connection | None:
    """Return the connection by which whoever runs us is there; None if there is none."""
    ancestors = tuple(_ancestors())
    said = environment.get(VARIABLE) or next(filter(None, map(_variable_of, ancestors)), None)
    if said is None or not (_has_terminal() or any(map(_is_daemon, ancestors))):
        return None
    return parse_connection(said)


def parse_connection(text: str) -> Connection | None:
    """Read what sshd(8) says; None if it is not that."""
    match text.split():
        case [client, _, server, _]:
            try:
                return Connection(client=_address(client), server=_address(server))
            except ValueError:
                return None
        case _:
            return None


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _ancestors() -> Iterator[int]:
    """Yield our parent, its parent, and so on, without the first process of all."""
    number = os.getppid()
    while number > 1:
        yield number
        number = parent_of(number)


def _variable_of(process: int) -> str | None:
    """Return what the process had in its environment when it was started."""
    try:
        octets = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return None
    beginning = f"{VARIABLE}=".encode()
    found = (each for each in octets.split(b"\0") if each.startswith(beginning))
    return next((each.removeprefix(beginning).decode(errors="replace") for each in found), None)


def _is_daemon(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text(errors="replace").startswith(_DAEMONS)
    except OSError:
        return False


def _has_terminal() -> bool:
    return any(os.isatty(descriptor) for descriptor in (0, 2))
