"""The handshake, against a second implementation written here straight from the paper."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.protocol.messages import HandshakeInitiation, HandshakeResponse
from netstart_wg.protocol.noise import (
    InitiatorState,
    LocalIdentity,
    OpenedInitiation,
    RemoteIdentity,
    ResponderState,
    SessionKeys,
    authenticate_initiation,
    consume_response,
    create_initiation,
    create_response,
    open_initiation,
)
from tests.protocol.low_order import LOW_ORDER_KEYS


def private_key(seed: int) -> PrivateKey:
    return PrivateKey(hashlib.sha256(bytes([seed])).digest())


INITIATOR = LocalIdentity.of(private_key(1))
RESPONDER = LocalIdentity.of(private_key(2))
STRANGER = LocalIdentity.of(private_key(3))
INITIATOR_EPHEMERAL = private_key(4)
RESPONDER_EPHEMERAL = private_key(5)
RESPONDER_SEEN = RemoteIdentity.of(INITIATOR, RESPONDER.public_key)
INITIATOR_SEEN = RemoteIdentity.of(RESPONDER, INITIATOR.public_key)
PRESHARED = PresharedKey(hashlib.sha256(b"psk").digest())
TIMESTAMP = bytes.fromhex("400000006553f10a3b000000")
INITIATOR_INDEX, RESPONDER_INDEX = 0x01020304, 0xF1F2F3F4
MACS = bytes(32)

with_and_without_psk = pytest.mark.parametrize("psk", [None, PRESHARED], ids=["plain", "psk"])
low_order = pytest.mark.parametrize("low", LOW_ORDER_KEYS, ids=str)


# -- the paper ------------------------------------------------------------------------------


class Paper:
    """§5.4.2 to §5.4.5 line by line: C, H and kappa are overwritten as they are there."""

    def __init__(self, responder_static: bytes) -> None:
        self.C = hashlib.blake2s(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s").digest()
        self.H = hashlib.blake2s(self.C + b"WireGuard v1 zx2c4 Jason@zx2c4.com").digest()
        self.H = hashlib.blake2s(self.H + responder_static).digest()
        self.kappa = b""

    @staticmethod
    def hkdf(n: int, key: bytes, material: bytes) -> list[bytes]:
        def mac(k: bytes, data: bytes) -> bytes:
            return hmac.new(k, data, hashlib.blake2s).digest()

        outputs, tau0, last = [], mac(key, material), b""
        for i in range(1, n + 1):
            last = mac(tau0, last + bytes([i]))
            outputs.append(last)
        return outputs

    def hash(self, octets: bytes) -> None:
        self.H = hashlib.blake2s(self.H + octets).digest()

    def ephemeral(self, octets: bytes) -> None:
        (self.C,) = self.hkdf(1, self.C, octets)
        self.hash(octets)

    def secret(self, private: bytes, public: bytes, keys: int = 2) -> None:
        shared = X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public)
        )
        self.C, *rest = self.hkdf(keys, self.C, shared)
        if rest:
            self.kappa = rest[0]

    def preshared(self, q: bytes) -> None:
        self.C, tau, self.kappa = self.hkdf(3, self.C, q)
        self.hash(tau)

    def aead(self, plaintext: bytes) -> bytes:
        sealed = ChaCha20Poly1305(self.kappa).encrypt(bytes(12), plaintext, self.H)
        self.hash(sealed)
        return sealed

    def unaead(self, sealed: bytes) -> bytes:
        plaintext = ChaCha20Poly1305(self.kappa).decrypt(bytes(12), sealed, self.H)
        self.hash(sealed)
        return plaintext

    def transport_keys(self) -> list[bytes]:
        return self.hkdf(2, self.C, b"")


def public_of(private: bytes) -> bytes:
    public = X25519PrivateKey.from_private_bytes(private).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


class PaperInitiator:
    def __init__(self, static: bytes, responder_static: bytes, ephemeral: bytes) -> None:
        self.static, self.remote, self.ephemeral = static, responder_static, ephemeral
        self.paper = Paper(responder_static)

    def initiation(self, index: int, timestamp: bytes) -> bytes:
        message = b"\1\0\0\0" + index.to_bytes(4, "little") + public_of(self.ephemeral)
        self.paper.ephemeral(public_of(self.ephemeral))
        self.paper.secret(self.ephemeral, self.remote)
        message += self.paper.aead(public_of(self.static))
        self.paper.secret(self.static, self.remote)
        return message + self.paper.aead(timestamp)

    def finish(self, response: bytes, psk: bytes) -> tuple[bytes, bytes]:
        """Return the sending and the receiving key; raise InvalidTag."""
        ephemeral = response[12:44]
        self.paper.ephemeral(ephemeral)
        self.paper.secret(self.ephemeral, ephemeral, keys=1)
        self.paper.secret(self.static, ephemeral, keys=1)
        self.paper.preshared(psk)
        assert self.paper.unaead(response[44:60]) == b""
        sending, receiving = self.paper.transport_keys()
        return sending, receiving


class PaperResponder:
    def __init__(self, static: bytes, ephemeral: bytes) -> None:
        self.static, self.ephemeral = static, ephemeral
        self.paper = Paper(public_of(static))

    def read(self, initiation: bytes) -> tuple[bytes, bytes]:
        """Return the initiator's static public key and its timestamp; raise InvalidTag."""
        self.remote_index, self.remote_ephemeral = initiation[4:8], initiation[8:40]
        self.paper.ephemeral(self.remote_ephemeral)
        self.paper.secret(self.static, self.remote_ephemeral)
        self.remote = self.paper.unaead(initiation[40:88])
        self.paper.secret(self.static, self.remote)
        return self.remote, self.paper.unaead(initiation[88:116])

    def response(self, index: int, psk: bytes) -> tuple[bytes, tuple[bytes, bytes]]:
        """Return the message, and the sending and the receiving key."""
        message = b"\2\0\0\0" + index.to_bytes(4, "little") + self.remote_index
        message += public_of(self.ephemeral)
        self.paper.ephemeral(public_of(self.ephemeral))
        self.paper.secret(self.ephemeral, self.remote_ephemeral, keys=1)
        self.paper.secret(self.ephemeral, self.remote, keys=1)
        self.paper.preshared(psk)
        message += self.paper.aead(b"")
        receiving, sending = self.paper.transport_keys()
        return message, (sending, receiving)


