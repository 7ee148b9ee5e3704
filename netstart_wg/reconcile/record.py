"""The record of what was last applied: made, written as JSON, and read back.

It holds what the running system cannot tell: which endpoint the file declared
when a peer was given one (the peer may have roamed since), which commands have
run, and which routes that lead elsewhere are this interface's.  A command is
known by its digest; beside it is the text as people may see it, to name the
command when it leaves the file.  Of everything else that was declared there is a
digest, to tell what the file has changed since from what somebody else has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig
from netstart_wg.model.record import AppliedRecord, CommandDigest, ItemDigest, RanCommand
from netstart_wg.model.route import RouteKey
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.applied_items import items_of
from netstart_wg.reconcile.routes import leaves_through

VERSION = 1
"""Of the format; a record of another one counts as none."""


def record_of(
    desired: InterfaceConfig,
    index: int,
    applied: AppliedRecord | None,
    resolved: Mapping[EndpointName, Endpoint],
) -> AppliedRecord:
    """Return what to remember once `desired` is in place on the interface of that index.

    `applied` and `resolved` are those that the plan was made from.  A name that
    could not be looked up is remembered only if it was applied before; otherwise
    the next run would take the peer's former endpoint for one it roamed to.
    """
    previous = dict(applied.endpoints) if applied and applied.index == index else {}
    endpoints: list[tuple[str, str]] = []
    for peer in desired.wireguard.peers:
        key, declared = peer.public_key.to_base64(), declared_endpoint(peer)
        if declared is None:
            continue
        is_known = not isinstance(peer.endpoint, EndpointName) or peer.endpoint in resolved
        if is_known or previous.get(key) == declared:
            endpoints.append((key, declared))
    return AppliedRecord(
        interface=desired.name,
        index=index,
        endpoints=tuple(sorted(endpoints)),
        commands=tuple(
            RanCommand(digest=digest_of(command), shown=command.shown)
            for command in desired.commands
        ),
        routes=tuple(
            route.key
            for route in desired.routes
            if not leaves_through(route, desired.name, desired.rdomain)
        ),
        items=tuple(items_of(desired)),
    )


def standing_record(
    applied: AppliedRecord | None, running: InterfaceState | None
) -> AppliedRecord | None:
    """Return the record if it is about this very interface, not about a former one."""
    if applied is None or running is None:
        return None
    is_about_it = (applied.interface, applied.index) == (running.name, running.index)
    return applied if is_about_it else None


def declared_endpoint(peer: PeerConfig) -> str | None:
    """Return a peer's endpoint as the record compares it: a name stays a name."""
    return None if peer.endpoint is None else str(peer.endpoint)


def digest_of(command: Command) -> CommandDigest:
    """Return what the record knows a command by."""
    return CommandDigest(hashlib.sha256(command.line.encode()).hexdigest())


def encode_record(record: AppliedRecord) -> str:
    """Write a record as one line of JSON."""
    return json.dumps(
        {
            "version": VERSION,
            "interface": record.interface,
            "index": record.index,
            "endpoints": dict(record.endpoints),
            "commands": [_encode_command(command) for command in record.commands],
            "routes": [_encode_route(key) for key in record.routes],
            "items": dict(record.items),
        }
    )


def decode_record(text: str) -> AppliedRecord:
    """Read what `encode_record` wrote; raise ValueError for anything else."""
    try:
        content: object = json.loads(text)
    except RecursionError:
        raise ValueError("no record: nested too deeply") from None
    match content:
        case {
            "version": int(version),
            "interface": str(interface),
            "index": int(index),
            "endpoints": dict(endpoints),
            "commands": list(commands),
            **others,
        } if version == VERSION:
            return AppliedRecord(
                interface=interface,
                index=index,
                endpoints=tuple(sorted((key, _text(value)) for key, value in endpoints.items())),
                commands=tuple(_decode_command(command) for command in commands),
                routes=tuple(_decode_routes(others.get("routes", []))),
                items=tuple(_decode_items(others.get("items", {}))),
            )
        case _:
            raise ValueError(f"no record of version {VERSION}")


def _encode_command(command: RanCommand) -> list[str] | str:
    return command.digest if command.shown is None else [command.digest, command.shown]


def _decode_command(command: object) -> RanCommand:
    match command:
        case str(digest):
            return RanCommand(digest=CommandDigest(digest))
        case [str(digest), str(shown)]:
            return RanCommand(digest=CommandDigest(digest), shown=shown)
        case _:
            raise ValueError("no record: a command was expected")


def _encode_route(key: RouteKey) -> list[int | str]:
    main: list[int | str] = [key.rdomain, str(key.destination), key.priority]
    return main if key.table is None else [*main, key.table]


def _decode_routes(routes: object) -> Iterator[RouteKey]:
    for route in routes if isinstance(routes, list) else [routes]:
        match route:
            case [int(rdomain), str(destination), int(priority)]:
                yield RouteKey(rdomain, ip_network(destination), priority)
            case [int(rdomain), str(destination), int(priority), int(table)]:
                yield RouteKey(rdomain, ip_network(destination), priority, table)
            case _:
                raise ValueError("no record: a route was expected")


def _decode_items(items: object) -> Iterator[tuple[str, ItemDigest]]:
    if not isinstance(items, dict):
        raise ValueError("no record: items were expected")
    for item, digest in items.items():
        yield item, ItemDigest(_text(digest))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no record: a text was expected")
    return value
