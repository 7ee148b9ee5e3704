"""What every engine looks like from here; the docstrings are the contract.

An engine stands behind one network interface and is named by it.  A backend
touches only engines of its own kind: where the name belongs to somebody else's,
`state` says so, and the other methods fail without having done anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from netstart_wg.model.change import DeviceChange
    from netstart_wg.model.engine import EngineKind
    from netstart_wg.model.state import WireGuardState

PATIENCE_SECONDS: Final = 20.0
"""How long an engine may be silent: it is one thread, and may be busy."""


class Backend(Protocol):
    """One kind of engine.  Every method may raise BackendError, and PermissionDeniedError."""

    def obstacle(self, kind: EngineKind) -> str | None:
        """Return why no engine of that kind can be made here, perhaps with a hint, or None."""
        ...

    def create(self, interface: str, kind: EngineKind = ...) -> None:
        """Start an engine, by default of its own kind; on return `state` answers.

        The interface exists then. It is down and has no key, port, mark, peer, address or
        description, and the default MTU.  Raise BackendError, and leave nothing
        behind, if something of that name exists or cannot be made.
        """
        ...

    def destroy(self, interface: str) -> None:
        """Stop the engine; on return neither it nor the interface exists.

        Raise BackendError if there is no engine of ours of that name.
        """
        ...

    def displace(self, interface: str) -> None:
        """Delete an interface in rdomain 0 that is somebody else's; on return its engine is gone.

        The one way in which a backend touches what is not its own, for those who asked
        for it.  Raise BackendError if there is none, or if it is ours.
        """
        ...

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        """Return all that the engine knows, or None if there is no engine of that name.

        Raise NotOursError if there is one of another kind, and BackendError if it
        says nothing for so long.
        """
        ...

    def glance(self, interface: str) -> WireGuardState | None:
        """As `state`, but without the peers, and the quicker for it; the fingerprint has them."""
        ...

    def configure(self, interface: str, change: DeviceChange) -> None:
        """Apply the change as a whole; on BackendError nothing of it is applied.

        Peers that the change does not name keep their sessions, and so does a
        peer whose values it repeats.  A peer with the interface's own public
        key is silently refused or removed (wg(4)).
        """
        ...

    def follow(self, interface: str) -> Iterator[str]:
        """Return what the engine says of its work while the interface has IFF_DEBUG, by lines.

        It counts from the return on.  The lines end with the engine, and also when it
        hangs up on somebody who reads too slowly.  Raise BackendError if there is no
        engine of ours of that name.
        """
        ...
