"""Where OpenBSD reads a file differently.

The rules are those of netstart(8), revision 1.229; `openbsd_words` follows them
on its own, so that what is not warned of can be compared.
"""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Severity
from netstart_wg.syntax.command_line import parse_words
from netstart_wg.syntax.difference import Difference
from netstart_wg.syntax.grammar import word_splitter
from netstart_wg.syntax.messages import Entry
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import Ifconfig

PEER = "wgpeer NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
SECRET = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="


def said(text: str) -> list[str]:
    """Return what is warned of, as place and message."""
    found = differences(parse(SourceText.from_text("x", text), "wg0"), "wg0")
    assert all(diagnostic.severity is Severity.WARNING for diagnostic in found)
    return [
        f"{diagnostic.span.line}:{diagnostic.span.column}: {diagnostic.message}"
        for diagnostic in found
        if diagnostic.span is not None
    ]


def trigger(difference: Difference) -> str:
    entry: Entry = difference.value
    assert entry.trigger is not None
    return entry.trigger


EXPECTED: dict[Difference, str] = {
    Difference.BYTE_ORDER_MARK: (
        "x:1:1: warning: OpenBSD takes the byte order mark for a part of the first word\n"
        "    up\n"
        "    ^\n"
        "    hint: save the file without it"
    ),
    Difference.CARRIAGE_RETURN: (
        "x:1:3: warning: OpenBSD takes the carriage return at the end of a line for a part of"
        " its last word; lines that have one: 2\n"
        "    up\n"
        "      ^\n"
        "    hint: end lines with a newline alone"
    ),
    Difference.NO_NEWLINE: (
        "x:2:1: warning: OpenBSD ignores this line: no newline ends it\n"
        "    up\n"
        "    ^^\n"
        "    hint: end the file with a newline"
    ),
    Difference.BACKSLASH_AT_END: (
        "x:2:1: warning: OpenBSD ignores this line: a backslash continues it, but the file ends\n"
        "    up \n"
        "    ^^^\n"
        "    hint: remove the backslash, and end the file with a newline"
    ),
    Difference.COMMENT_TAKEN: (
        "x:1:18: warning: OpenBSD takes this comment for the netmask\n"
        "    inet 10.0.0.1/24 # office\n"
        "                     ^^^^^^^^\n"
        "    hint: put it on a line of its own"
    ),
    Difference.CONTINUED_COMMENT_TAKEN: (
        "x:2:1: warning: OpenBSD takes this comment for the netmask, because a backslash"
        " ends the line before\n"
        "    # office\n"
        "    ^^^^^^^^\n"
        "    hint: remove that backslash"
    ),
    Difference.KEYWORD_TAKEN: (
        'x:1:18: warning: OpenBSD takes "mtu" for the netmask\n'
        "    inet 10.0.0.1/24 mtu 1400\n"
        "                     ^^^\n"
        "    hint: begin a line of its own with mtu"
    ),
    Difference.NONE_TAKEN: (
        'x:1:18: warning: OpenBSD takes "NONE" for the netmask\n'
        "    inet 10.0.0.1/24 NONE\n"
        "                     ^^^^\n"
        "    hint: leave it out"
    ),
    Difference.QUOTED_NONE: (
        'x:1:29: warning: OpenBSD does not know "NONE" in quotes\n'
        "    inet 10.0.0.1 255.255.255.0 'NONE'\n"
        "                                ^^^^^^\n"
        "    hint: write NONE without quotes"
    ),
    Difference.DEST_IGNORED: (
        "x:2:17: warning: OpenBSD ignores a line that has more than dest and its address\n"
        "    dest 10.0.0.255 # all\n"
        "                    ^^^^^\n"
        "    hint: put the comment on a line of its own"
    ),
    Difference.DEST_MISPLACED: (
        'x:2:6: warning: OpenBSD puts "10.0.0.255" into the line before,'
        " and not behind its address\n"
        "    dest 10.0.0.255\n"
        "         ^^^^^^^^^^\n"
        "    hint: begin that line with inet"
    ),
    Difference.JOINED_ENDPOINT: (
        'x:1:64: warning: OpenBSD takes "vpn.example.net:51820" for a host,'
        " and the word after it for the port\n"
        f"    wgpeer {'A' * 43}= wgendpoint vpn.example.net:51820\n"
        f"    {' ' * 63}{'^' * 21}\n"
        "    hint: write host and port in two words, without brackets"
    ),
    Difference.CREATE_FAILS: (
        "x:1:1: warning: OpenBSD stops here, because the interface is there already:"
        " not all of the line is done\n"
        "    create mtu 1400\n"
        "    ^^^^^^\n"
        "    hint: leave out create"
    ),
    Difference.BACKSLASH: (
        "x:1:16: warning: OpenBSD takes this backslash away before it looks at quotes\n"
        "    description Bob\\'s\n"
        "                   ^\n"
        "    hint: use quotes of the other kind, or other words, instead of backslashes"
    ),
    Difference.EXPANDED: (
        'x:1:13: warning: "~" makes OpenBSD\'s shell replace the word by what it stands for\n'
        "    description ~office\n"
        "                ^\n"
        "    hint: put the word in quotes"
    ),
    Difference.PATTERN_IN_QUOTES: (
        'x:2:18: warning: "?" makes OpenBSD look for file names here,'
        " before it looks at quotes\n"
        "    description 'who ? me'\n"
        "                     ^\n"
        "    hint: leave it out, or write it next to one of the quotes"
    ),
    Difference.SHELL_BACKSLASH: (
        "x:1:11: warning: OpenBSD takes backslashes away, twice,"
        " before its shell reads this line\n"
        "    !printf 'a\\n'\n"
        "              ^\n"
        "    hint: put the command in a script, and call that"
    ),
    Difference.SHELL_PATTERN: (
        'x:2:14: warning: "?" makes OpenBSD look for file names when it reads the file,'
        " quotes or not\n"
        "    !logger what ?\n"
        "                 ^\n"
        "    hint: put the command in a script, and call that"
    ),
    Difference.ONE_OF_TWO: (
        "x:1:24: warning: OpenBSD does what follows || only if what precedes it has failed;"
        " here both are done\n"
        "    !ifconfig wg0 mtu 1400 || ifconfig wg0 mtu 1300\n"
        "                           ^^\n"
        "    hint: leave out what is not needed, or begin a line of its own with it"
    ),
    Difference.ROUTE_TOO_EARLY: (
        'x:1:24: warning: OpenBSD has no way to "10.0.0.2" yet: the address or rdomain comes in a'
        " later line\n"
        "    !route add 10.1.0.0/16 10.0.0.2\n"
        "                           ^^^^^^^^\n"
        "    hint: put the route behind it"
    ),
    Difference.SHELL_STATE: (
        'x:1:2: warning: on OpenBSD "cd" also acts on the lines after this one:'
        " all have one shell\n"
        "    !cd /tmp\n"
        "     ^^\n"
        "    hint: put what belongs together in a script, and call that"
    ),
}


