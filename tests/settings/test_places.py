"""Each key that tomllib finds is found at a place where it stands, however it is written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from textwrap import dedent

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.model.source import Span
from netstart_wg.settings.places import Path, find_places


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield everything in a document with its path."""
    items: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for step, item in items:
        yield (*path, step), item
        yield from walk(item, (*path, step))


def decode_key(raw: str) -> str:
    (key,) = tomllib.loads(f"{raw} = 1")
    return key


def assert_places(text: str) -> None:
    document = tomllib.loads(text)
    places = find_places(text)
    everything = dict(walk(document))
    assert {path for path in places.keys if isinstance(path[-1], str)} == {
        path for path in everything if isinstance(path[-1], str)
    }
    for path, stretch in places.keys.items():
        if isinstance(path[-1], str):
            assert decode_key(text[stretch.start : stretch.end]) == path[-1]
    for path, value in everything.items():
        if (place := places.values.get(path)) is None:
            assert isinstance(value, dict | list), path
        else:
            raw = text[place.start : place.end]
            assert tomllib.loads(f"value = {raw}")["value"] == value


# ---- documents at random ----

NAMES = st.one_of(
    st.sampled_from(["a", "b", "wg0", "key_file", "strict-commands", "1", "42", "true", "inf"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
TEXTS = st.text(
    st.one_of(st.sampled_from("\"'\\#=[]{},.\n a"), st.characters(exclude_categories=["Cs"])),
    max_size=12,
)
SCALARS = st.one_of(
    TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.times(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
BLANKS = st.sampled_from(["", " ", "\t", "  "])
BREAKS = st.sampled_from(["", "\n", " # a [comment] = \"'\n", "\n\n"])


class Writer:
    """Writes a document in TOML, each part in a way that is drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def document(self, content: dict[str, object]) -> str:
        return self.table((), content)

    def table(self, path: tuple[str, ...], content: dict[str, object]) -> str:
        """Write the pairs of a table, then the tables that get a header of their own."""
        pairs, rest = [], []
        for name, value in content.items():
            tables = self.tables(value)
            if tables is not None and self.draw(st.booleans()):
                rest.append((name, value, tables))
            else:
                pairs += self.pairs((name,), value)
        text = "".join(f"{pair}{self.draw(BLANKS)}\n{self.breaks()}" for pair in pairs)
        for name, value, tables in rest:
            below = (*path, name)
            header = self.dotted(below)
            brackets = ("[", "]") if isinstance(value, dict) else ("[[", "]]")
            for each in tables:
                text += f"{self.draw(BLANKS)}{header.join(brackets)}\n" + self.table(below, each)
        return text

    def tables(self, value: object) -> list[dict[str, object]] | None:
        """Return the tables that a header can stand for, if it can."""
        if isinstance(value, dict):
            return [value]
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            return value
        return None

    def pairs(self, keys: tuple[str, ...], value: object) -> list[str]:
        """Write a pair, or, of a table with dotted keys, one for each of its pairs."""
        if isinstance(value, dict) and value and self.draw(st.booleans()):
            return [
                pair for name, each in value.items() for pair in self.pairs((*keys, name), each)
            ]
        blanks = self.draw(BLANKS)
        return [f"{self.dotted(keys)}{blanks}={blanks}{self.value(value)}"]

    def dotted(self, keys: tuple[str, ...]) -> str:
        dot = self.draw(st.sampled_from([".", " . ", "\t."]))
        return self.draw(BLANKS) + dot.join(self.key(key) for key in keys)

    def key(self, name: str) -> str:
        is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        if is_bare and self.draw(st.booleans()):
            return name
        if name.isprintable() and "'" not in name and self.draw(st.booleans()):
            return f"'{name}'"
        return basic(name)

    def value(self, value: object) -> str:
        if isinstance(value, dict):
            return self.inline_table(value)
        if isinstance(value, list):
            return self.array(value)
        return self.text(value) if isinstance(value, str) else scalar(value)

    def inline_table(self, content: dict[str, object]) -> str:
        pairs = [pair for name, each in content.items() for pair in self.pairs((name,), each)]
        blanks = self.draw(BLANKS)
        return f"{{{blanks}" + f"{blanks},".join(pairs) + f"{blanks}}}"

    def array(self, items: list[object]) -> str:
        text = "".join(f"{self.breaks()}{self.value(item)}{self.breaks()}," for item in items)
        return f"[{text if self.draw(st.booleans()) else text.removesuffix(',')}{self.breaks()}]"

    def text(self, value: str) -> str:
        style = self.draw(st.integers(0, 3))
        if style == 1 and value.isprintable() and "'" not in value:
            return f"'{value}'"
        is_plain = value.replace("\n", "").isprintable()
        if style == 2 and is_plain and "'''" not in value and not value.startswith("\n"):
            return f"'''{value}'''" if "''" not in value else basic(value)
        if style == 3:
            quoted = basic(value)[1:-1].replace("\\n", "\n").replace('\\"', '"')
            if '"""' not in quoted and not quoted.endswith('"') and "\\\n" not in quoted:
                return f'"""\n{quoted}"""'
        return basic(value)

    def breaks(self) -> str:
        return self.draw(BREAKS)


def basic(text: str) -> str:
    """Write a basic string, as JSON, whose escapes are TOML's but for those of surrogate pairs."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.replace("\x7f", "\\u007F")


def scalar(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            return str(value)


@st.composite
def documents(draw: st.DrawFn) -> str:
    return Writer(draw).document(draw(DOCUMENTS))


@given(documents())
def test_each_key_and_each_value_is_found_where_it_stands(text: str) -> None:
    assert_places(text)


# ---- what chance may miss ----


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c = 1\na.d = 2\n",
        "[a]\n[a.b]\nc = 1\n[a.d]\n",
        "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\n[[a.e]]\nf = 4\n",
        'a = """one ""two"" three"""""\nb = 2\n',
        "a = '''one ''two'''''\nb = 2\n",
        "a = \"\"\"\"\"\"\nb = ''''''\n",
        'a = "\\"#" # " = 3\nb = 2\n',
        "a = [ # ]\n 1, [2, {b = 3}], # [\n]\nc = 4\n",
        "a = 1979-05-27 07:32:00 # date\nb = [1979-05-27 07:32:00, 07:32:00]\n",
        '"a.b" = 1\n\'a"b\' = 2\n"\\u00e9" = 3\n"" = 4\n',
        " [ a . \"b\" . 'c' ] # d = 1\n  e = +1_000\n",
        "a = {}\nb = []\nc = { d.e = 1, d.f = [{}] }\n",
        "# no newline at the end\na = 0x1F",
    ],
)
def test_what_toml_allows_is_followed(text: str) -> None:
    assert_places(text)


def test_a_place_is_a_stretch_of_one_line() -> None:
    text = dedent(
        '''\
        # comment
        first = """
        more"""
          second.third = [
        1, ]
        '''
    )
    places = find_places(text)
    assert places.span(places.keys["second", "third"]) == Span(4, 10, 5)
    assert places.span(places.values["first",]) == Span(2, 9, 3)
    assert places.span(places.values["second", "third", 0]) == Span(5, 1, 1)
