"""The five timers of a peer (paper §6; named as in the Linux driver).

1. retransmit_handshake: an initiation was not answered, send another.
2. send_keepalive: data came and nothing went back, say that we are here.
3. new_handshake: data went and nothing came back, start over.
4. zero_key_material: nothing was derived for long, forget the keys.
5. persistent_keepalive: nothing at all went either way, keep the path open.

The methods are named after what happened, not after what is wanted.  Time and
jitter come in as arguments, boot-time nanoseconds; nothing here acts: whoever
asks `expired` carries it out.
"""

from __future__ import annotations

import enum

from netstart_wg.model.now import NANOSECONDS_PER_SECOND
from netstart_wg.protocol.messages import (
    KEEPALIVE_TIMEOUT_NS,
    REJECT_AFTER_TIME_NS,
    REKEY_TIMEOUT_NS,
)


class Timer(enum.IntEnum):
    """The names, and the index of each deadline."""

    RETRANSMIT_HANDSHAKE = 0
    SEND_KEEPALIVE = 1
    NEW_HANDSHAKE = 2
    ZERO_KEY_MATERIAL = 3
    PERSISTENT_KEEPALIVE = 4


ZERO_KEY_MATERIAL_AFTER_NS = 3 * REJECT_AFTER_TIME_NS

_NEVER = 1 << 63


class Timers:
    """Five deadlines and the events that move them."""

    __slots__ = ("_deadlines", "persistent_keepalive_ns")

    def __init__(self) -> None:
        self._deadlines = [_NEVER] * len(Timer)
        self.persistent_keepalive_ns = 0
        """0 is off."""

    def next_deadline(self) -> int | None:
        """Return the earliest deadline, or None if no timer is armed."""
        earliest = min(self._deadlines)
        return None if earliest == _NEVER else earliest

    def expired(self, now_ns: int) -> list[Timer]:
        """Disarm and return the timers whose deadline has come, the earliest first."""
        due = [timer for timer in Timer if self._deadlines[timer] <= now_ns]
        due.sort(key=lambda timer: self._deadlines[timer])
        for timer in due:
            self._deadlines[timer] = _NEVER
        return due

    def is_pending(self, timer: Timer) -> bool:
        """Whether it is armed."""
        return self._deadlines[timer] != _NEVER

    def save(self) -> tuple[tuple[str, int], ...]:
        """Return the names of those that are armed, and when they are due."""
        return tuple(
            (timer.name.lower(), self._deadlines[timer])
            for timer in Timer
            if self.is_pending(timer)
        )

    def restore(self, deadlines: tuple[tuple[str, int], ...]) -> None:
        """Arm those again; a name of another version means nothing."""
        by_name = {timer.name.lower(): timer for timer in Timer}
        for name, due_ns in deadlines:
            if name in by_name:
                self._deadlines[by_name[name]] = due_ns

    def stop(self) -> None:
        """Disarm all."""
        self._deadlines = [_NEVER] * len(Timer)

    def data_sent(self, now_ns: int, jitter_ns: int) -> None:
        """Note that a packet with content went out."""
        if not self.is_pending(Timer.NEW_HANDSHAKE):
            delay = KEEPALIVE_TIMEOUT_NS + REKEY_TIMEOUT_NS + jitter_ns
            self._deadlines[Timer.NEW_HANDSHAKE] = now_ns + delay

    def data_received(self, now_ns: int) -> None:
        """Note that a packet with content came in.

        Linux remembers here that a second keepalive is owed when one is pending;
        sending the first cancels the second, so there is nothing to remember.
        """
        if not self.is_pending(Timer.SEND_KEEPALIVE):
            self._deadlines[Timer.SEND_KEEPALIVE] = now_ns + KEEPALIVE_TIMEOUT_NS

    def word_is_owed(self, now_ns: int) -> None:
        """Note that the peer should hear from us at once, whatever it takes."""
        self._deadlines[Timer.SEND_KEEPALIVE] = now_ns

    def any_authenticated_packet_sent(self) -> None:
        """Note that anything went out: the peer hears from us."""
        self._deadlines[Timer.SEND_KEEPALIVE] = _NEVER

    def any_authenticated_packet_received(self) -> None:
        """Note that anything came in: the session works."""
        self._deadlines[Timer.NEW_HANDSHAKE] = _NEVER

    def any_authenticated_packet_traversal(self, now_ns: int) -> None:
        """Note that anything went either way: the path is open."""
        if self.persistent_keepalive_ns:
            self._deadlines[Timer.PERSISTENT_KEEPALIVE] = now_ns + self.persistent_keepalive_ns

    def handshake_initiated(self, now_ns: int, jitter_ns: int) -> None:
        """Note that an initiation went out."""
        self._deadlines[Timer.RETRANSMIT_HANDSHAKE] = now_ns + REKEY_TIMEOUT_NS + jitter_ns

    def handshake_complete(self) -> None:
        """Note that both sides have the keys."""
        self._deadlines[Timer.RETRANSMIT_HANDSHAKE] = _NEVER

    def session_derived(self, now_ns: int) -> None:
        """Note that there are new keys, which must not live for ever."""
        self._deadlines[Timer.ZERO_KEY_MATERIAL] = now_ns + ZERO_KEY_MATERIAL_AFTER_NS

    def handshake_given_up(self, now_ns: int) -> None:
        """Note that the peer did not answer for REKEY_ATTEMPT_TIME."""
        self._deadlines[Timer.SEND_KEEPALIVE] = _NEVER
        if not self.is_pending(Timer.ZERO_KEY_MATERIAL):
            self._deadlines[Timer.ZERO_KEY_MATERIAL] = now_ns + ZERO_KEY_MATERIAL_AFTER_NS

    def set_persistent_keepalive(self, seconds: int) -> None:
        """Set the interval; 0 switches off."""
        self.persistent_keepalive_ns = seconds * NANOSECONDS_PER_SECOND
        if not seconds:
            self._deadlines[Timer.PERSISTENT_KEEPALIVE] = _NEVER