def test_every_difference_is_expected_here() -> None:
    assert list(EXPECTED) == list(Difference)


@pytest.mark.parametrize("difference", Difference, ids=lambda difference: difference.name)
def test_a_difference_is_told_of_its_line_alone(difference: Difference) -> None:
    text = trigger(difference)
    found = differences(parse(SourceText.from_text("x", text), "wg0"), "wg0")
    assert [diagnostic.format() for diagnostic in found] == [EXPECTED[difference]]


@pytest.mark.parametrize("difference", Difference, ids=lambda difference: difference.name)
def test_a_difference_is_told_in_lower_case_without_a_full_stop(difference: Difference) -> None:
    entry: Entry = difference.value
    for text in (entry.text, entry.hint or ""):
        assert text.startswith("OpenBSD") or not text[0].isupper()
        assert not text.endswith(".")


# ---- the file as a whole ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("up\n# the end", []),
        ("up\n  ", []),
        ("up\n# the end \\\n", []),
        ("up", ["1:1: OpenBSD ignores this line: no newline ends it"]),
        ("!echo", ["1:1: OpenBSD ignores this line: no newline ends it"]),
        (f"up\n{PEER} \\\n\twgpka 25", ["2:1: OpenBSD ignores this line: no newline ends it"]),
        (
            "up\nup \\",
            ["2:1: OpenBSD ignores this line: a backslash continues it, but the file ends"],
        ),
    ],
)
def test_a_last_line_that_does_not_end_is_told_if_it_says_something(
    text: str, expected: list[str]
) -> None:
    assert said(text) == expected


