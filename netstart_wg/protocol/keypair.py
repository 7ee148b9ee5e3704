"""Transport keypairs and the three slots a peer keeps them in (paper §5.4.5, §6.1).

A keypair's keys and indices never change.  Its two counters do, and belong to
the data path alone: nothing else counts nonces or moves the replay window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netstart_wg.model.keys import SessionKey
from netstart_wg.model.saved import SavedKeypair
from netstart_wg.protocol.crypto import TransportCipher, transport_cipher
from netstart_wg.protocol.messages import REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME_NS
from netstart_wg.protocol.noise import SessionKeys
from netstart_wg.protocol.replay import ReplayFilter


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Keypair:
    """One session: two ciphers, two indices, one birthday."""

    local_index: int
    """The receiver index of packets that come to us."""
    remote_index: int
    """The receiver index of packets that we send."""
    is_initiator: bool
    created_ns: int
    """Boot time."""
    sending_key: SessionKey
    """What `sending` is made of: no cipher gives back its key, and a successor needs it."""
    receiving_key: SessionKey
    sending: TransportCipher
    receiving: TransportCipher
    may_send: bool = True
    """False once our private key has changed: it still receives, but no longer sends."""
    send_counter: int = 0
    """The nonce of the next packet."""
    replay: ReplayFilter = field(default_factory=ReplayFilter)

    @classmethod
    def of(
        cls,
        keys: SessionKeys,
        *,
        local_index: int,
        remote_index: int,
        is_initiator: bool,
        created_ns: int,
    ) -> Keypair:
        """Make a keypair of what the handshake derived."""
        return cls(
            local_index=local_index,
            remote_index=remote_index,
            is_initiator=is_initiator,
            created_ns=created_ns,
            sending_key=SessionKey(keys.sending),
            receiving_key=SessionKey(keys.receiving),
            sending=transport_cipher(keys.sending),
            receiving=transport_cipher(keys.receiving),
        )

    @classmethod
    def restored(cls, saved: SavedKeypair) -> Keypair:
        """Go on with one of another process, which has sent its last packet under it."""
        return cls(
            local_index=saved.local_index,
            remote_index=saved.remote_index,
            is_initiator=saved.is_initiator,
            created_ns=saved.created_ns,
            sending_key=saved.sending,
            receiving_key=saved.receiving,
            sending=transport_cipher(saved.sending.to_bytes()),
            receiving=transport_cipher(saved.receiving.to_bytes()),
            may_send=saved.may_send,
            send_counter=saved.send_counter,
            replay=ReplayFilter.restored(saved.replay),
        )

    def save(self) -> SavedKeypair:
        """Return all of it, to be called when nothing is sent under it here any more."""
        return SavedKeypair(
            local_index=self.local_index,
            remote_index=self.remote_index,
            is_initiator=self.is_initiator,
            created_ns=self.created_ns,
            sending=self.sending_key,
            receiving=self.receiving_key,
            may_send=self.may_send,
            send_counter=self.send_counter,
            replay=self.replay.save(),
        )

    def is_alive(self, now_ns: int) -> bool:
        """Whether it is younger than REJECT_AFTER_TIME, and so may receive."""
        return now_ns - self.created_ns < REJECT_AFTER_TIME_NS

    def can_send(self, now_ns: int) -> bool:
        """Whether a packet may be sealed with it at all."""
        return self.may_send and self.send_counter < REJECT_AFTER_MESSAGES and self.is_alive(now_ns)


class Keypairs:
    """The slots *previous*, *current* and *next*.

    We send with *current* only and receive with all three.  A responder puts
    its new keypair into *next* and may not send with it before the initiator
    has proved, by a packet under it, that it has the key too.
    """

    __slots__ = ("current", "next", "previous")

    def __init__(self) -> None:
        self.previous: Keypair | None = None
        self.current: Keypair | None = None
        self.next: Keypair | None = None

    def __iter__(self) -> Iterator[Keypair]:
        """Yield those that receive, the likeliest first."""
        for keypair in (self.current, self.next, self.previous):
            if keypair is not None:
                yield keypair

    def add(self, keypair: Keypair) -> list[Keypair]:
        """Take in a keypair that was just derived; return those that fell out."""
        before = list(self)
        if keypair.is_initiator:
            self.previous = self.next or self.current
            self.next = None
            self.current = keypair
        else:
            self.next = keypair
            self.previous = None
        kept = set(self)
        return [old for old in before if old not in kept]

    def confirm(self, keypair: Keypair) -> list[Keypair] | None:
        """Note an authenticated packet under `keypair`.

        If that was the first one of *next*, it becomes *current*: return what
        fell out, which may be nothing.  Otherwise return None.
        """
        if keypair is not self.next:
            return None
        fell_out = [self.previous] if self.previous is not None else []
        self.previous, self.current, self.next = self.current, keypair, None
        return fell_out

    def stop_sending(self) -> None:
        """After a change of our private key: receive with the old sessions, but start new ones."""
        for keypair in (self.current, self.next):
            if keypair is not None:
                keypair.may_send = False

    def clear(self) -> list[Keypair]:
        """Forget all; return what there was."""
        fell_out = list(self)
        self.previous = self.current = self.next = None
        return fell_out
