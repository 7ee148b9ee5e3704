"""netstart-wg.toml to `Settings`: all errors at once, each with its place.

What stands outside all tables holds for every interface that does not say
otherwise in its `[interface.NAME]`.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path as FilePath
from typing import TypeVar

from netstart_wg.model.settings import InterfaceSettings, Settings
from netstart_wg.model.source import Span
from netstart_wg.settings.document import Document, is_file_name
from netstart_wg.settings.messages import SettingsMessage
from netstart_wg.settings.places import Path
from netstart_wg.settings.rdomains import read_rdomains
from netstart_wg.syntax.lower import is_interface_name
from netstart_wg.syntax.source import SourceText

TABLES = ("interface", "rdomain")
OF_ALL = ("engine", "routes", "foreign", "strict-commands")
OF_ONE = ("key_file", "credential")

_Word = TypeVar("_Word", bound=Enum)


def read_settings(source: SourceText) -> Settings:
    """Return what a netstart-wg.toml asks for; raise ConfigError with all that is wrong with it."""
    document = Document(source)
    _look_at_keys_of_all(document)
    default = _read_shared(document, (), InterfaceSettings())
    settings = Settings(
        default=default,
        interfaces=_read_interfaces(document, default),
        rdomains=read_rdomains(document),
    )
    document.findings.raise_errors()
    return settings


def span_of_key(source: SourceText, interface: str) -> Span:
    """Return the place in a good file that says where the private key of an interface is."""
    document = Document(source)
    table: Path = ("interface", interface)
    (name,) = (key for key in document.keys(table) if key in OF_ONE)
    return document.span_of_key((*table, name))


def _look_at_keys_of_all(document: Document) -> None:
    names = (key for key in document.keys(()) if is_interface_name(key))
    misplaced = [name for name in names if document.keys((name,))]
    document.look_for_unknown((), (*OF_ALL, *TABLES), besides=(*OF_ONE, *misplaced))
    for key in misplaced:
        nearest = f"[interface.{key}]"
        document.note_key(SettingsMessage.MISSPELT_KEY, (key,), nearest=nearest)
    for key in OF_ONE:
        if key in document.keys(()):
            document.note_key(SettingsMessage.OF_ONE_INTERFACE, (key,))


def _read_interfaces(
    document: Document, default: InterfaceSettings
) -> dict[str, InterfaceSettings]:
    table: Path = ("interface",)
    names = document.keys(table) if document.is_table(table) else ()
    return {
        name: _read_interface(document, (*table, name), default)
        for name in names
        if document.is_table((*table, name))
    }


def _read_interface(
    document: Document, table: Path, default: InterfaceSettings
) -> InterfaceSettings:
    """Read the table of one interface."""
    if not is_interface_name(str(table[-1])):
        document.note_key(SettingsMessage.BAD_INTERFACE, table)
    document.look_for_unknown(table, (*OF_ONE, *OF_ALL))
    shared = _read_shared(document, table, default)
    if {*OF_ONE} <= {*document.keys(table)}:
        document.note_key(SettingsMessage.KEY_TWICE, (*table, OF_ONE[1]))
    return InterfaceSettings(
        engine=shared.engine,
        routes=shared.routes,
        foreign=shared.foreign,
        strict_commands=shared.strict_commands,
        key_file=_read_key_file(document, (*table, "key_file")),
        credential=_read_credential(document, (*table, "credential")),
    )


def _read_shared(document: Document, table: Path, default: InterfaceSettings) -> InterfaceSettings:
    """Read what can stand outside all tables, too."""
    is_strict = document.truth((*table, "strict-commands"))
    return InterfaceSettings(
        engine=_choice(document, (*table, "engine"), default.engine),
        routes=_choice(document, (*table, "routes"), default.routes),
        foreign=_choice(document, (*table, "foreign"), default.foreign),
        strict_commands=default.strict_commands if is_strict is None else is_strict,
    )


def _choice(document: Document, path: Path, default: _Word) -> _Word:
    """Read one of the words of an enumeration."""
    words = {choice.value: choice for choice in type(default)}
    word = document.word(path, tuple(words))
    return default if word is None else words[word]


def _read_key_file(document: Document, path: Path) -> FilePath | None:
    text = document.text(path)
    if text is None:
        return None
    if not text.startswith("/"):
        document.note(SettingsMessage.RELATIVE_PATH, path)
    return FilePath(text)


def _read_credential(document: Document, path: Path) -> str | None:
    name = document.text(path)
    if name is not None and not is_file_name(name):
        document.note(SettingsMessage.BAD_CREDENTIAL, path)
    return name
