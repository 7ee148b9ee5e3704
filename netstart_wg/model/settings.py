"""What netstart-wg.toml asks for: what a hostname file, being OpenBSD's, has no words for."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path


class EngineChoice(enum.Enum):
    """Which WireGuard stands behind an interface."""

    EMBEDDED = "embedded"
    """Ours, netstart-wgd."""
    KERNEL = "kernel"
    AUTO = "auto"
    """The kernel's where the kernel has it, else ours."""


class RouteSource(enum.Enum):
    """Where an interface's routes come from, besides `!route`."""

    FILE = "file"
    """From nowhere else."""
    ALLOWED_IPS = "allowed-ips"
    """From each allowed IP of each peer, as wg-quick(8) has it."""


class ForeignPolicy(enum.Enum):
    """What becomes of peers and addresses that neither the file names nor a run of ours added."""

    REMOVE = "remove"
    """They go: the file is the whole truth."""
    KEEP = "keep"
    """They are left alone, and told of as foreign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSettings:
    """What holds for one interface."""

    engine: EngineChoice = EngineChoice.EMBEDDED
    key_file: Path | None = None
    """A file with the private key in base64, for a hostname file without `wgkey`."""
    credential: str | None = None
    """The same as a systemd credential of that name; never together with `key_file`."""
    routes: RouteSource = RouteSource.FILE
    foreign: ForeignPolicy = ForeignPolicy.REMOVE
    strict_commands: bool = False
    """Whether a `!` command that fails ends the run, and what was begun is undone."""

    rdomains: Mapping[int, RdomainPlace] = field(default_factory=dict)
    """Where rdomains are; the same for all interfaces."""

    @property
    def names_key(self) -> bool:
        """Whether the private key is in a file of its own."""
        return self.key_file is not None or self.credential is not None


class RdomainKind(enum.Enum):
    """What an rdomain is on Linux."""

    NAMESPACE = "namespace"
    """A network namespace that exists already under another name than `rdomainN`."""
    VRF = "vrf"
    """A VRF device of the namespace that netstart-wg runs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RdomainPlace:
    """Where one rdomain is; an rdomain without one is the network namespace `rdomainN`."""

    kind: RdomainKind
    name: str
    """Of the namespace in /run/netns, or of the VRF device."""
    table: int | None = None
    """Of a VRF: its routing table, 1 to 4294967295; None takes the number of the rdomain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file; one that does not exist asks for nothing."""

    default: InterfaceSettings = InterfaceSettings()
    interfaces: Mapping[str, InterfaceSettings] = field(default_factory=dict)
    """By name; each complete: what it does not say itself is the default's."""
    rdomains: Mapping[int, RdomainPlace] = field(default_factory=dict)

    def of(self, interface: str) -> InterfaceSettings:
        """Return what holds for an interface."""
        own = self.interfaces.get(interface, self.default)
        return replace(own, rdomains=self.rdomains)
