"""The primitives of paper §5.4, under the paper's names; the only importer of `cryptography`.

BLAKE2s and HMAC come from the standard library, X25519 and ChaCha20-Poly1305
from `cryptography`.  Nothing here is random, and nothing raises because of what
a peer sent: a failed decryption and a low-order point are None.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import TypeAlias

from cryptography.exceptions import InvalidTag as InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netstart_wg.model.keys import PrivateKey, PublicKey

XNONCE_LENGTH = 24
"""Of XChaCha20-Poly1305, long enough to be drawn at random."""

TransportCipher: TypeAlias = ChaCha20Poly1305
"""`encrypt` and `decrypt` take a nonce of 12 bytes, the data, and None for no additional data;
`decrypt` raises InvalidTag."""

_NONCE = struct.Struct("<4xQ")
"""Thirty-two zero bits and the counter (paper §5.4.6, Noise §12.3)."""
_WORDS = struct.Struct("<8I")
_CHACHA20_CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


# -- hashes --------------------------------------------------------------------------------


def hash32(*parts: bytes) -> bytes:
    """Return BLAKE2s of the parts joined: the paper's Hash, 32 bytes."""
    return hashlib.blake2s(b"".join(parts)).digest()


def mac16(key: bytes, *parts: bytes) -> bytes:
    """Return BLAKE2s in its own keyed mode, of the parts joined: the paper's Mac, 16 bytes."""
    return hashlib.blake2s(b"".join(parts), digest_size=16, key=key).digest()


def hmac_blake2s(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC (RFC 2104) over BLAKE2s: the paper's Hmac, 32 bytes; not the keyed mode."""
    return hmac.digest(key, b"".join(parts), hashlib.blake2s)


def kdf1(key: bytes, material: bytes) -> bytes:
    """Return the first output of HKDF (RFC 5869) with empty info, 32 bytes."""
    return hmac_blake2s(hmac_blake2s(key, material), b"\x01")


def kdf2(key: bytes, material: bytes) -> tuple[bytes, bytes]:
    """Return the first two outputs of HKDF, 32 bytes each."""
    secret = hmac_blake2s(key, material)
    first = hmac_blake2s(secret, b"\x01")
    return first, hmac_blake2s(secret, first, b"\x02")


def kdf3(key: bytes, material: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the first three outputs of HKDF, 32 bytes each."""
    secret = hmac_blake2s(key, material)
    first = hmac_blake2s(secret, b"\x01")
    second = hmac_blake2s(secret, first, b"\x02")
    return first, second, hmac_blake2s(secret, second, b"\x03")


def constant_time_equal(a: bytes, b: bytes) -> bool:
    """Compare without telling by the time taken where the first difference is."""
    return hmac.compare_digest(a, b)


# -- X25519 --------------------------------------------------------------------------------


def public_key_of(private_key: PrivateKey) -> PublicKey:
    """Return the public key that belongs to a private one."""
    private = X25519PrivateKey.from_private_bytes(private_key.in_place())
    return PublicKey(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def dh(private_key: PrivateKey, public_key: PublicKey) -> bytes | None:
    """Return the shared secret, 32 bytes, or None if the public key is a point of low order.

    Such a point makes the secret all zeros whatever the private key (RFC 7748
    §6.1): everybody would know it.
    """
    private = X25519PrivateKey.from_private_bytes(private_key.in_place())
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(public_key.to_bytes()))
    except ValueError:  # how the library refuses the all-zero secret
        return None
    return secret if any(secret) else None  # should a build of the library let it through


# -- ChaCha20-Poly1305 ---------------------------------------------------------------------


def transport_cipher(key: bytes) -> TransportCipher:
    """Return the cipher of one direction of a session; the key has 32 bytes."""
    return ChaCha20Poly1305(key)


def seal(key: bytes, counter: int, plaintext: bytes, aad: bytes) -> bytes:
    """Return the ciphertext with its tag, 16 bytes more than the plaintext: the paper's Aead."""
    return ChaCha20Poly1305(key).encrypt(_NONCE.pack(counter), plaintext, aad)


def open_sealed(key: bytes, counter: int, ciphertext: bytes, aad: bytes) -> bytes | None:
    """Return the plaintext, or None if anything at all was changed."""
    return _decrypt(key, _NONCE.pack(counter), ciphertext, aad)


def xseal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Seal with XChaCha20-Poly1305, the paper's Xaead; the nonce has 24 bytes."""
    subkey, short_nonce = _extend(key, nonce)
    return ChaCha20Poly1305(subkey).encrypt(short_nonce, plaintext, aad)


def xopen(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
    """Open what `xseal` sealed, or return None."""
    subkey, short_nonce = _extend(key, nonce)
    return _decrypt(subkey, short_nonce, ciphertext, aad)


def _decrypt(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        return None


def _extend(key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """Turn a nonce of 24 bytes into a key of its own and a nonce of 12 (draft xchacha-03 §2.3)."""
    return hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Derive a subkey of 32 bytes from a key of 32 and a nonce of 16 (draft xchacha-03 §2.2).

    HChaCha20 is what the twenty rounds make of the state's first and last four
    words.  The library offers only the ChaCha20 block, which is the same rounds
    with the state they began with added, word by word.  In just these eight
    places that state is public, the constants and the nonce, and so can be
    subtracted again.  A block is had by encrypting zeros; the library takes
    block counter and nonce as one value of 16 bytes, as HChaCha20 wants them.
    """
    encryptor = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor()
    block = encryptor.update(bytes(64))
    added = _CHACHA20_CONSTANTS + struct.unpack("<4I", nonce)
    words = _WORDS.unpack(block[:16] + block[48:])
    return _WORDS.pack(*((word - add) % (1 << 32) for word, add in zip(words, added, strict=True)))
