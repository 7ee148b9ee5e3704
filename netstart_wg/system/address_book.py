"""The last good address of each host that a peer was found at by name; it outlives a reboot.

At boot the resolver may be reached through the very tunnel that needs it, or not be
there yet: an address that was right yesterday is better than none.  A book that
cannot be read is an empty one, and one that cannot be written is not: what is in
it is only ever of help.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from netstart_wg.model.address import IPAddress
from netstart_wg.system.paths import ADDRESS_BOOK

HOSTS_LIMIT = 10_000
"""More hosts are not remembered; the oldest are forgotten."""


class AddressBook:
    """A file of root's."""

    def __init__(self, path: Path = ADDRESS_BOOK) -> None:
        """Take where it is kept."""
        self._path = path

    def read(self) -> dict[str, IPAddress]:
        """Return the address of each host, in the order they were learnt."""
        try:
            book = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(host): ip_address(address) for host, address in book.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def learn(self, found: Mapping[str, IPAddress]) -> None:
        """Remember where hosts were found; nothing is written if that is known."""
        known = self.read()
        if all(known.get(host) == address for host, address in found.items()):
            return
        for host, address in found.items():
            known.pop(host, None)
            known[host] = address
        latest = list(known.items())[-HOSTS_LIMIT:]
        with suppress(OSError):
            self._write(json.dumps({host: str(address) for host, address in latest}))

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.touch(mode=0o600)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