# ---- packed lines ----


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("inet 10.0.0.1/24", []),
        ("inet 10.0.0.1 255.255.255.0", []),
        ("inet 10.0.0.1 255.255.255.0 NONE # text", []),
        ("inet alias 10.0.0.1 255.255.255.0 10.0.0.255 mtu 1400", []),
        ("inet6 fd00::1/64", []),
        ("inet6 alias fd00::1 64 up # text", []),
        ("10.0.0.1/24 up # text", []),
        ("mtu 1400 10.0.0.1/24 # text", []),
        ("up # text", []),
        ("inet 10.0.0.1/24 up", ['1:18: OpenBSD takes "up" for the netmask']),
        ("inet alias 10.0.0.1/24 up", ['1:24: OpenBSD takes "up" for the netmask']),
        ("inet alias 10.0.0.1/24 # a", ["1:24: OpenBSD takes this comment for the netmask"]),
        (
            "inet 10.0.0.1 255.255.255.0 # a",
            ["1:29: OpenBSD takes this comment for the broadcast address"],
        ),
        (
            "inet 10.0.0.1 255.255.255.0 mtu 1400",
            ['1:29: OpenBSD takes "mtu" for the broadcast address'],
        ),
        ("inet alias 10.0.0.1/24 NONE", ['1:24: OpenBSD takes "NONE" for the netmask']),
        ("inet6 fd00::1/64 # a", ["1:18: OpenBSD takes this comment for the prefix length"]),
        ("inet6 alias fd00::1 up", ['1:21: OpenBSD takes "up" for the prefix length']),
        ("inet delete", []),
        ("inet 10.0.0.1 delete", ['1:15: OpenBSD takes "delete" for the netmask']),
        ("inet delete 10.0.0.1", ['1:6: OpenBSD takes "delete" for the address']),
        ("inet delete # a", ['1:6: OpenBSD takes "delete" for the address']),
        ("inet 10.0.0.1/24 alias", ['1:18: OpenBSD takes "alias" for the netmask']),
        ("inet alias alias 10.0.0.1", ['1:12: OpenBSD takes "alias" for the address']),
        ("10.0.0.1/24 alias", []),
        ("10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255 # a", []),
        ("alias 10.0.0.1/24", []),
        (
            "inet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255",
            ['1:15: OpenBSD takes "netmask" for the netmask'],
        ),
        ("inet6 fd00::1 prefixlen 64", ['1:15: OpenBSD takes "prefixlen" for the prefix length']),
        ("inet mtu 1400 10.0.0.1", ['1:6: OpenBSD takes "mtu" for the address']),
        ("inet 10.0.0.1/24\\\n\ndest 10.0.0.255\n", []),
        (
            "inet 10.0.0.1/24 \\\n # a",
            [
                "1:1: OpenBSD ignores this line: no newline ends it",
                "2:2: OpenBSD takes this comment for the netmask, because a backslash ends the line"
                " before",
            ],
        ),
    ],
)
def test_the_words_after_an_address_count(line: str, expected: list[str]) -> None:
    text = line if "\n" in line else f"{line}\n"
    assert said(text) == expected


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("inet 10.0.0.1/24 rdomain 1", "begin a line of its own with rdomain"),
        (
            "inet 10.0.0.1 netmask 255.0.0.0",
            "write the value without its keyword: inet ADDRESS NETMASK BROADCAST",
        ),
        (
            "inet6 fd00::1 prefixlen 64",
            "write the value without its keyword: inet6 ADDRESS LENGTH",
        ),
        ("inet6 fd00::1 alias", "write alias directly after inet6"),
        ("inet6 fd00::1 -alias", "say it to the interface: !ifconfig $if inet6 ..."),
    ],
)
def test_the_hint_says_what_both_read_alike(line: str, hint: str) -> None:
    (found,) = differences(parse(SourceText.from_text("x", f"{line}\n"), "wg0"), "wg0")
    assert found.hint == hint


