"""Engines that carry no traffic and live in memory: a fake that behaves.

It keeps the contract of `netstart_wg.backends.base` as the real ones do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from dataclasses import replace

from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.errors import BackendError
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.state import WireGuardState
from netstart_wg.reconcile.apply import DerivePublicKey, apply_change
from netstart_wg.uapi import encode_get, fingerprint

IMPLEMENTATION = "netstart-wg-memory 1"


class MemoryBackend:
    """Satisfies `netstart_wg.backends.base.Backend`."""

    def __init__(
        self, derive_public_key: DerivePublicKey, kinds: Collection[EngineKind] = tuple(EngineKind)
    ) -> None:
        """Take the way from a private key to its public key, and which engines to be."""
        self._derive_public_key = derive_public_key
        self.kinds = kinds
        self._engines: dict[str, WireGuardState] = {}

    def obstacle(self, kind: EngineKind) -> str | None:
        """Say which kinds it is not."""
        return None if kind in self.kinds else f"there is no {kind.value} engine"

    def create(self, interface: str, kind: EngineKind = EngineKind.EMBEDDED) -> None:
        """Make an engine that has nothing yet."""
        if (obstacle := self.obstacle(kind)) is not None:
            raise BackendError("start the engine", interface, obstacle, errno.EOPNOTSUPP)
        if interface in self._engines:
            raise _failure("start the engine", interface, errno.EEXIST)
        self._engines[interface] = WireGuardState(implementation=IMPLEMENTATION, kind=kind)

    def destroy(self, interface: str) -> None:
        """Forget the engine."""
        if self._engines.pop(interface, None) is None:
            raise _failure("destroy", interface, errno.ENODEV)

    def displace(self, interface: str) -> None:
        """Fail: here are no others."""
        raise _failure("remove", interface, errno.ENODEV)

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        """Return the engine as it is, or None."""
        del patience_seconds  # nobody has to wait
        state = self._engines.get(interface)
        return state and replace(state, fingerprint=fingerprint(encode_get(state)))

    def glance(self, interface: str) -> WireGuardState | None:
        """Return the engine without its peers."""
        state = self.state(interface)
        return state and replace(state, peers=())

    def configure(self, interface: str, change: DeviceChange) -> None:
        """Replace the engine's state by what the change makes of it."""
        state = self._engines.get(interface)
        if state is None:
            raise _failure("configure", interface, errno.ENODEV)
        self._engines[interface] = apply_change(state, change, self._derive_public_key)

    def follow(self, interface: str) -> Iterator[str]:
        """Return nothing: without traffic there is nothing to say."""
        if interface not in self._engines:
            raise _failure("follow", interface, errno.ENODEV)
        return iter(())


def _failure(operation: str, interface: str, number: int) -> BackendError:
    return BackendError(operation, interface, os.strerror(number).lower(), number)
