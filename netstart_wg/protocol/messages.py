"""The numbers of the protocol and the layout of its messages (paper §5.4, §6.1).

Nothing but that: no key, no clock, no decision.  All integers on the wire are
little-endian.  A message's type is one byte with three reserved zero bytes
after it, read here as one 32-bit word, so that a set reserved bit is a wrong
type.  Transport data is not a class: its header is packed where packets move.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Self

from netstart_wg.model.now import NANOSECONDS_PER_SECOND


class MessageType(enum.IntEnum):
    """The first 32-bit word of every message."""

    HANDSHAKE_INITIATION = 1
    HANDSHAKE_RESPONSE = 2
    COOKIE_REPLY = 3
    TRANSPORT_DATA = 4


TAG_LENGTH = 16
"""The Poly1305 tag at the end of everything that is sealed."""
MAC_LENGTH = 16
"""mac1 and mac2, and a cookie."""
MACS_LENGTH = 2 * MAC_LENGTH
"""mac1 and mac2 at the end of both handshake messages."""

HANDSHAKE_INITIATION_LENGTH = 148
HANDSHAKE_RESPONSE_LENGTH = 92
COOKIE_REPLY_LENGTH = 64
TRANSPORT_HEADER_LENGTH = 16
"""Type, receiver index and 64-bit counter."""
PADDING_MULTIPLE = 16
"""Plaintext of transport data is filled up to this with zeros."""

REPLAY_WINDOW_BITS = 8192
"""RFC 6479, of which one machine word of 64 bits is redundant."""
REPLAY_WINDOW = REPLAY_WINDOW_BITS - 64
"""How far behind the greatest counter another may be and still be accepted."""

REKEY_AFTER_MESSAGES = 1 << 60
REJECT_AFTER_MESSAGES = (1 << 64) - 1 - REPLAY_WINDOW
"""No counter from here on is sent or accepted; the paper stops 64 earlier, Linux here."""

REKEY_AFTER_TIME_NS = 120 * NANOSECONDS_PER_SECOND
REJECT_AFTER_TIME_NS = 180 * NANOSECONDS_PER_SECOND
REKEY_ATTEMPT_TIME_NS = 90 * NANOSECONDS_PER_SECOND
REKEY_TIMEOUT_NS = 5 * NANOSECONDS_PER_SECOND
REKEY_TIMEOUT_JITTER_MAX_NS = NANOSECONDS_PER_SECOND // 3
"""Drawn anew for each wait, so that two sides do not go on talking at once."""
KEEPALIVE_TIMEOUT_NS = 10 * NANOSECONDS_PER_SECOND

COOKIE_SECRET_LIFETIME_NS = 120 * NANOSECONDS_PER_SECOND
COOKIE_LATENCY_NS = 5 * NANOSECONDS_PER_SECOND
"""A cookie is used for this much less than the secret lives, for the time it was under way."""

MAX_STAGED_PACKETS = 128
"""Packets a peer keeps while there is no session to send them with."""

_INITIATION = struct.Struct("<II32s48s28s")
_RESPONSE = struct.Struct("<III32s16s")
_COOKIE_REPLY = struct.Struct("<II24s32s")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeInitiation:
    """The first message, from initiator to responder (paper §5.4.2)."""

    sender_index: int
    """Chosen by the initiator: 32 bits."""
    ephemeral: bytes
    """The initiator's ephemeral public key, 32 bytes."""
    encrypted_static: bytes
    """The initiator's static public key, sealed: 48 bytes."""
    encrypted_timestamp: bytes
    """TAI64N, sealed: 28 bytes."""

    def encode(self) -> bytes:
        """Return the 116 bytes that the macs are made over."""
        return _INITIATION.pack(
            MessageType.HANDSHAKE_INITIATION,
            self.sender_index,
            self.ephemeral,
            self.encrypted_static,
            self.encrypted_timestamp,
        )

    @classmethod
    def decode(cls, message: bytes) -> Self | None:
        """Take a whole message, macs included; None if length or type are another's."""
        if len(message) != HANDSHAKE_INITIATION_LENGTH:
            return None
        kind, sender_index, ephemeral, static, timestamp = _INITIATION.unpack_from(message)
        if kind != MessageType.HANDSHAKE_INITIATION:
            return None
        return cls(
            sender_index=sender_index,
            ephemeral=ephemeral,
            encrypted_static=static,
            encrypted_timestamp=timestamp,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeResponse:
    """The second message, from responder to initiator (paper §5.4.3)."""

    sender_index: int
    """Chosen by the responder: 32 bits."""
    receiver_index: int
    """The initiation's sender index."""
    ephemeral: bytes
    """The responder's ephemeral public key, 32 bytes."""
    encrypted_nothing: bytes
    """The empty string, sealed: 16 bytes, all tag."""

    def encode(self) -> bytes:
        """Return the 60 bytes that the macs are made over."""
        return _RESPONSE.pack(
            MessageType.HANDSHAKE_RESPONSE,
            self.sender_index,
            self.receiver_index,
            self.ephemeral,
            self.encrypted_nothing,
        )

    @classmethod
    def decode(cls, message: bytes) -> Self | None:
        """Take a whole message, macs included; None if length or type are another's."""
        if len(message) != HANDSHAKE_RESPONSE_LENGTH:
            return None
        kind, sender_index, receiver_index, ephemeral, nothing = _RESPONSE.unpack_from(message)
        if kind != MessageType.HANDSHAKE_RESPONSE:
            return None
        return cls(
            sender_index=sender_index,
            receiver_index=receiver_index,
            ephemeral=ephemeral,
            encrypted_nothing=nothing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieReply:
    """What a host under load answers instead of working (paper §5.4.7)."""

    receiver_index: int
    """The sender index of the message that is answered."""
    nonce: bytes
    """Random, 24 bytes."""
    encrypted_cookie: bytes
    """The cookie, sealed: 32 bytes."""

    def encode(self) -> bytes:
        """Return the whole message, 64 bytes; it has no macs."""
        return _COOKIE_REPLY.pack(
            MessageType.COOKIE_REPLY, self.receiver_index, self.nonce, self.encrypted_cookie
        )

    @classmethod
    def decode(cls, message: bytes) -> Self | None:
        """Take a whole message; None if length or type are another's."""
        if len(message) != COOKIE_REPLY_LENGTH:
            return None
        kind, receiver_index, nonce, encrypted_cookie = _COOKIE_REPLY.unpack(message)
        if kind != MessageType.COOKIE_REPLY:
            return None
        return cls(receiver_index=receiver_index, nonce=nonce, encrypted_cookie=encrypted_cookie)
