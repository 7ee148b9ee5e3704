"""What the hostname files ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netstart_wg.model.address import Endpoint, EndpointName, IPInterface, IPNetwork
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey

_KEY = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=")
"""Thirty-two bytes in base64, in the middle of a text."""

DEFAULT_MTU = 1420
"""wg(4): what an interface has when nobody asked for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """One `wgpeer` and what was said of it."""

    public_key: PublicKey
    preshared_key: PresharedKey | None = None
    endpoint: Endpoint | EndpointName | None = None
    persistent_keepalive: int = 0
    """Seconds between keepalives; 0 is off."""
    allowed_ips: tuple[IPNetwork, ...] = ()
    """Host bits masked, no duplicates, in the order written."""
    description: str | None = None
    """`wgdescr`; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardConfig:
    """What concerns the engine."""

    private_key: PrivateKey | None = None
    listen_port: int | None = None
    """None: keep what was chosen, or choose."""
    peers: tuple[PeerConfig, ...] = ()
    """In order of first mention; no public key twice."""


@dataclass(frozen=True, slots=True)
class Command:
    """A `!` line with `$if` already replaced: text for sh(1)."""

    text: str

    @property
    def shown(self) -> str:
        """Return the text as people may see it: whatever looks like a key is hidden."""
        return _KEY.sub("(hidden)", self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceConfig:
    """One hostname file, folded onto a freshly created interface."""

    name: str
    wireguard: WireGuardConfig = WireGuardConfig()
    addresses: tuple[IPInterface, ...] = ()
    """In the order they take effect; no duplicates."""
    mtu: int = DEFAULT_MTU
    """Bytes, of inner packets."""
    is_up: bool = False
    description: str | None = None
    """`description`; never empty."""
    commands: tuple[Command, ...] = ()
    """In file order."""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything the hostname files of one run ask for."""

    interfaces: tuple[InterfaceConfig, ...] = ()