# -- ours -----------------------------------------------------------------------------------


def initiate(
    local: LocalIdentity = INITIATOR,
    remote: RemoteIdentity = RESPONDER_SEEN,
    ephemeral: PrivateKey = INITIATOR_EPHEMERAL,
) -> tuple[HandshakeInitiation, InitiatorState]:
    created = create_initiation(local, remote, INITIATOR_INDEX, ephemeral, TIMESTAMP)
    assert created is not None
    return created


def open_one(message: HandshakeInitiation) -> OpenedInitiation:
    opened = open_initiation(RESPONDER, message)
    assert opened is not None
    return opened


def authenticate(message: HandshakeInitiation) -> ResponderState:
    responder = authenticate_initiation(open_one(message), INITIATOR_SEEN)
    assert responder is not None
    return responder


def respond(
    message: HandshakeInitiation, psk: PresharedKey | None = None
) -> tuple[HandshakeResponse, SessionKeys]:
    created = create_response(
        authenticate(message), INITIATOR_SEEN, psk, RESPONDER_INDEX, RESPONDER_EPHEMERAL
    )
    assert created is not None
    return created


def octets_of(psk: PresharedKey | None) -> bytes:
    return psk.to_bytes() if psk else bytes(32)


@with_and_without_psk
def test_a_handshake_gives_both_sides_the_same_keys_crosswise(psk: PresharedKey | None) -> None:
    initiation, initiator = initiate()
    response, responder_keys = respond(initiation, psk)
    keys = consume_response(INITIATOR, initiator, psk, response)
    assert keys is not None
    assert keys.sending == responder_keys.receiving
    assert keys.receiving == responder_keys.sending
    assert keys.sending != keys.receiving


