"""Curve25519 keys and preshared keys: 32 bytes each, secrets that do not print.

A secret is overwritten when nobody has it any more; what `to_bytes` and the
others have returned is a copy, and Python's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import ClassVar, Self

KEY_LENGTH = 32
BASE64_LENGTH = 44


class Key:
    """Thirty-two bytes with a role; keys of different roles never compare equal."""

    __slots__ = ("_octets",)

    is_secret: ClassVar[bool] = False

    def __init__(self, octets: bytes) -> None:
        """Raise ValueError unless `octets` are exactly 32 bytes; the value is not shown."""
        if len(octets) != KEY_LENGTH:
            raise ValueError(f"a key has {KEY_LENGTH} bytes, not {len(octets)}")
        self._octets: bytes | bytearray = bytes(octets)

    @classmethod
    def from_base64(cls, text: str) -> Self:
        """Decode the 44 characters of wg(8) and ifconfig(8).

        Raise ValueError with a text that does not contain the input: for a
        wrong length, a foreign character, or unused low bits that are not zero.
        """
        if len(text) != BASE64_LENGTH:
            raise ValueError(f"a key has {BASE64_LENGTH} base64 characters, not {len(text)}")
        try:
            octets = base64.b64decode(text.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise ValueError("not base64") from None
        if len(octets) != KEY_LENGTH:
            raise ValueError(f"decodes to {len(octets)} bytes instead of {KEY_LENGTH}")
        if base64.b64encode(octets).decode("ascii") != text:
            raise ValueError("the last base64 character has stray bits")
        return cls(octets)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Decode the 64 hexadecimal digits of the UAPI, either case; raise ValueError."""
        if len(text) != 2 * KEY_LENGTH or not text.isascii() or not text.isalnum():
            raise ValueError(f"a key has {2 * KEY_LENGTH} hexadecimal digits")
        try:
            return cls(bytes.fromhex(text))
        except ValueError:
            raise ValueError("not hexadecimal") from None

    def to_bytes(self) -> bytes:
        """Return the 32 bytes; of a secret, keep them no longer than needed."""
        return bytes(self._octets)

    def in_place(self) -> memoryview:
        """Return the 32 bytes without copying them, for as long as the key is there."""
        return memoryview(self._octets).toreadonly()

    def to_base64(self) -> str:
        """Return the 44 characters of wg(8)."""
        return base64.b64encode(self._octets).decode("ascii")

    def to_hex(self) -> str:
        """Return 64 lower-case hexadecimal digits (UAPI)."""
        return self._octets.hex()

    @property
    def is_zero(self) -> bool:
        """Whether all bytes are zero, which the UAPI uses for "none"."""
        return not any(self._octets)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash((type(self), bytes(self._octets)))

    def __repr__(self) -> str:
        shown = "(hidden)" if self.is_secret else self.to_base64()
        return f"{type(self).__name__}({shown})"

    def __str__(self) -> str:
        return "(hidden)" if self.is_secret else self.to_base64()


class PublicKey(Key):
    """A Curve25519 public key; nothing to hide, so that it may be compared and hashed quickly."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return NotImplemented
        return self._octets == other._octets

    def __hash__(self) -> int:
        return hash(self._octets)


class SecretKey(Key):
    """A key that is held where it can be overwritten, and is, at its end."""

    __slots__ = ()

    is_secret: ClassVar[bool] = True

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        self._octets = bytearray(self._octets)

    def __del__(self) -> None:
        """Overwrite, unless there was never a key."""
        octets = getattr(self, "_octets", None)
        if isinstance(octets, bytearray):
            octets[:] = bytes(len(octets))


class PrivateKey(SecretKey):
    """A Curve25519 private key, clamped on construction (RFC 7748 §5).

    Two inputs that clamp to the same scalar are the same key; that is why a key
    from `openssl rand -base64 32` does not look changed on the next run.
    """

    __slots__ = ()

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        clamped = self._octets
        if isinstance(clamped, bytearray) and any(clamped):
            clamped[0] &= 248
            clamped[31] = (clamped[31] & 127) | 64


class SessionKey(SecretKey):
    """The symmetric key of one direction of a session."""

    __slots__ = ()


class PresharedKey(SecretKey):
    """The optional symmetric key mixed into the handshake; all zeros means none."""

    __slots__ = ()
