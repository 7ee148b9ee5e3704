"""X25519 with the base point, which the language is handed by its callers."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netstart_wg.model.keys import PrivateKey, PublicKey


def derive_public_key(key: PrivateKey) -> PublicKey:
    """Return the public key of a private key."""
    public = X25519PrivateKey.from_private_bytes(key.to_bytes()).public_key()
    return PublicKey(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
