"""Options and actions of route(8); whatever the words, nothing but a Mistake is raised."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.route_command import is_route, needs_shell, read_route
from netstart_wg.syntax.route_modifiers import ACTIONS_REFUSED, ARGUMENTS, PLAIN, REFUSED
from netstart_wg.syntax.route_statement import RouteAction, RouteExec
from netstart_wg.syntax.shell_line import simple_commands
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.words import Word
from tests.syntax.route_lines import mistake, read, route


@pytest.mark.parametrize(
    ("program", "expected"),
    [("route", True), ("/sbin/route", True), ("routed", False), ("ip", False), ("route/", False)],
)
def test_route_is_known_with_its_folder_too(program: str, expected: bool) -> None:
    assert is_route(Word(program, program, 0)) is expected


@pytest.mark.parametrize(
    ("options", "rdomain"),
    [
        ("", 0),
        ("-n", 0),
        ("-nqv", 0),
        ("-T 1", 1),
        ("-T1", 1),
        ("-qT 202", 202),
        ("-nqT1", 1),
        ("-n -T 2 -q", 2),
        ("-T 1 -T 2", 2),
        ("-T '3'", 3),
        ("'-T'4", 4),
        ("-T 255 --", 255),
        ("--", 0),
    ],
)
def test_options_come_alone_or_in_groups(options: str, rdomain: int) -> None:
    assert route(f"route {options} add default 192.0.2.1").rdomain == rdomain


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("add", RouteAction.ADD),
        ("change", RouteAction.CHANGE),
        ("delete", RouteAction.DELETE),
        ("del", RouteAction.DELETE),
    ],
)
def test_an_action_has_its_name(action: str, expected: RouteAction) -> None:
    assert route(f"route {action} default 192.0.2.1").action is expected


@pytest.mark.parametrize(
    ("text", "expected", "about"),
    [
        ("route", "NO_ACTION", "route"),
        ("route -n", "NO_ACTION", "route"),
        ("route -T 1", "NO_ACTION", "route"),
        ("route --", "NO_ACTION", "route"),
        ("route -T", "MISSING_ARGUMENT", "-T"),
        ("route -T 256 add default 192.0.2.1", "OUT_OF_RANGE", "256"),
        ("route -T256 add default 192.0.2.1", "OUT_OF_RANGE", "256"),
        ("route '-T'x add default 192.0.2.1", "NOT_A_NUMBER", "'-T'x"),
        ("route -T one add default 192.0.2.1", "NOT_A_NUMBER", "one"),
        ("route -T add default 192.0.2.1", "NOT_A_NUMBER", "add"),
        ("route -t add default 192.0.2.1", "PRETENDS", "-t"),
        ("route -nd add default 192.0.2.1", "PRETENDS", "-nd"),
        ("route - add default 192.0.2.1", "BAD_OPTION", "-"),
        ("route -inet6 add default fd00::2", "BAD_OPTION", "-inet6"),
        ("route -A inet6 add default gw fd00::2", "BAD_OPTION", "-A"),
        ("route replace default 192.0.2.1", "UNKNOWN_ACTION", "replace"),
        ("route 10/8 192.0.2.1", "UNKNOWN_ACTION", "10/8"),
        ("route -T {{ rdomain }} add 10/8 192.0.2.1", "PLACEHOLDER", "{{ rdomain }}"),
        ("route exec", "MISSING_ARGUMENT", "exec"),
        *[(f"route {action} 10/8", "MEANINGLESS", action) for action in ACTIONS_REFUSED],
    ],
)
def test_a_mistake_is_said_of_its_word(text: str, expected: str, about: str) -> None:
    assert mistake(text) == (expected, about)


def test_exec_keeps_its_command_as_it_is_written() -> None:
    text = "route -T 2 exec ping -c 1  'a b' $if 2>/dev/null"
    command = read(text)
    assert isinstance(command, RouteExec)
    assert command.rdomain == 2
    assert command.text == "ping -c 1 'a b' $if"
    assert text[command.start :] == "ping -c 1  'a b' $if 2>/dev/null"


def test_exec_does_not_show_its_command() -> None:
    assert "hunter2" not in repr(read("route exec login hunter2"))


@pytest.mark.parametrize(
    ("text", "expected", "about", "character"),
    [
        ("route add default $(gw)", "NEEDS_SHELL", "$", '"$"'),
        ("route add default 10.0.0.1 |", "NEEDS_SHELL", "|", '"|"'),
        ("route add default <gateway>", "PLACEHOLDER", "<gateway>", None),
        ("route add default 10.0.0.1 &&", "NEEDS_SHELL", "", "the end of this line"),
    ],
)
def test_what_takes_a_shell_is_said_of_its_character(
    text: str, expected: str, about: str, character: str | None
) -> None:
    found = needs_shell(text, 0)
    assert (found.message.name, text[found.start : found.end]) == (expected, about)
    assert found.values.get("character") == character


VOCABULARY = [
    "-n", "-qT", "-T1", "1", "add", "change", "delete", "default", "10.1", "10.0.0.0/8", "0/0",
    "192.168.1.0", "fd00::/8", "::", "fe80::1%wg0", "fe80::%$if/64", "10.0.0.1", "255.255.255.0",
    "0xff000000", "wg0", "$if", "gw", "exec", "get", "64", "%", "/", "-", "--", "", "a/b%c",
    *ARGUMENTS, *PLAIN, *REFUSED,
]  # fmt: skip


@given(st.lists(st.sampled_from(VOCABULARY) | st.text("0123456789abcdef.:/%-x", max_size=9)))
def test_no_words_raise_anything_but_a_mistake(values: list[str]) -> None:
    text = " ".join(["route", *[f"'{value}'" for value in values]])
    with contextlib.suppress(Mistake):
        read(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_raises_anything_but_a_mistake(text: str) -> None:
    text = f"route {text}"
    commands = simple_commands(text, 0)
    with contextlib.suppress(Mistake):
        if commands is None:
            raise needs_shell(text, 0)
        for words in commands:
            read_route(words, LogicalLine(text, 1))
