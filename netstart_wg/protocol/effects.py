"""What the protocol core wants done, and the ground that a device's peers share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from netstart_wg.model.keys import PrivateKey
from netstart_wg.protocol.forwarding import DropReason, Path, PeerId
from netstart_wg.protocol.indextable import IndexTable
from netstart_wg.protocol.messages import REKEY_TIMEOUT_JITTER_MAX_NS
from netstart_wg.protocol.noise import LocalIdentity
from netstart_wg.protocol.notices import Notices


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send a handshake message or cookie reply as it is."""

    message: bytes
    path: Path
    peer: PeerId | None
    """Whose byte counter it goes to; None for a cookie reply."""


@dataclass(frozen=True, slots=True)
class SendPackets:
    """Seal inner packets with the peer's current keypair and send them."""

    peer: PeerId
    packets: tuple[bytes, ...]
    """Whole inner packets in order; an empty one is a keepalive."""


Effect = SendMessage | SendPackets


@dataclass(slots=True)
class Surroundings:
    """What all peers of a device share: its identity, the index table, and the way out."""

    random: Callable[[int], bytes]
    """Returns that many random bytes; handed in, so that a test can repeat itself."""
    identity: LocalIdentity | None = None
    is_up: bool = False
    indices: IndexTable[PeerId] = field(default_factory=IndexTable)
    effects: list[Effect] = field(default_factory=list)
    drops: Counter[DropReason] = field(default_factory=Counter)
    notices: Notices = field(default_factory=Notices)
    changed: set[PeerId] = field(default_factory=set)
    """Peers whose forwarding entry is no longer what the data path has."""

    def jitter_ns(self) -> int:
        """Draw the random part of a handshake timeout, 0 to a third of a second."""
        return int.from_bytes(self.random(4), "little") % (REKEY_TIMEOUT_JITTER_MAX_NS + 1)

    def ephemeral(self) -> PrivateKey:
        """Draw a fresh ephemeral key."""
        return PrivateKey(self.random(32))
