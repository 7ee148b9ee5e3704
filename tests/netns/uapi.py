"""A client of a host's engine, from outside of the host: for keys that wg(8) does not know."""

from __future__ import annotations

import socket
from contextlib import closing

from netstart_wg.model.change import DeviceChange
from netstart_wg.model.state import WireGuardState
from netstart_wg.uapi import GET_REQUEST, decode_errno, decode_get, encode_set
from tests.netns.hosts import Host

TIMEOUT_SECONDS = 10.0


def state(host: Host, interface: str) -> WireGuardState:
    """Ask for everything."""
    return decode_get(ask(host, interface, GET_REQUEST))


def configure(host: Host, interface: str, change: DeviceChange) -> int:
    """Hand over a change; return 0, or the number of errno(3) that it was refused with."""
    return decode_errno(ask(host, interface, encode_set(change)))


def ask(host: Host, interface: str, request: str) -> str:
    """Send a request and return the reply."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(f"/proc/{host.pid}/root/run/wireguard/{interface}.sock")
        connection.sendall(request.encode())
        reply = b""
        while not reply.endswith(b"\n\n"):
            octets = connection.recv(1 << 16)
            assert octets, f"{host.name}: {interface}: the engine hung up after {len(reply)} octets"
            reply += octets
    return reply.decode()
