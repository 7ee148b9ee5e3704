"""What a netstart-wg.toml asks for, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.errors import ConfigError
from netstart_wg.model.settings import (
    EngineChoice,
    ForeignPolicy,
    InterfaceSettings,
    RdomainKind,
    RdomainPlace,
    RouteSource,
    Settings,
)
from netstart_wg.settings.messages import SettingsMessage
from netstart_wg.syntax.messages import Entry
from tests.settings.reading import first_lines, said, settings

KEY = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="


def test_an_empty_file_asks_for_nothing() -> None:
    assert settings("") == settings("# only a comment\n\n") == Settings()


def test_everything_can_be_asked_for() -> None:
    asked = settings(
        """\
        engine = "auto"
        foreign = "keep"
        [interface.wg0]
        key_file = "/etc/wireguard/wg0.key"
        routes = "allowed-ips"
        strict-commands = true
        [interface.wg1]
        credential = "wg1"
        engine = "kernel"
        foreign = "remove"
        [rdomain]
        1 = { namespace = "blue" }
        2 = { vrf = "vrf-red", table = 1002 }
        3.vrf = "vrf-green"
        """
    )
    auto, keep = EngineChoice.AUTO, ForeignPolicy.KEEP
    assert asked == Settings(
        default=InterfaceSettings(engine=auto, foreign=keep),
        interfaces={
            "wg0": InterfaceSettings(
                engine=auto,
                foreign=keep,
                key_file=Path("/etc/wireguard/wg0.key"),
                routes=RouteSource.ALLOWED_IPS,
                strict_commands=True,
            ),
            "wg1": InterfaceSettings(engine=EngineChoice.KERNEL, credential="wg1"),
        },
        rdomains={
            1: RdomainPlace(kind=RdomainKind.NAMESPACE, name="blue"),
            2: RdomainPlace(kind=RdomainKind.VRF, name="vrf-red", table=1002),
            3: RdomainPlace(kind=RdomainKind.VRF, name="vrf-green"),
        },
    )


def test_what_holds_for_all_holds_for_those_that_the_file_does_not_name() -> None:
    asked = settings("strict-commands = true\n[interface.wg0]\nstrict-commands = false\n")
    assert asked.of("wg7").strict_commands
    assert not asked.of("wg0").strict_commands


@pytest.mark.parametrize(
    "message", [each for each in SettingsMessage if each.value.trigger], ids=lambda each: each.name
)
def test_each_message_is_said_of_its_trigger_and_has_at_most_one_hint(
    message: SettingsMessage,
) -> None:
    entry: Entry = message.value
    assert entry.trigger is not None
    assert entry.text[0].islower() or entry.text[0] == "{"
    with pytest.raises(ConfigError) as raised:
        settings(entry.trigger)
    (diagnostic,) = raised.value.diagnostics
    fixed = max(entry.text.replace("{", "}").split("}")[::2], key=len)
    assert fixed in diagnostic.message
    assert (diagnostic.hint is None) == (entry.hint is None)
    assert "{" not in diagnostic.message


def test_a_message_has_the_line_and_points_to_its_place() -> None:
    assert said('# first\n[interface.wg0]\nroutes = "allowedips" # here\n') == [
        'toml:3:10: routes knows no "allowedips"\n'
        '    routes = "allowedips" # here\n'
        "             ^^^^^^^^^^^^\n"
        '    hint: did you mean "allowed-ips"?'
    ]


def test_all_mistakes_are_told_in_the_order_of_the_file() -> None:
    text = """\
engin = "kernel"
strict-commands = 1
credential = "x"
[wg0]
[wg7]
engine = "go"
[interface]
wg1 = "x"
wg2 = { engine = "bsd", "foreign" = "kep", foo.bar = 1 }
very-long-name17.foreign = "keep"
[rdomain]
01 = { namespace = "red" }
7 = { namespace = "rdomain3" }
8 = { namespace = "", tabel = 3 }
9 = 3
"""
    assert first_lines(text) == [
        'toml:1:1: unknown key "engin"',
        "toml:2:19: strict-commands is a number",
        'toml:3:1: "credential" is for one interface',
        'toml:4:2: unknown key "wg0"',
        'toml:5:2: unknown key "wg7"',
        "toml:8:7: wg1 is a text in quotes",
        'toml:9:18: engine knows no "bsd"',
        'toml:9:37: foreign knows no "kep"',
        'toml:9:44: unknown key "foo"',
        'toml:10:1: "very-long-name17" cannot be the name of an interface',
        'toml:12:1: "01" is not the number of an rdomain',
        'toml:13:19: "rdomain3" is where netstart-wg has an rdomain of its own',
        'toml:14:19: "" cannot be the name of a namespace',
        'toml:14:23: unknown key "tabel"',
        "toml:15:5: 9 is a number",
    ]


@pytest.mark.parametrize("table", [0, 253, 254, 255, 2**32, -1])
def test_a_vrf_has_a_table_that_linux_does_not_have_for_itself(table: int) -> None:
    (line,) = first_lines(f'[rdomain]\n1 = {{ vrf = "red", table = {table} }}\n')
    assert line == f"toml:2:28: the routing table {table} cannot be a VRF's"


def test_two_vrfs_have_not_one_table_whether_it_is_written_or_not() -> None:
    both = '[rdomain]\n1 = { vrf = "red", table = 7 }\n2 = { vrf = "blue", table = 7 }\n'
    assert first_lines(both) == ["toml:3:29: the routing table 7 is that of rdomain 1 already"]
    one = '[rdomain]\n7 = { vrf = "red" }\n2 = { vrf = "blue", table = 7 }\n'
    assert first_lines(one) == ["toml:3:29: the routing table 7 is that of rdomain 7 already"]


def test_the_table_of_an_interface_has_its_place() -> None:
    (message,) = said('[wg7]\nengine = "kernel"\n')
    assert message.endswith("hint: did you mean [interface.wg7]?")


def test_a_vrf_and_a_namespace_may_have_one_name() -> None:
    assert first_lines('[rdomain]\n1 = { vrf = "red" }\n2 = { namespace = "red" }\n') == []


def test_truth_is_no_number() -> None:
    (line,) = first_lines('[rdomain]\n1 = { vrf = "red", table = true }\n')
    assert line == "toml:2:28: table is true or false"


@pytest.mark.parametrize(
    "line",
    [
        f'key_file = "{KEY}"',
        f'key_file = "{KEY[:-1]}"',
        f'credential = "/{KEY}"',
        f'wgkey = "{KEY}"',
        f'wgkey = {KEY}',
        f'private_key = "{KEY[:30]}"',
        f'PrivateKey = "{KEY[:30]}"',
        f'preshared-key = {KEY[:30]}',
        f'engine = "{KEY}"',
        f'"{KEY}" = 1',
        f'[interface.wg0."{KEY}"]\n[interface.wg0."{KEY}"]',
        f'engine = """\n{KEY}"""',
        f'engine = "{KEY}" 1 # \\\n{KEY} = 7',
    ],
)  # fmt: skip
def test_a_key_that_has_strayed_into_the_file_is_not_shown(line: str) -> None:
    messages = said(f"[interface.wg0]\n{line}\n")
    assert messages
    assert KEY[:28] not in "".join(messages)


def test_at_most_a_hundred_mistakes_are_told() -> None:
    text = "".join(f"unknown{number} = 1\n" for number in range(200))
    assert len(said(text)) == 101