@pytest.mark.parametrize(
    ("before", "is_told"),
    [
        ("inet 10.0.0.1/24", False),
        ("inet alias 10.0.0.1 255.255.255.0", False),
        ("10.0.0.1/24", False),
        ("10.0.0.1/24 alias", False),
        ("10.0.0.1/24 alias mtu 1400", True),
        ("mtu 1400 10.0.0.1/24", True),
        ("alias 10.0.0.1/24", True),
    ],
)
def test_a_destination_belongs_behind_the_address(before: str, is_told: bool) -> None:
    assert len(said(f"{before}\n# a\ndest 10.0.0.255\n")) == is_told


# ---- words ----


@pytest.mark.parametrize(
    "line",
    [
        "description 'a b'",
        'description "Bob\'s"',
        "description 'say \"x\" for $5; or `so`'",
        "description '~a'",
        "description a~b",
        "description '*'",
        "description a{b}",
        "description '{a,b}'",
        "description [",
        "description a\\-b",
        "description a#b",
        "up # what? 'a * \\b",
        "!ls /etc/*.conf",
        "!echo $if; cdrom; settle; x=1 y",
    ],
)
def test_what_both_read_alike_is_not_told(line: str) -> None:
    assert said(f"{line}\n") == []


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("description a\\ b", ["1:14"]),
        ("description 'a\\b'", ["1:15"]),
        ('description "a\\"b"', ["1:15"]),
        ('description "it\'s \\$5"', ["1:19"]),
        ("description a\\\\b", ["1:14"]),
        ("description a\\*", ["1:14"]),
        ("description \\#a", ["1:13"]),
        ("description *.c", ["1:13"]),
        ("description who?", ["1:16"]),
        ("description [ab]", ["1:13"]),
        ("description {a,b}", ["1:13"]),
        ("description {'a,b',c}", ["1:13"]),
        ("up\ndescription 'a* b'", []),
        ("up\ndescription 'a *b c'", ["2:16"]),
        ("up\n\ndescription 'a *b c'", []),
        ("up\n# b\ndescription 'a *b c'", []),
        ("description 'a *b c'", []),
        ("!cd /tmp && make", ["1:2"]),
        ("! exit", ["1:3"]),
        ("!PATH=/bin", ["1:2"]),
        ("!A=1 ; B=2", ["1:2"]),
        ("!A=1 make", []),
        ("!. /etc/x", ["1:2"]),
        ("!./cd", []),
        ("!cd", ["1:2"]),
        ("!cd-rom; exitor; set-x", []),
        ("up\n!ls /etc/*.conf", ["2:10"]),
        ("up\n!ls '/etc/*.conf'; echo $? $*", []),
        ("up\n! [ -f /etc/x ]", []),
        ("!echo a\\ b # c", ["1:8"]),
        (f"{PEER} wgendpoint '[fd00::1]:7'", ["1:64"]),
        (f"!ifconfig $if {PEER} wgendpoint a:7", ["1:78"]),
        (f"{PEER} wgdescr a:7 wgaip fd00::2", []),
        ("create", []),
        ("up create", ["1:4"]),
        ("destroy\ncreate mtu 1400\ncreate mtu 1400", ["3:1"]),
        ("destroy\n!ifconfig $if create mtu 1400\n!ifconfig $if create up", ["3:15"]),
        ("!ifconfig $if up || true; ifconfig $if down && ifconfig $if up", []),
        ("!true || ifconfig $if up >/dev/null || ifconfig $if down", ["1:7", "1:37"]),
    ],
)
def test_a_spot_is_told_where_it_is(line: str, places: list[str]) -> None:
    assert [found.partition(": ")[0] for found in said(f"{line}\n")] == places


