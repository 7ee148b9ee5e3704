"""All there is to say about a file at once."""

from __future__ import annotations

import pytest

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Diagnostic, Severity
from netstart_wg.syntax.check import check
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import HostnameFile
from tests.syntax.x25519 import derive_public_key

PEER = "wgpeer NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
OTHER = "wgpeer BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="


def said(text: str, interface: str = "wg0") -> list[str]:
    found = check(SourceText.from_text("x", text), interface, derive_public_key)
    return [diagnostic.format().split("\n")[0] for diagnostic in found]


def test_there_is_nothing_to_say_about_a_good_file() -> None:
    assert said(f"{PEER} wgaip 10.0.0.0/8\nup\n") == []


def test_warnings_are_told_beside_errors_in_the_order_of_the_file() -> None:
    assert said(f"{PEER} wgaip 10.0.0.2/8\nmtu x\n{OTHER} wgaip 10.0.0.3/8\n") == [
        'x:1:59: warning: "10.0.0.2/8" has bits beyond its prefix',
        'x:2:5: size "x" is not a decimal number',
        'x:3:59: warning: "10.0.0.3/8" has bits beyond its prefix',
    ]


def test_what_lines_mean_together_is_told_of_a_file_without_errors() -> None:
    text = f"{PEER} wgaip 10.0.0.2\n{OTHER} wgaip 10.0.0.2 wgaip 10.1.0.0/8\n"
    assert said(text) == [
        "x:2:53: warning: 10.0.0.2/32 moves here from the peer at x:1:53",
        'x:2:74: warning: "10.1.0.0/8" has bits beyond its prefix',
    ]
    assert said(text + "mtu x\n") == [
        'x:2:74: warning: "10.1.0.0/8" has bits beyond its prefix',
        'x:3:5: size "x" is not a decimal number',
    ]


def test_errors_of_the_whole_are_told_beside_the_warnings() -> None:
    text = f"!route add 10.1.0.0/16 -iface 10.9.9.9\n{PEER} wgaip 10.0.0.2/8\n-group office\n"
    assert said(text) == [
        'x:1:31: -iface with an address that the interface does not have, "10.9.9.9"',
        'x:2:59: warning: "10.0.0.2/8" has bits beyond its prefix',
        'x:3:1: warning: the interface is not in the group "office"',
    ]


def test_what_further_is_looked_for_is_not_looked_for_in_a_file_with_errors() -> None:
    looked: list[HostnameFile] = []

    def look(file: HostnameFile, interface: str) -> tuple[Diagnostic, ...]:
        assert interface == "wg0"
        looked.append(file)
        return ()

    for text in ("mtu x\n", "!route add 10.1.0.0/16 -iface 10.9.9.9\n", "up\n"):
        check(SourceText.from_text("x", text), "wg0", derive_public_key, [look])
    assert [file.source.text() for file in looked] == ["up\n"]


def test_that_there_are_more_errors_comes_last() -> None:
    found = check(
        SourceText.from_text("x", f"{PEER} wgaip 10.0.0.2/8\n" + "mtu x\n" * 101),
        "wg0",
        derive_public_key,
    )
    assert [diagnostic.severity for diagnostic in found[:2]] == [Severity.WARNING, Severity.ERROR]
    assert found[-1].message == "more than 100 errors: the rest is not shown"


def test_what_is_no_name_of_an_interface_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be the name of an interface"):
        said("up\n", "../wg0")
