"""Statements to the desired state: the commands of a file, folded onto a fresh interface.

What OpenBSD would have after booting with the file is what is desired.  Within
one command the words about the interface act at once and in order, then all
WireGuard words together, then the address: ifconfig(8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from netstart_wg.errors import ConfigError
from netstart_wg.model.address import IPAddress, IPInterface
from netstart_wg.model.config import DEFAULT_MTU, Command, InterfaceConfig
from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.findings import Findings, in_file_order, quote
from netstart_wg.syntax.fold_wireguard import DerivePublicKey, WireGuardFold
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import (
    AnyStatement,
    Description,
    Down,
    HostnameFile,
    Ifconfig,
    Inet,
    Inet6,
    Mtu,
    ShellCommand,
    Up,
)

_INTERFACE_NAME = re.compile(r"[A-Za-z]+[0-9]+")
_NAME_LIMIT = 15


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a file asks for, and what is odd about it."""

    config: InterfaceConfig
    warnings: tuple[Diagnostic, ...]
    """In the order of their places in the file."""


def lower(
    file: HostnameFile, name: str, derive_public_key: DerivePublicKey | None = None
) -> Lowered:
    """Return what the interface `name` shall be; raise ConfigError if that is no name.

    Without `derive_public_key` a peer that is the interface itself is not left out.
    """
    if len(name) > _NAME_LIMIT or not _INTERFACE_NAME.fullmatch(name):
        message = Message.BAD_INTERFACE_NAME
        raise ConfigError([message.diagnostic(file.source.name, name=quote(name))])
    findings = Findings(file.source)
    wireguard = WireGuardFold(file.source.name, findings, derive_public_key)
    fold = _Fold()
    for line in file.lines:
        match line:
            case Ifconfig():
                fold.apply(line.statements)
                wireguard.apply(line.statements)
                fold.apply_address(line.statements)
            case ShellCommand():
                fold.run(line.text.replace("$if", name))
            case _:
                pass
    config = InterfaceConfig(
        name=name,
        wireguard=wireguard.config(),
        addresses=tuple(fold.addresses.values()),
        mtu=fold.mtu,
        is_up=fold.is_up,
        description=fold.description,
        commands=tuple(fold.commands),
    )
    return Lowered(config, in_file_order(file.warnings + findings.warnings))


@dataclass(slots=True)
class _Fold:
    """An interface that has just been created, and what becomes of it."""

    addresses: dict[IPAddress, IPInterface] = field(default_factory=dict)
    mtu: int = DEFAULT_MTU
    is_up: bool = False
    description: str | None = None
    commands: list[Command] = field(default_factory=list)

    def apply(self, statements: tuple[AnyStatement, ...]) -> None:
        """Take the words of one command that act at once."""
        for statement in statements:
            match statement:
                case Up():
                    self.is_up = True
                case Down():
                    self.is_up = False
                case Mtu():
                    self.mtu = statement.mtu
                case Description():
                    self.description = statement.text
                case _:
                    pass

    def apply_address(self, statements: tuple[AnyStatement, ...]) -> None:
        """Take the address of one command; it brings the interface up."""
        for statement in statements:
            match statement:
                case Inet():
                    if not statement.is_alias:
                        self._remove_first_ipv4()
                    self._add(statement.address)
                case Inet6():
                    self._add(statement.address)
                case _:
                    pass

    def run(self, text: str) -> None:
        """Take a shell command; one that is only a comment does nothing."""
        if text and not text.startswith("#"):
            self.commands.append(Command(text))

    def _remove_first_ipv4(self) -> None:
        first = next((ip for ip in self.addresses if ip.version == 4), None)
        if first is not None:
            del self.addresses[first]

    def _add(self, address: IPInterface) -> None:
        """Add an address, or change its prefix length where it stands."""
        self.is_up = True
        self.addresses[address.ip] = address