def test_no_warning_shows_a_key() -> None:
    text = f"up\nwgkey \\{SECRET}\nwgkey '{SECRET}' descr ~office\nwgkey {SECRET}"
    found = differences(parse(SourceText.from_text("x", text), "wg0"), "wg0")
    assert len(found) == 2
    assert not any(SECRET[:20] in diagnostic.format() for diagnostic in found)


# ---- packed lines that are not told of are the same when they are unpacked ----


def unpack(words: list[str]) -> list[str]:
    """Return what netstart(8) makes ifconfig(8) of a line."""
    if words[0] not in ("inet", "inet6"):
        return words
    count = 2 if words[1] == "alias" else 1
    head, (address, *rest) = words[:count], words[count:]
    roles = ["netmask", "broadcast"] if words[0] == "inet" else ["prefixlen"]
    given = [[role, rest.pop(0)] for role in roles if rest]
    kept = [word for pair in given if not pair[-1].endswith("NONE") for word in pair]
    return [*head, address, *kept, *rest]


ADDRESS_WORDS = st.sampled_from(
    [
        *("alias", "delete", "-alias", "netmask 255.255.0.0", "broadcast 10.0.0.255"),
        *("prefixlen 24", "10.0.0.1", "10.0.0.1/24", "fd00::1", "fd00::1/64", "255.255.255.0"),
        *("64", "10.0.0.255", "NONE", "'NONE'", "mtu 1400", "up", "# text"),
    ]
)


@given(st.sampled_from(["inet", "inet6", "inet alias", ""]), st.lists(ADDRESS_WORDS, max_size=5))
def test_an_address_that_is_not_warned_of_is_the_same_unpacked(
    family: str, words: list[str]
) -> None:
    text = " ".join([family, *words])
    try:
        (line,) = parse(SourceText.from_text("x", f"{text}\n"), "wg0").lines
    except ConfigError:
        return
    if not isinstance(line, Ifconfig) or said(f"{text}\n"):
        return
    theirs = unpack(text.partition("#")[0].replace("'", "").split())
    (unpacked,) = parse_words(theirs, "wg0").lines
    assert isinstance(unpacked, Ifconfig)
    assert unpacked.statements == line.statements


# ---- what is not told of is the same ----


def openbsd_lines(text: str) -> list[str]:
    """Read as `while read -- line` does: a backslash goes, and what follows it stays."""
    lines, line, position = [], "", 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
            line += text[position : position + 1].replace("\n", "")
        elif character == "\n":
            lines.append(line)
            line = ""
        else:
            line += character
        position += 1
    return lines


def openbsd_commands(text: str) -> list[list[str]]:
    commands, matches_files = [], False
    for line in openbsd_lines(text):
        pieces = re.split("[ \t]+", line.strip(" \t"))
        is_command = pieces != [""] and not pieces[0].startswith("#")
        if is_command:
            commands.append(openbsd_words(pieces, matches_files))
        matches_files = is_command
    return commands


def openbsd_words(pieces: list[str], matches_files: bool) -> list[str]:
    """Join with single blanks, and evaluate; fail for what would be expanded."""
    for piece in pieces[: next((n for n, p in enumerate(pieces) if p[:1] == "#"), None)]:
        assert (
            not matches_files
            or "'" in piece
            or '"' in piece
            or not re.search(r"[*?]|\[.+\]", piece)
        )
    return shell_words(" ".join(pieces))


