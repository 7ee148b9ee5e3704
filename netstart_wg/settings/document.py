"""A TOML document on the way to settings: its values by their paths, and messages about them."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import NoReturn, TypeVar

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Span
from netstart_wg.settings.messages import SettingsMessage
from netstart_wg.settings.places import Path, Places, Stretch, find_places
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.masking import mask
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.words import Word

Table = Mapping[str, object]

_PLACE = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)\Z")
_ADVICE = {
    "Invalid value": 'a text stands in quotes, such as "kernel"; a truth value is true or false',
    "Cannot overwrite a value": "write each key once",
    "Cannot declare": "write each table once",
    "Expected '=' after a key": "the form is: key = value",
    "Expected newline": "write one key = value on a line",
}
_OTHER_ADVICE = "a line is key = value or [table], and a text stands in quotes"

_FILE_NAME_LIMIT_BYTES = 255

_KINDS: Mapping[type, str] = {
    bool: "true or false",
    str: "a text in quotes",
    int: "a number",
    float: "a fraction",
    dict: "a table",
    list: "a list",
    datetime: "a date",
    date: "a date",
    time: "a time",
}

_Value = TypeVar("_Value", str, bool, int)


class Document:
    """What tomllib has read, with the places of everything."""

    def __init__(self, source: SourceText) -> None:
        """Raise ConfigError for what is not TOML."""
        self.findings = Findings(source)
        self._source = source
        self._root, self._places = self._read()

    def keys(self, path: Path) -> tuple[str, ...]:
        """Return the keys of a table, in the order of the file; none if there is no such table."""
        return tuple(self._table(path))

    def text(self, path: Path) -> str | None:
        """Return a text; None if there is none, and note what else there is."""
        value = self._typed(path, str)
        stray = next((c for c in value or "" if not c.isprintable()), None)
        if stray is None:
            return value
        self.note(SettingsMessage.BAD_TEXT, path, key=path[-1], code=ord(stray))
        return None

    def number(self, path: Path) -> int | None:
        """Return a whole number; None if there is none, and note what else there is."""
        return self._typed(path, int)

    def truth(self, path: Path) -> bool | None:
        """Return a truth value; None if there is none, and note what else there is."""
        return self._typed(path, bool)

    def word(self, path: Path, words: Sequence[str]) -> str | None:
        """Return one of several words; None if there is none, and note what else there is."""
        text = self.text(path)
        if text is None or text in words:
            return text
        nearest = _nearest(text, words)
        if nearest is None:
            wanted = ", ".join(f'"{word}"' for word in words)
            self.note(SettingsMessage.UNKNOWN_WORD, path, key=path[-1], wanted=wanted)
        else:
            self.note(SettingsMessage.MISSPELT_WORD, path, key=path[-1], nearest=nearest)
        return None

    def is_table(self, path: Path) -> bool:
        """Say whether there is a table; note what else there is."""
        value = self._at(path)
        if value is not None and not isinstance(value, dict):
            self._note_type(path, value, dict)
        return isinstance(value, dict)

    def look_for_unknown(
        self, path: Path, known: Sequence[str], besides: Sequence[str] = ()
    ) -> None:
        """Note each key of a table that is not known; of those known besides, none is told."""
        for key in self._table(path):
            if key in known or key in besides:
                continue
            if not self.findings.has_room:
                return
            nearest = _nearest(key, known)
            place = (*path, key)
            if nearest is None:
                names = ", ".join(known)
                self.note_key(SettingsMessage.UNKNOWN_KEY, place, known=names)
            else:
                self.note_key(SettingsMessage.MISSPELT_KEY, place, nearest=nearest)

    def span_of_key(self, path: Path) -> Span:
        """Return where a key of the document stands."""
        return self._places.span(self._places.keys[path])

    def note_key(self, message: SettingsMessage, path: Path, **values: object) -> None:
        """Note a message about a key, which the template may name as `word`."""
        self._note(message, self._places.keys[path], str(path[-1]), values)

    def note(self, message: SettingsMessage, path: Path, **values: object) -> None:
        """Note a message about a value; the template may name a text as `word`."""
        stretch = self._places.values.get(path) or self._places.keys[path]
        self._note(message, stretch, str(self._at(path)), values)

    def _table(self, path: Path) -> Table:
        value = self._at(path)
        return value if isinstance(value, dict) else {}

    def _typed(self, path: Path, wanted: type[_Value]) -> _Value | None:
        value = self._at(path)
        if type(value) is wanted:  # True is an int, too
            return value
        if value is not None:
            self._note_type(path, value, wanted)
        return None

    def _note_type(self, path: Path, value: object, wanted: type) -> None:
        kind, right = _KINDS[type(value)], _KINDS[wanted]
        self.note(SettingsMessage.WRONG_TYPE, path, key=path[-1], kind=kind, wanted=right)

    def _at(self, path: Path) -> object:
        value: object = self._root
        for step in path:
            value = value.get(str(step)) if isinstance(value, dict) else None
        return value

    def _note(
        self, message: SettingsMessage, stretch: Stretch, text: str, values: Mapping[str, object]
    ) -> None:
        span = self._places.span(stretch)
        line = self._source.line_at(span.line)
        begin = line.stretch(span.line - line.number)[0] + span.column - 1
        word = Word(line.text[begin : begin + span.length], mask(text), begin)
        self.findings.add(message, span, word=word, **values)

    def _read(self) -> tuple[Table, Places]:
        text = "".join(f"{line}\n" for line in self._source.physical_lines)
        try:
            return tomllib.loads(text), find_places(text)
        except tomllib.TOMLDecodeError as error:
            self._refuse(str(error))
        except RecursionError:
            self._refuse_whole(SettingsMessage.TOO_DEEP)
        except ValueError:  # int() of more digits than it takes
            self._refuse_whole(SettingsMessage.BAD_NUMBER)

    def _refuse(self, problem: str) -> NoReturn:
        """Say what tomllib has found, where it has found it: at the end if it does not say."""
        place = _PLACE.search(problem)
        problem = mask(_PLACE.sub("", problem))
        advice = next((hint for start, hint in _ADVICE.items() if problem.startswith(start)), None)
        lines = self._source.physical_lines
        line, column = len(lines), len(lines[-1]) + 1
        if place is not None and place[1] is not None and int(place[1]) <= len(lines):
            line, column = int(place[1]), int(place[2])
        self.findings.add(
            SettingsMessage.NOT_TOML,
            Span(line, column),
            problem=problem[:1].lower() + problem[1:],
            advice=advice or _OTHER_ADVICE,
        )
        raise ConfigError(self.findings.errors) from None

    def _refuse_whole(self, message: SettingsMessage) -> NoReturn:
        raise ConfigError([message.diagnostic(self._source.name)]) from None


def is_file_name(name: str) -> bool:
    """Say whether a file in a folder can have this name."""
    is_path = "/" in name or name in ("", ".", "..")
    return not is_path and len(name.encode()) <= _FILE_NAME_LIMIT_BYTES


def _nearest(word: str, known: Sequence[str]) -> str | None:
    """Return what was probably meant."""
    found = difflib.get_close_matches(word.lower()[:32], known, n=1, cutoff=0.65)
    return found[0] if found else None
