"""What of an engine outlives its process: configuration, memory, and at an orderly end sessions.

Boot-time values are good in another process of the same boot, which is all that
they are for.  Sessions are exact or worthless: a counter that is behind would use
a nonce twice.  So they are taken after the last packet, and used once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netstart_wg.model.address import IPAddress
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.keys import PublicKey, SessionKey
from netstart_wg.model.state import PeerState, WireGuardState

TIMESTAMP_LENGTH = 12
NO_TIMESTAMP = bytes(TIMESTAMP_LENGTH)
"""Earlier than any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPeer:
    """One peer, without its sessions."""

    state: PeerState
    """What there is to know of it, configuration and counters."""
    latest_timestamp: bytes = NO_TIMESTAMP
    """The greatest TAI64N that it has sent: what is not above it is refused."""
    latest_date_sent_ns: int = 0
    """The greatest date that we have sent, nanoseconds since 1970: the next one is above it."""

    def configuration(self) -> PeerChange:
        """Return the change that makes a new peer of it."""
        state = self.state
        return PeerChange(
            public_key=state.public_key,
            preshared_key=state.preshared_key,
            endpoint=UNCHANGED if state.endpoint is None else state.endpoint,
            persistent_keepalive=state.persistent_keepalive,
            add_allowed_ips=state.allowed_ips,
            description=state.description,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDevice:
    """An interface's engine, without its sessions."""

    state: WireGuardState
    """Without its peers."""
    peers: tuple[SavedPeer, ...] = ()
    """In order of creation."""
    sockets_namespace: int | None = None
    """Inode of the network namespace that the UDP sockets are in; None if there are none."""
    restorations: int = 0
    """How often in short succession this was restored after a crash."""

    def configuration(self) -> DeviceChange:
        """Return the change that makes a new device of it."""
        state = self.state
        return DeviceChange(
            private_key=state.private_key,
            listen_port=state.listen_port,
            fwmark=state.fwmark,
            wgrtable=state.wgrtable or 0,
            groups=state.groups,
            peers=tuple(each.configuration() for each in self.peers),
        )


@dataclass(frozen=True, slots=True)
class SavedReplay:
    """A replay window: see `ReplayFilter`, whose fields these are."""

    next: int = 0
    run_start: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedKeypair:
    """See `Keypair`."""

    local_index: int
    remote_index: int
    is_initiator: bool
    created_ns: int
    """Boot time."""
    sending: SessionKey
    receiving: SessionKey
    may_send: bool = True
    send_counter: int = 0
    replay: SavedReplay = SavedReplay()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """What goes on between us and one peer."""

    public_key: PublicKey
    previous: SavedKeypair | None = None
    current: SavedKeypair | None = None
    next: SavedKeypair | None = None
    deadlines: tuple[tuple[str, int], ...] = ()
    """Names of timers that are armed, and when each is due, boot-time ns."""
    initiation_sent_ns: int | None = None
    """When the last one left, boot time."""
    initiation_consumed_ns: int | None = None
    """When the last one came, boot time."""
    is_initiating: bool = False
    """Whether an initiation waits for its response, which nobody can read any more."""
    sent_last_minute_handshake: bool = False
    source: IPAddress | None = None
    """Our address that the peer last wrote to."""
    interface: int = 0
    """Index of the interface on which that was."""
    staged: tuple[bytes, ...] = field(default=(), repr=False)
    """Inner packets that wait for a session."""
