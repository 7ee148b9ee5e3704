"""Key arithmetic for the layers that know none; the library is loaded when it is first needed."""

from __future__ import annotations

from netstart_wg.model.keys import PrivateKey, PublicKey


def derive_public_key(private_key: PrivateKey) -> PublicKey:
    """Return the public key that belongs to a private key."""
    from netstart_wg.protocol.crypto import public_key_of

    return public_key_of(private_key)