def test_the_responder_learns_who_it_is_and_when_it_was() -> None:
    initiation, _ = initiate()
    opened = open_one(initiation)
    assert opened.public_key == INITIATOR.public_key
    assert opened.remote_index == INITIATOR_INDEX
    responder = authenticate(initiation)
    assert responder.timestamp == TIMESTAMP
    assert responder.remote_index == INITIATOR_INDEX


def test_a_response_names_both_indices() -> None:
    response, _ = respond(initiate()[0])
    assert response.sender_index == RESPONDER_INDEX
    assert response.receiver_index == INITIATOR_INDEX


@with_and_without_psk
def test_our_initiator_and_the_papers_responder_agree(psk: PresharedKey | None) -> None:
    initiation, initiator = initiate()
    paper = PaperResponder(RESPONDER.private_key.to_bytes(), RESPONDER_EPHEMERAL.to_bytes())
    static, timestamp = paper.read(initiation.encode())
    assert static == INITIATOR.public_key.to_bytes()
    assert timestamp == TIMESTAMP

    octets, (sending, receiving) = paper.response(RESPONDER_INDEX, octets_of(psk))
    response = HandshakeResponse.decode(octets + MACS)
    assert response is not None
    keys = consume_response(INITIATOR, initiator, psk, response)
    assert keys == SessionKeys(receiving, sending)


@with_and_without_psk
def test_the_papers_initiator_and_our_responder_agree(psk: PresharedKey | None) -> None:
    paper = PaperInitiator(
        INITIATOR.private_key.to_bytes(),
        RESPONDER.public_key.to_bytes(),
        INITIATOR_EPHEMERAL.to_bytes(),
    )
    octets = paper.initiation(INITIATOR_INDEX, TIMESTAMP)
    initiation = HandshakeInitiation.decode(octets + MACS)
    assert initiation is not None
    response, keys = respond(initiation, psk)
    sending, receiving = paper.finish(response.encode(), octets_of(psk))
    assert keys == SessionKeys(receiving, sending)


@with_and_without_psk
def test_our_messages_are_those_of_the_paper_octet_for_octet(psk: PresharedKey | None) -> None:
    initiator = PaperInitiator(
        INITIATOR.private_key.to_bytes(),
        RESPONDER.public_key.to_bytes(),
        INITIATOR_EPHEMERAL.to_bytes(),
    )
    responder = PaperResponder(RESPONDER.private_key.to_bytes(), RESPONDER_EPHEMERAL.to_bytes())
    initiation, _ = initiate()
    assert initiation.encode() == initiator.initiation(INITIATOR_INDEX, TIMESTAMP)
    responder.read(initiation.encode())
    expected, _ = responder.response(RESPONDER_INDEX, octets_of(psk))
    assert respond(initiation, psk)[0].encode() == expected


def test_a_preshared_key_of_zeros_is_none() -> None:
    initiation, initiator = initiate()
    response, _ = respond(initiation, PresharedKey(bytes(32)))
    assert consume_response(INITIATOR, initiator, None, response) is not None


# -- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(PRESHARED, None), (None, PRESHARED), (PRESHARED, PresharedKey(bytes(31) + b"\1"))],
    ids=["only theirs", "only ours", "different"],
)
def test_another_preshared_key_is_refused(
    theirs: PresharedKey | None, ours: PresharedKey | None
) -> None:
    initiation, initiator = initiate()
    response, _ = respond(initiation, theirs)
    assert consume_response(INITIATOR, initiator, ours, response) is None


def test_an_initiation_for_another_responder_is_refused() -> None:
    for_stranger, _ = initiate(remote=RemoteIdentity.of(INITIATOR, STRANGER.public_key))
    assert open_initiation(RESPONDER, for_stranger) is None


