"""Files that people use, most of them with placeholders, and what becomes of each.

The keys are random.  What a file `NAME` means, or what is said about it, is in
`NAME.expected`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstart_wg.errors import ConfigError
from netstart_wg.model.action import describe_route
from netstart_wg.model.config import DEFAULT_MTU, InterfaceConfig, PeerConfig
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from tests.syntax.x25519 import derive_public_key

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".expected")


def interface_of(path: Path) -> str:
    """Return the interface that a file is about, `wg0` if its name does not tell."""
    found = re.search(r"wg[0-9]+", path.name)
    return found[0] if found else "wg0"


def outcome(path: Path) -> str:
    """Return what a file means, or the messages about it."""
    source = SourceText.from_text(path.name, path.read_text(encoding="utf-8"))
    interface = interface_of(path)
    try:
        lowered = lower(parse(source, interface), interface, derive_public_key)
    except ConfigError as error:
        return f"{error}\n"
    warnings = [warning.format() for warning in lowered.warnings]
    return "\n".join([*warnings, *meaning(lowered.config)]) + "\n"


def meaning(config: InterfaceConfig) -> Iterator[str]:
    wireguard = config.wireguard
    if wireguard.private_key is not None:
        yield f"public key {derive_public_key(wireguard.private_key).to_base64()}"
    yield f"port {wireguard.listen_port or 'any'}, mtu {config.mtu or DEFAULT_MTU}"
    yield f"rdomain {config.rdomain}, wgrtable {wireguard.wgrtable}"
    yield ("up" if config.is_up else "down") + (", debug" if config.is_debug else "")
    if config.groups:
        yield f"groups {', '.join(config.groups)}"
    if config.description is not None:
        yield f"description {config.description}"
    for address in config.addresses:
        yield f"address {address}"
    for route in config.routes:
        yield describe_route(route)
    for peer in wireguard.peers:
        yield from meaning_of_peer(peer)
    for command in config.commands:
        yield f"command {command.text}"
        if command.rdomain:
            yield f"    in rdomain {command.rdomain}"
        yield f"    {stage(command.before)}"


def stage(before: InterfaceConfig | None) -> str:
    """Say in short when a command runs on an interface that is being created."""
    if before is None:
        return "after all lines"
    counts = (
        f"{len(before.addresses)} addresses",
        f"{len(before.wireguard.peers)} peers",
        f"{len(before.routes)} routes",
    )
    return f"after lines that make it {'up' if before.is_up else 'down'} with {', '.join(counts)}"


def meaning_of_peer(peer: PeerConfig) -> Iterator[str]:
    yield f"peer {peer.public_key.to_base64()}"
    if peer.description is not None:
        yield f"    description {peer.description}"
    if peer.preshared_key is not None:
        yield "    preshared key"
    if peer.endpoint is not None:
        yield f"    endpoint {peer.endpoint}"
    if peer.persistent_keepalive:
        yield f"    keepalive {peer.persistent_keepalive}"
    for network in peer.allowed_ips:
        yield f"    allowed {network}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_means_what_is_expected(path: Path) -> None:
    expected = path.with_name(f"{path.name}.expected").read_text(encoding="utf-8")
    assert outcome(path) == expected
