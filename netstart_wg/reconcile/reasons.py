"""Whose doing a difference is: last applied, declared now, and running, compared.

If the file still declares what was last applied, and something else runs, somebody
has changed it: drift.  If it declares another thing, or what was applied has left it,
the file is newer: pending.  What nobody declared is drift as well, for it goes.
"""

from __future__ import annotations

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.difference import Reason
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.source import Subject
from netstart_wg.reconcile.applied_items import item_of, items_of
from netstart_wg.reconcile.record import declared_endpoint


class Reasons:
    """What one file declares, and what was last applied of it."""

    def __init__(self, desired: InterfaceConfig, applied: AppliedRecord | None) -> None:
        peers = desired.wireguard.peers if desired.exists else ()
        self._declared = dict(items_of(desired)) if desired.exists else {}
        self._declared_endpoints = {
            peer.public_key.to_base64(): declared_endpoint(peer)
            for peer in peers
            if peer.endpoint is not None
        }
        self._was_applied = applied is not None
        self._applied = dict(applied.items) if applied else {}
        self._applied_endpoints = dict(applied.endpoints) if applied else {}
        self._commands = {command.shown for command in applied.commands} if applied else set()
        self._wanted_commands = {command.shown for command in desired.commands}

    def of(self, subject: Subject) -> Reason:
        """Return why something else runs than the file says."""
        match subject:
            case ("create",):
                is_as_applied = self._was_applied
            case ("destroy" | "stranger",):
                is_as_applied = False
            case ("!", shown):
                is_as_applied = shown in self._commands and shown in self._wanted_commands
            case ("wgendpoint", key):
                declared = self._declared_endpoints.get(key)
                is_as_applied = declared == self._applied_endpoints.get(key)
            case _:
                is_as_applied = self._is_as_applied(item_of(subject))
        return Reason.DRIFT if is_as_applied else Reason.PENDING

    def knows(self, subject: Subject) -> bool:
        """Say whether the file declares something of the item, or has been applied with it."""
        item = item_of(subject)
        return item in self._declared or item in self._applied

    def _is_as_applied(self, item: str) -> bool:
        return self._declared.get(item) == self._applied.get(item)
