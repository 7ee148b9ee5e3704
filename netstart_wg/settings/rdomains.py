"""The table `[rdomain]`: where an rdomain is that is not a namespace of netstart-wg's own.

No place is that of two rdomains, and neither is a routing table: their addresses
would meet, which is what rdomains are there to prevent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netstart_wg.model.settings import RdomainKind, RdomainPlace
from netstart_wg.settings.document import Document, is_file_name
from netstart_wg.settings.messages import SettingsMessage
from netstart_wg.settings.places import Path
from netstart_wg.syntax.convert import RDOMAIN_MAX

TABLE_MAX = 2**32 - 1
TABLES_OF_LINUX = range(253, 256)
"""default, main and local."""

_NUMBER = re.compile(r"0|[1-9][0-9]*")
_OWN_NAMESPACE = re.compile(r"rdomain[1-9][0-9]{0,2}")
_DEVICE_NAME_LIMIT = 15


def read_rdomains(document: Document) -> Mapping[int, RdomainPlace]:
    """Return the places of the rdomains that are mapped, as far as they are right."""
    places: dict[int, RdomainPlace] = {}
    for key in document.keys(("rdomain",)) if document.is_table(("rdomain",)) else ():
        path: Path = ("rdomain", key)
        number = _read_number(document, path)
        place = None if number is None else _read_place(document, path, number)
        if number is not None and place is not None:
            _look_for_double(document, path, number, place, places)
            places[number] = place
    return places


def _read_number(document: Document, path: Path) -> int | None:
    text = str(path[-1])
    if text == "0":
        document.note_key(SettingsMessage.RDOMAIN_ZERO, path, limit=RDOMAIN_MAX)
        return None
    if not _NUMBER.fullmatch(text) or len(text) > 3 or int(text) > RDOMAIN_MAX:
        document.note_key(SettingsMessage.BAD_RDOMAIN, path, limit=RDOMAIN_MAX)
        return None
    return int(text)


def _read_place(document: Document, path: Path, number: int) -> RdomainPlace | None:
    if not document.is_table(path):
        return None
    document.look_for_unknown(path, ("namespace", "vrf", "table"))
    namespace = document.text((*path, "namespace"))
    vrf = document.text((*path, "vrf"))
    if {"namespace", "vrf"} <= {*document.keys(path)}:
        document.note_key(SettingsMessage.RDOMAIN_TWICE, (*path, "vrf"), number=number)
    elif namespace is not None:
        return _namespace(document, path, number, namespace)
    elif vrf is not None:
        return _vrf(document, path, number, vrf)
    elif not {"namespace", "vrf"} & {*document.keys(path)}:
        document.note_key(SettingsMessage.RDOMAIN_NOWHERE, path, number=number)
    return None


def _namespace(document: Document, path: Path, number: int, name: str) -> RdomainPlace:
    place = (*path, "namespace")
    if not is_file_name(name):
        document.note(SettingsMessage.BAD_NAMESPACE, place)
    elif _OWN_NAMESPACE.fullmatch(name):
        document.note(SettingsMessage.OWN_NAMESPACE, place, number=number)
    if "table" in document.keys(path):
        document.note_key(SettingsMessage.TABLE_OF_NAMESPACE, (*path, "table"))
    return RdomainPlace(kind=RdomainKind.NAMESPACE, name=name)


def _vrf(document: Document, path: Path, number: int, name: str) -> RdomainPlace:
    is_too_long = len(name.encode()) > _DEVICE_NAME_LIMIT
    if not is_file_name(name) or is_too_long or ":" in name or " " in name:
        document.note(SettingsMessage.BAD_VRF, (*path, "vrf"))
    table = document.number((*path, "table"))
    if table is not None and (table in TABLES_OF_LINUX or not 1 <= table <= TABLE_MAX):
        document.note(SettingsMessage.BAD_TABLE, (*path, "table"), number=table)
    if number in TABLES_OF_LINUX and "table" not in document.keys(path):
        document.note_key(SettingsMessage.NEEDS_TABLE, path, number=number)
    return RdomainPlace(kind=RdomainKind.VRF, name=name, table=table)


def _look_for_double(
    document: Document,
    path: Path,
    number: int,
    place: RdomainPlace,
    others: Mapping[int, RdomainPlace],
) -> None:
    for other, taken in others.items():
        if (taken.kind, taken.name) == (place.kind, place.name):
            document.note(SettingsMessage.PLACE_TAKEN, (*path, place.kind.value), other=other)
        elif RdomainKind.VRF is taken.kind is place.kind:
            table = _table(number, place)
            if table == _table(other, taken):
                where = (*path, "vrf" if place.table is None else "table")
                document.note(SettingsMessage.TABLE_TAKEN, where, number=table, other=other)


def _table(number: int, place: RdomainPlace) -> int:
    return number if place.table is None else place.table
