"""Whole files mean what OpenBSD would have after a boot with them, however they are written."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from netstart_wg.model.address import Endpoint
from netstart_wg.model.config import DEFAULT_MTU, InterfaceConfig
from netstart_wg.model.keys import Key
from netstart_wg.syntax.command_line import parse_words
from netstart_wg.syntax.format import format_file
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import Blank, Comment, HostnameFile, Ifconfig
from tests.syntax.commands import SUBJECTS, commands, several
from tests.syntax.lowering import config
from tests.syntax.reference_fold import Command, Description, Word, after_boot, after_processes
from tests.syntax.spelling import (
    ROUTE_ENTRIES,
    ROUTES,
    Entry,
    File,
    entries,
    files,
    is_address,
    text_of,
)
from tests.syntax.x25519 import derive_public_key


def base64_of(key: Key | None) -> str | None:
    return key.to_base64() if key is not None else None


def described(interface: InterfaceConfig) -> Description | None:
    """Say what a file asks for in the words of the reference."""
    if not interface.exists:
        return None
    wireguard = interface.wireguard
    peers: list[Description] = []
    for peer in wireguard.peers:
        match peer.endpoint:
            case None:
                endpoint = None
            case Endpoint(address, port):
                endpoint = str(address), port
            case name:
                endpoint = name.host, name.port
        peers.append(
            {
                "key": base64_of(peer.public_key),
                "psk": base64_of(peer.preshared_key),
                "endpoint": endpoint,
                "pka": peer.persistent_keepalive,
                "description": peer.description or "",
                "aips": [str(network) for network in peer.allowed_ips],
            }
        )
    return {
        "rdomain": interface.rdomain,
        "addresses": [str(address) for address in interface.addresses],
        "mtu": interface.mtu or DEFAULT_MTU,
        "up": interface.is_up,
        "debug": interface.is_debug,
        "description": interface.description or "",
        "groups": list(interface.groups),
        "key": base64_of(wireguard.private_key),
        "port": wireguard.listen_port or 0,
        "wgrtable": wireguard.wgrtable,
        "peers": peers,
    }


ONE = ("inet", "10.188.254.1", "24")
TWO = ("inet alias", "10.188.254.2", "24")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ([("inet", "10.188.254.74")], ["74/8"]),
        ([ONE, ("inet", "10.188.254.2", "24")], ["2/24"]),
        ([ONE, ONE], ["1/24"]),
        ([ONE, ("inet", "10.188.254.1", "32")], ["1/32"]),
        ([ONE, TWO], ["1/24", "2/24"]),
        ([ONE, ("inet alias", "10.188.254.1", "24")], ["1/24"]),
        ([ONE, TWO, ("inet", "10.188.254.3", "24")], ["2/24", "3/24"]),
        ([ONE, ("inet alias", "10.188.254.1", "32")], ["1/32"]),
        ([ONE, TWO, ("inet", "10.188.254.1", "32")], ["2/24", "1/32"]),
        ([ONE, TWO, ("inet", "10.188.254.2", "32")], ["2/32"]),
        ([ONE, TWO, ("inet alias", "10.188.254.2", "32")], ["1/24", "2/32"]),
        ([ONE, ("inet delete", "10.188.254.1")], []),
        ([ONE, TWO, ("inet delete", "10.188.254.1")], ["2/24"]),
        ([ONE, TWO, ("inet delete", "10.188.254.2")], ["1/24"]),
    ],
)
def test_the_reference_passes_what_openbsd_tests_itself(words: list[Word], left: list[str]) -> None:
    """OpenBSD, regress/sbin/ifconfig/Makefile 1.2, the targets run-ether-*."""
    found = after_processes([[word] for word in words])
    assert found is not None
    assert found["addresses"] == [f"10.188.254.{address}" for address in left]


@given(files())
def test_a_file_means_what_openbsd_would_have_after_a_boot(file: File) -> None:
    assert described(config(file.text)) == after_boot(file.commands)


# ---- the same, by another way ----


def read(text: str) -> HostnameFile:
    return parse(SourceText.from_text("hostname.wg0", text), "wg0")


def said(file: HostnameFile) -> list[object]:
    """Return what the lines of a file say, without the blank ones and the comments."""
    return [
        line.statements if isinstance(line, Ifconfig) else line
        for line in file.lines
        if not isinstance(line, Blank | Comment)
    ]


SUBJECT = st.sampled_from(SUBJECTS)
PIECES = SUBJECT.flatmap(lambda subject: several(entries(subject)))
PIECES_WITH_ROUTES = SUBJECT.flatmap(
    lambda subject: several(entries(subject) | entries(subject) | ROUTE_ENTRIES)
)


@given(files())
@settings(max_examples=50)
def test_the_canonical_layout_says_the_same(file: File) -> None:
    before = read(file.text)
    layout = format_file(before)
    after = read(layout)
    assert said(after) == said(before)
    assert format_file(after) == layout
    assert config(layout) == config(file.text)


@given(PIECES)
@settings(max_examples=50)
def test_a_file_may_be_folded_piece_by_piece(pieces: list[Entry]) -> None:
    folded = config("")
    for entry in pieces:
        folded = config(entry.text, onto=folded)
    assert folded == config(text_of(pieces))


@given(PIECES_WITH_ROUTES)
@settings(max_examples=50)
def test_a_command_for_a_shell_finds_what_the_lines_before_it_say(pieces: list[Entry]) -> None:
    expected = [
        config(text_of(pieces[:at])) if any(map(declares, pieces[at:])) else None
        for at, entry in enumerate(pieces)
        if entry.is_for_shell
    ]
    found = config(text_of(pieces)).commands
    assert [command.before for command in found] == [
        replace(before, commands=()) if before else None for before in expected
    ]


@given(SUBJECT.flatmap(lambda subject: several(commands(subject))))
@settings(max_examples=300)
def test_commands_may_come_as_the_arguments_of_processes(said: list[Command]) -> None:
    folded = config("")
    for command in said:
        file = parse_words(arguments(command), "wg0")
        folded = lower(file, "wg0", derive_public_key, folded).config
    assert described(folded) == after_processes(said)


def declares(entry: Entry) -> bool:
    return bool(entry.commands) or entry.text in ROUTES


def arguments(command: Command) -> list[str]:
    """Write a command as what a shell hands to ifconfig(8)."""
    words: list[str] = []
    for keyword, *about in command:
        family, _, action = keyword.partition(" ")
        if is_address((keyword,)):
            words = [family, *(["/".join(about)] if about else []), *words]
            words += [action] if action else []
        else:
            words += [keyword, *about]
    return words