def test_an_initiator_without_the_private_key_it_claims_is_refused() -> None:
    impostor = LocalIdentity(STRANGER.private_key, INITIATOR.public_key)
    initiation, _ = initiate(impostor, RemoteIdentity.of(impostor, RESPONDER.public_key))
    opened = open_one(initiation)
    assert opened.public_key == INITIATOR.public_key
    assert authenticate_initiation(opened, INITIATOR_SEEN) is None


def test_an_initiation_is_not_authentic_for_another_peer() -> None:
    opened = open_one(initiate()[0])
    stranger_seen = RemoteIdentity.of(RESPONDER, STRANGER.public_key)
    assert authenticate_initiation(opened, stranger_seen) is None


def test_a_response_from_another_responder_is_refused() -> None:
    initiation, initiator = initiate()
    paper = PaperResponder(RESPONDER.private_key.to_bytes(), RESPONDER_EPHEMERAL.to_bytes())
    paper.read(initiation.encode())
    paper.remote = STRANGER.public_key.to_bytes()
    response = HandshakeResponse.decode(paper.response(RESPONDER_INDEX, bytes(32))[0] + MACS)
    assert response is not None
    assert consume_response(INITIATOR, initiator, None, response) is None


def test_our_own_key_changed_meanwhile_makes_the_response_invalid() -> None:
    initiation, initiator = initiate()
    response, _ = respond(initiation)
    assert consume_response(STRANGER, initiator, None, response) is None


