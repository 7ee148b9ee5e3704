"""Names of endpoints, on record for whoever looks them up in the background.

A run of netstart-wg writes down which peers the file names by their hosts, and sees to
it that the process is there which looks after them (`app/watch_names.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from netstart_wg.app.system import Machine
from netstart_wg.errors import NetstartError
from netstart_wg.model.address import EndpointName
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.system.notes import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPeer:
    """A peer whose endpoint is a name."""

    interface: str
    public_key: PublicKey
    name: EndpointName
    rdomain: int = 0
    """Where the name is looked up: that of the interface's UDP sockets."""


def note_names(applied: Iterable[InterfaceConfig], machine: Machine) -> None:
    """Let the names of these interfaces be looked after; what cannot be noted is not.

    Only what was carried out is noted: of a file that is refused or held no peer may move.
    """
    _note({config.name: _encode(config) for config in applied}, machine)


def restore_names(interface: str, text: str | None, machine: Machine) -> None:
    """Let those names be looked after again that were when the note said this."""
    _note({interface: text}, machine)


def _note(texts: Mapping[str, str | None], machine: Machine) -> None:
    """Write what differs, and see to it that somebody reads it."""
    has_news = False
    with suppress(NetstartError):
        for interface, text in texts.items():
            if text == machine.system.read_note(interface, Note.NAMES):
                continue
            has_news = True
            if text is None:
                machine.system.remove_note(interface, Note.NAMES)
            else:
                machine.system.write_note(interface, Note.NAMES, text)
        has_names = bool(machine.system.noted_interfaces(Note.NAMES))
        is_watched = machine.system.is_watching_names()
        if (has_names and not is_watched) or (has_news and is_watched):
            machine.system.watch_names()


def read_names(machine: Machine) -> frozenset[NamedPeer]:
    """Return all that is noted; what cannot be read is passed over."""
    found: set[NamedPeer] = set()
    for interface in machine.system.noted_interfaces(Note.NAMES):
        with suppress(ValueError, KeyError, TypeError):
            found.update(_decode(interface, machine.system.read_note(interface, Note.NAMES)))
    return frozenset(found)


def _encode(config: InterfaceConfig) -> str | None:
    """Write the names of an interface as JSON; None if it has none."""
    names = {
        peer.public_key.to_base64(): [peer.endpoint.host, peer.endpoint.port]
        for peer in (config.wireguard.peers if config.exists else ())
        if isinstance(peer.endpoint, EndpointName) and "%" not in peer.endpoint.host
    }
    return (
        json.dumps({"rdomain": config.wireguard.wgrtable or 0, "peers": names}) if names else None
    )


def _decode(interface: str, text: str | None) -> Iterable[NamedPeer]:
    note = json.loads(text or "null")
    for key, (host, port) in note["peers"].items():
        yield NamedPeer(
            interface=interface,
            public_key=PublicKey.from_base64(key),
            name=EndpointName(str(host), int(port)),
            rdomain=int(note["rdomain"]),
        )
