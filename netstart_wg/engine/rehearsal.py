"""Everything once, before an engine gives up its rights.

Libraries load parts of themselves when they are first used, and the user that
an engine runs as need not be allowed to read them.  So two peers shake hands
here, with keys that nobody will ever use, and one of them demands a cookie.
"""

from __future__ import annotations

import netstart_wg.engine.preservation  # noqa: F401 - `Succession` has no earlier use for it
from netstart_wg.model.keys import PrivateKey
from netstart_wg.protocol.crypto import InvalidTag, transport_cipher, xopen, xseal
from netstart_wg.protocol.noise import (
    LocalIdentity,
    RemoteIdentity,
    authenticate_initiation,
    consume_response,
    create_initiation,
    create_response,
    open_initiation,
)

_NONCE = bytes(12)


def rehearse() -> None:
    """Raise AssertionError if the libraries do not do what the protocol needs."""
    one, other = (LocalIdentity.of(PrivateKey(bytes([number]) * 32)) for number in (1, 2))
    to_other = RemoteIdentity.of(one, other.public_key)
    to_one = RemoteIdentity.of(other, one.public_key)
    begun = create_initiation(one, to_other, 1, PrivateKey(bytes([3]) * 32), bytes(12))
    assert begun is not None
    initiation, initiator = begun
    opened = open_initiation(other, initiation)
    assert opened is not None
    responder = authenticate_initiation(opened, to_one)
    assert responder is not None
    answered = create_response(responder, to_one, None, 2, PrivateKey(bytes([4]) * 32))
    assert answered is not None
    response, keys = answered
    others_keys = consume_response(one, initiator, None, response)
    assert others_keys is not None
    _exchange(keys.sending, others_keys.receiving)


def _exchange(sending: bytes, receiving: bytes) -> None:
    sealed = transport_cipher(sending).encrypt(_NONCE, b"packet", None)
    cipher = transport_cipher(receiving)
    assert cipher.decrypt(_NONCE, sealed, None) == b"packet"
    try:
        cipher.decrypt(_NONCE, bytes(len(sealed)), None)
    except InvalidTag:
        cookie = xseal(sending, bytes(24), b"cookie", b"mac1")
        assert xopen(receiving, bytes(24), cookie, b"mac1") == b"cookie"
    else:
        raise AssertionError("what is not authentic was taken for it")
