"""The two macs of a handshake message, and cookies (paper §5.3, §5.4.4, §5.4.7).

mac1 proves only that the sender knows the receiver's public key; whoever does
not gets no answer at all.  A host under load wants mac2 too, made with a cookie
that it sent to just that address and port: proof that the sender can receive
there.  Cookies cost the host no memory, for it can make each again from a
secret of its own.

CookieChecker is the side that wants macs, CookieMaker the one that makes them.
Neither decides when there is load.
"""

from __future__ import annotations

from collections.abc import Callable

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PublicKey
from netstart_wg.protocol.crypto import (
    XNONCE_LENGTH,
    constant_time_equal,
    hash32,
    mac16,
    xopen,
    xseal,
)
from netstart_wg.protocol.messages import (
    COOKIE_LATENCY_NS,
    COOKIE_SECRET_LIFETIME_NS,
    MAC_LENGTH,
    MACS_LENGTH,
    CookieReply,
)

LABEL_MAC1 = b"mac1----"
LABEL_COOKIE = b"cookie--"

_SECRET_LENGTH = 32
_NO_MAC = bytes(MAC_LENGTH)


class CookieChecker:
    """The receiver's side: checks macs, and makes the cookies that it will want to see."""

    __slots__ = ("_cookie_key", "_mac1_key", "_secret", "_secret_until_ns")

    def __init__(self, public_key: PublicKey) -> None:
        """Take our own static public key."""
        self._mac1_key = hash32(LABEL_MAC1, public_key.to_bytes())
        self._cookie_key = hash32(LABEL_COOKIE, public_key.to_bytes())
        self._secret: bytes | None = None
        self._secret_until_ns = 0

    def check_mac1(self, message: bytes) -> bool:
        """Whether the sender of a whole handshake message knows our public key."""
        mac1 = message[-MACS_LENGTH:-MAC_LENGTH]
        return constant_time_equal(mac1, mac16(self._mac1_key, message[:-MACS_LENGTH]))

    def check_mac2(
        self, message: bytes, source: Endpoint, now_ns: int, random: Callable[[int], bytes]
    ) -> bool:
        """Whether the sender of a whole handshake message has the cookie that `source` got."""
        cookie = self._cookie(source, now_ns, random)
        return constant_time_equal(message[-MAC_LENGTH:], mac16(cookie, message[:-MAC_LENGTH]))

    def create_reply(
        self,
        message: bytes,
        receiver_index: int,
        source: Endpoint,
        now_ns: int,
        random: Callable[[int], bytes],
    ) -> CookieReply:
        """Answer a whole handshake message of valid mac1 with a cookie instead of the handshake.

        The receiver index is the message's sender index.  The reply is good
        only for whoever made that mac1, which is sealed in with it.
        """
        cookie = self._cookie(source, now_ns, random)
        nonce = random(XNONCE_LENGTH)
        mac1 = message[-MACS_LENGTH:-MAC_LENGTH]
        return CookieReply(
            receiver_index=receiver_index,
            nonce=nonce,
            encrypted_cookie=xseal(self._cookie_key, nonce, cookie, mac1),
        )

    def _cookie(self, source: Endpoint, now_ns: int, random: Callable[[int], bytes]) -> bytes:
        """Make the cookie for an address and port, with a secret that is changed when old."""
        if self._secret is None or now_ns >= self._secret_until_ns:
            self._secret = random(_SECRET_LENGTH)
            self._secret_until_ns = now_ns + COOKIE_SECRET_LIFETIME_NS
        return mac16(self._secret, source.address.packed, source.port.to_bytes(2, "big"))


class CookieMaker:
    """The sender's side: makes the macs for one peer, with the cookie that it gave us if any."""

    __slots__ = ("_cookie", "_cookie_key", "_cookie_until_ns", "_mac1_key", "_mac1_sent")

    def __init__(self, public_key: PublicKey) -> None:
        """Take the peer's static public key."""
        self._mac1_key = hash32(LABEL_MAC1, public_key.to_bytes())
        self._cookie_key = hash32(LABEL_COOKIE, public_key.to_bytes())
        self._mac1_sent: bytes | None = None
        """Of the last message, as long as that was not answered with a cookie."""
        self._cookie: bytes | None = None
        self._cookie_until_ns = 0

    def add_macs(self, message: bytes, now_ns: int) -> bytes:
        """Return the message followed by its mac1, and by mac2 or as many zeros."""
        mac1 = mac16(self._mac1_key, message)
        self._mac1_sent = mac1
        with_mac1 = message + mac1
        if self._cookie is None or now_ns >= self._cookie_until_ns:
            return with_mac1 + _NO_MAC
        return with_mac1 + mac16(self._cookie, with_mac1)

    def consume_reply(self, reply: CookieReply, now_ns: int) -> bool:
        """Take in a cookie for the messages to come; return False if it answers none of ours.

        One message is answered once: a copy of the reply later would bring an
        old cookie back.
        """
        if self._mac1_sent is None:
            return False
        cookie = xopen(self._cookie_key, reply.nonce, reply.encrypted_cookie, self._mac1_sent)
        if cookie is None:
            return False
        self._mac1_sent = None
        self._cookie = cookie
        self._cookie_until_ns = now_ns + COOKIE_SECRET_LIFETIME_NS - COOKIE_LATENCY_NS
        return True
