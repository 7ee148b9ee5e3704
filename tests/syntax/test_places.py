"""Each thing that a file asks for, and the place that asks for it."""

from __future__ import annotations

from hypothesis import given

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.places import places
from netstart_wg.syntax.source import SourceText
from tests.syntax.spelling import File, files
from tests.syntax.x25519 import derive_public_key

A, B = (
    "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=",
    "DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw=",
)
KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="


def words(text: str) -> dict[Subject, str]:
    """Return what stands at each place."""
    found = places_of(text)
    lines = text.splitlines()
    return {
        subject: lines[span.line - 1][span.column - 1 : span.column - 1 + span.length]
        for subject, span in found.items()
    }


def places_of(text: str) -> dict[Subject, Span]:
    file = parse(SourceText.from_text("hostname.wg0", text), "wg0")
    return dict(places(file, "wg0", derive_public_key))


def test_every_word_of_a_file_has_its_place() -> None:
    text = (
        f"wgkey {KEY} wgport 51820 wgrtable 2\n"
        f"wgpeer {A} wgdescr laptop wgpsk {KEY} wgaip 10.0.0.2/32 \\\n"
        "  wgaip fd00::2/128 wgpka 25 wgendpoint vpn.example.net 7\n"
        "rdomain 1 mtu 1380 debug group lan description 'the office'\n"
        "inet 10.0.0.1/24\n"
        "inet6 fd00::1/64\n"
        "!route -T 1 add 10.1.0.0/16 10.0.0.2\n"
        "!logger -p daemon.info up\n"
        "down\n"
    )
    assert words(text) == {
        ("wgkey",): f"wgkey {KEY}",
        ("wgport",): "wgport 51820",
        ("wgrtable",): "wgrtable 2",
        ("wgpeer", A): f"wgpeer {A}",
        ("wgdescr", A): "wgdescr laptop",
        ("wgpsk", A): f"wgpsk {KEY}",
        ("wgaip", A, "10.0.0.2/32"): "wgaip 10.0.0.2/32",
        ("wgaip", A, "fd00::2/128"): "wgaip fd00::2/128",
        ("wgpka", A): "wgpka 25",
        ("wgendpoint", A): "wgendpoint vpn.example.net 7",
        ("rdomain",): "rdomain 1",
        ("mtu",): "mtu 1380",
        ("debug",): "debug",
        ("group", "lan"): "group lan",
        ("description",): "description 'the office'",
        ("inet", "10.0.0.1/24"): "inet 10.0.0.1/24",
        ("inet6", "fd00::1/64"): "inet6 fd00::1/64",
        ("route", "1", "10.1.0.0/16", "8"): "10.1.0.0/16",
        ("!", "logger -p daemon.info up"): "!logger -p daemon.info up",
        ("up",): "down",
    }


def test_the_last_claimant_of_an_allowed_ip_has_its_place() -> None:
    text = f"wgpeer {A} wgaip 10.0.0.2/32\nwgpeer {B} wgaip 10.0.0.2/32\n"
    found = places_of(text)
    assert ("wgaip", A, "10.0.0.2/32") not in found
    assert found[("wgaip", B, "10.0.0.2/32")].line == 2


def test_the_last_line_about_one_thing_has_its_place() -> None:
    found = places_of(f"wgkey {KEY} mtu 1300\nmtu 1400 wgport 1\nwgport 2\ninet 10.0.0.1/24\n")
    lines = {subject: span.line for subject, span in found.items()}
    assert lines == {
        ("wgkey",): 1,
        ("mtu",): 2,
        ("wgport",): 3,
        ("inet", "10.0.0.1/24"): 4,
        ("up",): 4,
    }


def test_what_is_taken_back_has_no_place() -> None:
    text = f"wgpeer {A} wgaip 10.0.0.2/32\ngroup lan\n-group lan\n-wgpeer {A}\n"
    assert places_of(text) == {}


def test_a_destroyed_interface_has_the_place_that_destroys_it() -> None:
    assert words("mtu 1300\ninet 10.0.0.1/24\ndestroy\n") == {("destroy",): "destroy"}


def test_a_secret_in_a_command_is_in_no_subject() -> None:
    assert set(places_of("!curl -u admin password=hunter2\n")) == {
        ("!", "curl -u admin password=(hidden)")
    }


@given(files())
def test_places_are_those_of_what_the_file_asks_for(file: File) -> None:
    """Nothing is missing of what a file can name, and nothing is left of what it took back."""
    text = file.text
    source = SourceText.from_text("hostname.wg0", text)
    statements = parse(source, "wg0")
    config = lower(statements, "wg0", derive_public_key).config
    found = dict(places(statements, "wg0", derive_public_key))
    assert listed(config) == {subject for subject in found if subject[0] in LISTED}
    physical = source.physical_lines
    for span in found.values():
        assert 1 <= span.line <= len(physical)
        assert span.column - 1 + span.length <= max(1, len(physical[span.line - 1]))


LISTED = ("wgpeer", "wgaip", "inet", "inet6", "group", "route", "!")
"""Of which there can be several, so that each is there because a line has named it."""


def listed(config: InterfaceConfig) -> set[Subject]:
    subjects: set[Subject] = set()
    for peer in config.wireguard.peers:
        key = peer.public_key.to_base64()
        subjects.add(("wgpeer", key))
        subjects.update(("wgaip", key, str(network)) for network in peer.allowed_ips)
    for address in config.addresses:
        subjects.add(("inet" if address.version == 4 else "inet6", str(address)))
    subjects.update(("group", name) for name in config.groups)
    subjects.update(route.key.subject for route in config.routes)
    subjects.update(("!", command.shown) for command in config.commands)
    return subjects
