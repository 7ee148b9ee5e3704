"""Statements to the desired state: the commands of a file, folded onto a fresh interface.

What OpenBSD would have after booting with the file is what is desired.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from netstart_wg.errors import ConfigError
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.findings import Findings, in_file_order, quote
from netstart_wg.syntax.fold import Fold
from netstart_wg.syntax.fold_wireguard import DerivePublicKey
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import HostnameFile, Ifconfig, ShellCommand, WgKey

_INTERFACE_NAME = re.compile(r"[A-Za-z]+[0-9]+")
_NAME_LIMIT = 15


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a file asks for, and what is odd about it."""

    config: InterfaceConfig
    warnings: tuple[Diagnostic, ...]
    """In the order of their places in the file."""
    is_whole: bool = True
    """Whether everything that was asked for could happen: ifconfig(8) would not have failed."""


def lower(
    file: HostnameFile,
    name: str,
    derive_public_key: DerivePublicKey | None = None,
    onto: InterfaceConfig | None = None,
) -> Lowered:
    """Return what the interface `name` shall be.

    The interface is a fresh one, or what `onto` says, which need not exist.  Without
    `derive_public_key` a peer that is the interface itself is not left out.  Raise
    ConfigError if `name` is no name, and with what is wrong with the whole though its
    values are right.
    """
    config, findings = lower_with_findings(file, name, derive_public_key, onto)
    findings.raise_errors()
    warnings = in_file_order(file.warnings + findings.warnings)
    return Lowered(config, warnings, findings.is_whole)


def is_interface_name(name: str) -> bool:
    """Say whether a hostname file can be about an interface of this name."""
    return len(name) <= _NAME_LIMIT and _INTERFACE_NAME.fullmatch(name) is not None


def refuse_key(file: HostnameFile, place: str) -> None:
    """Raise ConfigError if the file says `wgkey`, where the key is to come from elsewhere."""
    findings = Findings(file.source)
    for line in file.lines:
        match line:
            case Ifconfig():
                commands = [line]
            case ShellCommand():
                commands = [step for step in line.steps if isinstance(step, Ifconfig)]
            case _:
                continue
        for statement in (each for command in commands for each in command.statements):
            if isinstance(statement, WgKey):
                findings.add(Message.KEY_TWICE, statement.span, place=place)
    findings.raise_errors()


def lower_with_findings(
    file: HostnameFile,
    name: str,
    derive_public_key: DerivePublicKey | None,
    onto: InterfaceConfig | None = None,
) -> tuple[InterfaceConfig, Findings]:
    """As `lower`, and say what was found besides the file's own warnings."""
    if not is_interface_name(name):
        message = Message.BAD_INTERFACE_NAME
        raise ConfigError([message.diagnostic(file.source.name, name=quote(name))])
    findings = Findings(file.source)
    fold = Fold(findings, derive_public_key, onto or InterfaceConfig(name=name))
    fold_lines(file, fold)
    fold.look_at_mtu()
    if onto is None:
        fold.look_at_end()
    return fold.config(), findings


def fold_lines(file: HostnameFile, fold: Fold) -> None:
    """Take the lines of a file, one after the other."""
    for line in file.lines:
        match line:
            case Ifconfig():
                fold.ifconfig(line.statements)
            case ShellCommand():
                fold.shell(line)
            case _:
                pass
