"""Both engines behind one interface: each of ours is asked by who stands behind it.

Only what makes an interface has to say which engine it shall be.  Afterwards the one
that has it is found by looking for a link of the kernel's, which takes next to no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netstart_wg.backends.base import PATIENCE_SECONDS, Backend
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import WireGuardState
from netstart_wg.system.refusal import refusal
from netstart_wg.system.wireguard_links import find_link

DerivePublicKey = Callable[[PrivateKey], PublicKey]


class ChosenBackend:
    """Satisfies `netstart_wg.backends.base.Backend`."""

    def __init__(self, embedded: Backend, derive_public_key: DerivePublicKey) -> None:
        """Take our own engines, and what the kernel's want to know."""
        self._embedded = embedded
        self._derive_public_key = derive_public_key

    @property
    def _kernel(self) -> Backend:
        """The kernel's, loaded when there is one, or is to be one."""
        from netstart_wg.backends.kernel import KernelBackend

        return KernelBackend(self._derive_public_key)

    def obstacle(self, kind: EngineKind) -> str | None:
        """Say what keeps an engine of this kind from being made here."""
        return self._of_kind(kind).obstacle(kind)

    def create(self, interface: str, kind: EngineKind = EngineKind.EMBEDDED) -> None:
        """Make an interface with an engine of this kind, and no other."""
        self._of_kind(kind).create(interface, kind)

    def destroy(self, interface: str) -> None:
        """End whichever engine there is."""
        self._behind(interface).destroy(interface)

    def displace(self, interface: str) -> None:
        """Delete somebody else's interface, which none of the engines here knows."""
        self._behind(interface).displace(interface)

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        """Ask whichever engine there is."""
        return self._behind(interface).state(interface, patience_seconds)

    def glance(self, interface: str) -> WireGuardState | None:
        """Ask whichever engine there is."""
        return self._behind(interface).glance(interface)

    def configure(self, interface: str, change: DeviceChange) -> None:
        """Have whichever engine there is make the change."""
        self._behind(interface).configure(interface, change)

    def follow(self, interface: str) -> Iterator[str]:
        """Let whichever engine there is tell."""
        return self._behind(interface).follow(interface)

    def _of_kind(self, kind: EngineKind) -> Backend:
        return self._kernel if kind is EngineKind.KERNEL else self._embedded

    def _behind(self, interface: str) -> Backend:
        """Return the backend that has it, our own if none has: that one says so in its words."""
        try:
            is_the_kernels = find_link(interface) is not None
        except OSError as error:
            raise refusal("observe", interface, error) from error
        return self._kernel if is_the_kernels else self._embedded