def flipped(octets: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[place] ^= bit
    return bytes(changed)


# Where the fields that Noise protects are (paper §5.4.2, §5.4.3); the rest is the macs' to protect.
INITIATION_FIELDS = {"ephemeral": (8, 40), "static": (40, 88), "timestamp": (88, 116)}
RESPONSE_FIELDS = {"ephemeral": (12, 44), "nothing": (44, 60)}


@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("field", INITIATION_FIELDS)
def test_an_initiation_with_any_octet_of_a_field_changed_is_refused(field: str, bit: int) -> None:
    octets = initiate()[0].encode() + MACS
    for place in range(*INITIATION_FIELDS[field]):
        forged = HandshakeInitiation.decode(flipped(octets, place, bit))
        assert forged is not None
        opened = open_initiation(RESPONDER, forged)
        if field == "timestamp":
            assert opened is not None
            assert authenticate_initiation(opened, INITIATOR_SEEN) is None, place
        else:
            assert opened is None, place


@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("field", RESPONSE_FIELDS)
def test_a_response_with_any_octet_of_a_field_changed_is_refused(field: str, bit: int) -> None:
    initiation, initiator = initiate()
    octets = respond(initiation)[0].encode() + MACS
    for place in range(*RESPONSE_FIELDS[field]):
        forged = HandshakeResponse.decode(flipped(octets, place, bit))
        assert forged is not None
        assert consume_response(INITIATOR, initiator, None, forged) is None, place


def test_the_papers_own_responder_refuses_what_ours_refuses() -> None:
    initiation, _ = initiate()
    forged = flipped(initiation.encode(), 100, 1)
    paper = PaperResponder(RESPONDER.private_key.to_bytes(), RESPONDER_EPHEMERAL.to_bytes())
    with pytest.raises(InvalidTag):
        paper.read(forged)


# -- keys of low order ----------------------------------------------------------------------


@low_order
def test_a_peer_whose_key_is_of_low_order_never_gets_an_initiation(low: PublicKey) -> None:
    remote = RemoteIdentity.of(INITIATOR, low)
    assert remote.static_static is None
    assert (
        create_initiation(INITIATOR, remote, INITIATOR_INDEX, INITIATOR_EPHEMERAL, TIMESTAMP)
        is None
    )


def test_a_static_static_secret_of_zeros_is_enough_to_refuse_to_initiate() -> None:
    remote = RemoteIdentity(RESPONDER.public_key, None)
    assert (
        create_initiation(INITIATOR, remote, INITIATOR_INDEX, INITIATOR_EPHEMERAL, TIMESTAMP)
        is None
    )


@low_order
def test_an_initiation_with_an_ephemeral_key_of_low_order_is_refused(low: PublicKey) -> None:
    forged = dataclasses.replace(initiate()[0], ephemeral=low.to_bytes())
    assert open_initiation(RESPONDER, forged) is None


@low_order
def test_an_initiation_from_a_static_key_of_low_order_is_refused(low: PublicKey) -> None:
    claiming = LocalIdentity(STRANGER.private_key, low)
    initiation, _ = initiate(claiming, RemoteIdentity.of(claiming, RESPONDER.public_key))
    opened = open_one(initiation)
    assert opened.public_key == low
    assert authenticate_initiation(opened, RemoteIdentity.of(RESPONDER, low)) is None


@low_order
def test_a_response_with_an_ephemeral_key_of_low_order_is_refused(low: PublicKey) -> None:
    initiation, initiator = initiate()
    forged = dataclasses.replace(respond(initiation)[0], ephemeral=low.to_bytes())
    assert consume_response(INITIATOR, initiator, None, forged) is None


@low_order
def test_a_key_of_low_order_gets_no_response(low: PublicKey) -> None:
    responder = authenticate(initiate()[0])
    forged = dataclasses.replace(responder, remote_ephemeral=low)
    arguments = None, RESPONDER_INDEX, RESPONDER_EPHEMERAL
    assert create_response(forged, INITIATOR_SEEN, *arguments) is None
    assert create_response(responder, RemoteIdentity(low, None), *arguments) is None


# -- states ---------------------------------------------------------------------------------


def test_a_response_to_an_earlier_initiation_is_refused() -> None:
    first, _ = initiate()
    _, second = initiate(ephemeral=private_key(6))
    response, _ = respond(first)
    assert consume_response(INITIATOR, second, None, response) is None


def test_consuming_a_response_changes_no_state_and_so_is_the_callers_to_do_once() -> None:
    initiation, initiator = initiate()
    response, _ = respond(initiation)
    once = consume_response(INITIATOR, initiator, None, response)
    assert once is not None
    assert consume_response(INITIATOR, initiator, None, response) == once


def test_a_forged_response_leaves_the_state_good_for_the_true_one() -> None:
    initiation, initiator = initiate()
    response, keys = respond(initiation)
    forged = dataclasses.replace(response, encrypted_nothing=bytes(16))
    assert consume_response(INITIATOR, initiator, None, forged) is None
    true = consume_response(INITIATOR, initiator, None, response)
    assert true == SessionKeys(keys.receiving, keys.sending)


def test_a_replayed_initiation_gives_other_keys_with_another_ephemeral() -> None:
    responder = authenticate(initiate()[0])
    created = [
        create_response(responder, INITIATOR_SEEN, None, RESPONDER_INDEX, private_key(seed))
        for seed in (7, 8)
    ]
    assert created[0] is not None
    assert created[1] is not None
    assert created[0][1] != created[1][1]


def test_no_value_shows_a_secret() -> None:
    initiation, initiator = initiate()
    opened, responder = open_one(initiation), authenticate(initiation)
    _, keys = respond(initiation, PRESHARED)
    secrets = [
        INITIATOR.private_key.to_bytes(),
        INITIATOR_EPHEMERAL.to_bytes(),
        RESPONDER_SEEN.static_static or b"",
        keys.sending,
        keys.receiving,
        *(
            octets
            for state in (initiator.state, opened.state, responder.state)
            for octets in (state.chaining_key, state.hash, state.key)
        ),
    ]
    values = [INITIATOR, RESPONDER_SEEN, initiator, opened, responder, keys, initiator.state]
    for shown in map(repr, values):
        for secret in secrets:
            assert secret
            assert repr(secret)[2:-1] not in shown
            assert secret.hex() not in shown
