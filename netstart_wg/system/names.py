"""Look up the names of hosts and services that endpoints may be written with.

A host that cannot be looked up is a value, not an exception: it must hold up
neither its peer nor the others.  All names of a run are asked for at once, and
nobody waits longer than the limit for the slowest of them.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from netstart_wg.model.address import Endpoint, EndpointName, IPAddress

LIMIT_SECONDS = 1.0
"""A run waits no longer: the rest is for the background (`app/names.py`)."""
THREADS = 32


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name without an address."""

    name: EndpointName
    reason: str
    """In the resolver's words, lower case."""
    last_known: Endpoint | None = None
    """Where it was last found, at whatever time that was."""


def resolve(name: EndpointName) -> Endpoint | Unresolved:
    """Ask the resolver and take its first answer, as ifconfig(8) does."""
    answers = resolve_every(name)
    return answers if isinstance(answers, Unresolved) else answers[0]


def resolve_every(name: EndpointName) -> tuple[Endpoint, ...] | Unresolved:
    """Ask the resolver (getaddrinfo(3)); return all answers, best first (RFC 6724 §6).

    A literal IPv6 address with a scope (`fe80::1%eth0`) is looked up without asking anybody.
    """
    try:
        answers = socket.getaddrinfo(name.host, name.port, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        return Unresolved(name, str(error.strerror).lower())
    except (OSError, UnicodeError) as error:
        return Unresolved(name, str(error).lower())
    found = (_endpoint(name.port, family, address) for family, _, _, _, address in answers)
    return tuple(dict.fromkeys(found))


def _endpoint(port: int, family: int, address: tuple[object, ...]) -> Endpoint:
    host = str(address[0]).partition("%")[0]
    has_scope = family == socket.AF_INET6 and len(address) == 4
    scope_id = int(str(address[3])) if has_scope else 0
    return Endpoint(ip_address(host), port, scope_id)


def with_last_known(
    answers: Mapping[EndpointName, Endpoint | Unresolved], known: Mapping[str, IPAddress]
) -> Mapping[EndpointName, Endpoint | Unresolved]:
    """Return the answers, and of a name without one where its host was last found."""
    return {
        name: replace(answer, last_known=Endpoint(known[name.host], name.port))
        if isinstance(answer, Unresolved) and name.host in known
        else answer
        for name, answer in answers.items()
    }


def service_port(name: str) -> int | None:
    """Return the UDP port of a service (services(5)), None if there is no such service."""
    try:
        return socket.getservbyname(name, "udp")
    except OSError:
        return None


def resolve_all(
    names: Collection[EndpointName], limit_seconds: float = LIMIT_SECONDS
) -> Mapping[EndpointName, Endpoint | Unresolved]:
    """Look up every name; those the resolver keeps silent about in time are unresolved.

    A lookup cannot be called off, so the threads of the silent ones are left
    behind; they end with the process.
    """
    waiting: queue.SimpleQueue[EndpointName] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[EndpointName, Endpoint | Unresolved]] = queue.SimpleQueue()
    distinct = dict.fromkeys(names)
    for name in distinct:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            answers.put((name, resolve(name)))

    for _ in range(min(THREADS, len(distinct))):
        threading.Thread(target=work, daemon=True).start()
    return _collect(distinct, answers, time.monotonic() + limit_seconds)


def _collect(
    names: Collection[EndpointName],
    answers: queue.SimpleQueue[tuple[EndpointName, Endpoint | Unresolved]],
    deadline: float,
) -> dict[EndpointName, Endpoint | Unresolved]:
    collected: dict[EndpointName, Endpoint | Unresolved] = {
        name: Unresolved(name, "no answer in time") for name in names
    }
    for _ in names:
        try:
            name, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        collected[name] = answer
    return collected