def shell_words(text: str) -> list[str]:
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == " ":
            words += [] if word is None else [word]
            word = None
            continue
        if character == "#" and word is None:
            break
        if character in "'\"":
            end = position
            while text[end] != character:
                end += 2 if character == '"' and text[end] == "\\" else 1
            found = text[position:end]
            if character == '"':
                assert not re.search(r"(?<!\\)[$`]", found)
                found = re.sub(r'\\(["\\$`])', r"\1", found)
            position = end + 1
        elif character == "\\":
            found = text[position]
            position += 1
        else:
            assert character not in "$`;*?"
            assert character != "~" or word is not None
            found = character
        word = (word or "") + found
    return words if word is None else [*words, word]


PART = st.one_of(
    st.text("ab#~[]!", min_size=1),
    st.text('ab #~*?$;\\"', max_size=6).map(lambda text: f"'{text}'"),
    st.text("ab #~*?;'", max_size=6).map(lambda text: f'"{text}"'),
    st.sampled_from("ab'\"\\$`#~*? ").map(lambda character: f"\\{character}"),
    st.sampled_from(["\\\n", "'a * b'", '"a [b] c"']),
)
LINE = st.tuples(
    st.sampled_from(["description ", "  descr\t", "up description  "]),
    st.lists(PART, min_size=1, max_size=4).map("".join),
    st.sampled_from(["", " ", " up", " # it's * \\a", " \\\n up"]),
).map("".join)
LINES = st.lists(st.one_of(LINE, st.sampled_from(["", "# a 'b", "up"])), min_size=1, max_size=3)


@given(LINES.map("\n".join), st.sampled_from(["\n", "\n", "\n", ""]))
def test_what_is_not_warned_of_is_read_alike(text: str, end: str) -> None:
    try:
        file = parse(SourceText.from_text("x", text + end), "wg0")
    except ConfigError:
        assume(False)
    if differences(file, "wg0"):
        return
    ours = [
        [word.value for word in word_splitter().split(line.text).words]
        for line, meaning in zip(file.source.lines(), file.lines, strict=True)
        if isinstance(meaning, Ifconfig)
    ]
    theirs = openbsd_commands(text + end)
    assert [[re.sub(" +", " ", word) for word in words] for words in theirs] == ours


# ---- routes ----


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("!route add 10.1.0.0/16 10.0.0.2\ninet 10.0.0.1/24\n", ["1:24"]),
        ("!route change 10.1.0.0/16 -iface 10.0.0.1\ninet 10.0.0.1/24\n", ["1:34"]),
        ("rdomain 5\n!route -T 5 add 10.1/16 10.0.0.2\ninet 10.0.0.1/24\n", ["2:25"]),
        ("!route -T 5 add 10.1/16 10.0.0.2\nrdomain 5\ninet 10.0.0.1/24\n", ["1:25"]),
        ("inet 10.9.0.1/24\n!route add 10.1/16 10.0.0.2\ninet alias 10.0.0.1/24\n", ["2:20"]),
        ("inet 10.0.0.1/24\n!route add 10.1/16 10.0.0.2\n", []),
        ("inet 10.0.0.1/24\n!route add 10.1/16 10.0.0.2\ninet 10.0.0.3/24\n", []),
        ("!route add 192.0.2.1 198.51.100.1\ninet 10.0.0.1/24\n", []),
        ("!route delete 10.1/16 10.0.0.2\ninet 10.0.0.1/24\n", []),
        ("!route add 10.1/16 -blackhole 10.0.0.2\ninet 10.0.0.1/24\n", []),
    ],
)
def test_a_route_before_what_it_needs_fails_there(text: str, places: list[str]) -> None:
    found = [line for line in said(text) if "has no way" in line]
    assert [line.partition(": ")[0] for line in found] == places
