"""The handshake, Noise_IKpsk2 (paper §5.4; Noise Protocol Framework, revision 34).

    Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s:

      <- s
      ...
      -> e, es, s, ss, {timestamp}     create_initiation, open_ and authenticate_initiation
      <- e, ee, se, psk, {}            create_response, consume_response

Each function is one side of one message, from values to values: it keeps
nothing and draws nothing, so whoever calls it supplies ephemeral keys and
indices, and decides on replays.  None is the answer to everything that is not
authentic, and to every key of low order.  A state is consumed by one message:
after that, forget it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.protocol.crypto import (
    dh,
    hash32,
    kdf1,
    kdf2,
    kdf3,
    open_sealed,
    public_key_of,
    seal,
)
from netstart_wg.protocol.messages import HandshakeInitiation, HandshakeResponse

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
"""The prologue."""

_INITIAL_CHAINING_KEY = hash32(CONSTRUCTION)
_INITIAL_HASH = hash32(_INITIAL_CHAINING_KEY, IDENTIFIER)
_NO_PRESHARED_KEY = bytes(32)


# -- who takes part ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalIdentity:
    """Our static keys."""

    private_key: PrivateKey
    public_key: PublicKey

    @classmethod
    def of(cls, private_key: PrivateKey) -> Self:
        """Derive the public key."""
        return cls(private_key, public_key_of(private_key))


@dataclass(frozen=True, slots=True)
class RemoteIdentity:
    """A peer's static key, and what both static keys together give."""

    public_key: PublicKey
    static_static: bytes | None = field(repr=False)
    """Computed once, as it never changes, 32 bytes; None if the key is of low order."""

    @classmethod
    def of(cls, local: LocalIdentity, public_key: PublicKey) -> Self:
        """Compute the static-static secret."""
        return cls(public_key, dh(local.private_key, public_key))


# -- what has been said so far -------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class SymmetricState:
    """Noise's object of that name (§5.2), as a value: each step returns the next state.

    Its `n` is missing, for no key here seals more than one message.
    """

    chaining_key: bytes
    """The paper's C: made of all secrets so far, 32 bytes."""
    hash: bytes
    """The paper's H: of all that was said so far, 32 bytes."""
    key: bytes = b""
    """The paper's kappa: seals what comes next."""

    @classmethod
    def for_responder(cls, public_key: PublicKey) -> Self:
        """Begin with what both know beforehand: `<- s`."""
        return cls(_INITIAL_CHAINING_KEY, hash32(_INITIAL_HASH, public_key.to_bytes()))

    def mix_ephemeral(self, public_key: bytes) -> SymmetricState:
        """Take in a token `e`, which in a psk handshake goes into both (Noise §9.2)."""
        chaining_key = kdf1(self.chaining_key, public_key)
        return SymmetricState(chaining_key, hash32(self.hash, public_key))

    def mix_key(self, shared_secret: bytes) -> SymmetricState:
        """Take in a token of two letters."""
        chaining_key, key = kdf2(self.chaining_key, shared_secret)
        return SymmetricState(chaining_key, self.hash, key)

    def mix_preshared_key(self, preshared_key: PresharedKey | None) -> SymmetricState:
        """Take in the token `psk`; none is 32 zeros."""
        octets = preshared_key.to_bytes() if preshared_key else _NO_PRESHARED_KEY
        chaining_key, tau, key = kdf3(self.chaining_key, octets)
        return SymmetricState(chaining_key, hash32(self.hash, tau), key)

    def seal(self, plaintext: bytes) -> tuple[SymmetricState, bytes]:
        """Encrypt and take in: Noise's EncryptAndHash."""
        sealed = seal(self.key, 0, plaintext, self.hash)
        return self._mix_hash(sealed), sealed

    def open(self, sealed: bytes) -> tuple[SymmetricState, bytes] | None:
        """Decrypt and take in: Noise's DecryptAndHash."""
        plaintext = open_sealed(self.key, 0, sealed, self.hash)
        return None if plaintext is None else (self._mix_hash(sealed), plaintext)

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys from initiator to responder and back."""
        return kdf2(self.chaining_key, b"")

    def _mix_hash(self, octets: bytes) -> SymmetricState:
        return SymmetricState(self.chaining_key, hash32(self.hash, octets), self.key)


@dataclass(frozen=True, slots=True, repr=False)
class InitiatorState:
    """What an initiator keeps until the response comes."""

    state: SymmetricState
    ephemeral: PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedInitiation:
    """An initiation of which we know whom it claims to be from; that is not proved yet."""

    public_key: PublicKey
    """The initiator's static key."""
    remote_index: int
    message: HandshakeInitiation
    state: SymmetricState = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderState:
    """An authentic initiation, which may still be a replay: see to its timestamp."""

    timestamp: bytes
    """TAI64N, 12 bytes."""
    remote_index: int
    remote_ephemeral: PublicKey
    state: SymmetricState = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys:
    """What a handshake is for: a key for each direction, 32 bytes each."""

    sending: bytes
    receiving: bytes


# -- the first message ---------------------------------------------------------------------


def create_initiation(
    local: LocalIdentity,
    remote: RemoteIdentity,
    sender_index: int,
    ephemeral: PrivateKey,
    timestamp: bytes,
) -> tuple[HandshakeInitiation, InitiatorState] | None:
    """Make an initiation for `remote`; the timestamp has 12 bytes."""
    ephemeral_static = dh(ephemeral, remote.public_key)
    if ephemeral_static is None or remote.static_static is None:
        return None
    ephemeral_public = public_key_of(ephemeral).to_bytes()

    state = SymmetricState.for_responder(remote.public_key)
    state = state.mix_ephemeral(ephemeral_public)  # e
    state = state.mix_key(ephemeral_static)  # es
    state, encrypted_static = state.seal(local.public_key.to_bytes())  # s
    state = state.mix_key(remote.static_static)  # ss
    state, encrypted_timestamp = state.seal(timestamp)  # {timestamp}

    message = HandshakeInitiation(
        sender_index=sender_index,
        ephemeral=ephemeral_public,
        encrypted_static=encrypted_static,
        encrypted_timestamp=encrypted_timestamp,
    )
    return message, InitiatorState(state, ephemeral)


def open_initiation(local: LocalIdentity, message: HandshakeInitiation) -> OpenedInitiation | None:
    """Find out whom an initiation claims to be from."""
    ephemeral_static = dh(local.private_key, PublicKey(message.ephemeral))
    if ephemeral_static is None:
        return None

    state = SymmetricState.for_responder(local.public_key)
    state = state.mix_ephemeral(message.ephemeral)  # e
    state = state.mix_key(ephemeral_static)  # es
    opened = state.open(message.encrypted_static)  # s
    if opened is None:
        return None

    state, public_key = opened
    return OpenedInitiation(
        public_key=PublicKey(public_key),
        remote_index=message.sender_index,
        message=message,
        state=state,
    )


def authenticate_initiation(
    opened: OpenedInitiation, remote: RemoteIdentity
) -> ResponderState | None:
    """Prove that an initiation is from `remote`, whose public key it claims."""
    if remote.static_static is None:
        return None
    state = opened.state.mix_key(remote.static_static)  # ss
    authenticated = state.open(opened.message.encrypted_timestamp)  # {timestamp}
    if authenticated is None:
        return None
    state, timestamp = authenticated
    return ResponderState(
        timestamp=timestamp,
        remote_index=opened.remote_index,
        remote_ephemeral=PublicKey(opened.message.ephemeral),
        state=state,
    )


# -- the second message --------------------------------------------------------------------


def create_response(
    responder: ResponderState,
    remote: RemoteIdentity,
    preshared_key: PresharedKey | None,
    sender_index: int,
    ephemeral: PrivateKey,
) -> tuple[HandshakeResponse, SessionKeys] | None:
    """Answer an authentic initiation of `remote`."""
    ephemeral_ephemeral = dh(ephemeral, responder.remote_ephemeral)
    static_ephemeral = dh(ephemeral, remote.public_key)
    if ephemeral_ephemeral is None or static_ephemeral is None:
        return None
    ephemeral_public = public_key_of(ephemeral).to_bytes()

    state = responder.state.mix_ephemeral(ephemeral_public)  # e
    state = state.mix_key(ephemeral_ephemeral)  # ee
    state = state.mix_key(static_ephemeral)  # se
    state = state.mix_preshared_key(preshared_key)  # psk
    state, encrypted_nothing = state.seal(b"")  # {}

    message = HandshakeResponse(
        sender_index=sender_index,
        receiver_index=responder.remote_index,
        ephemeral=ephemeral_public,
        encrypted_nothing=encrypted_nothing,
    )
    receiving, sending = state.split()
    return message, SessionKeys(sending, receiving)


def consume_response(
    local: LocalIdentity,
    initiator: InitiatorState,
    preshared_key: PresharedKey | None,
    message: HandshakeResponse,
) -> SessionKeys | None:
    """Take in the answer to our initiation; whose it is, its receiver index has said."""
    remote_ephemeral = PublicKey(message.ephemeral)
    ephemeral_ephemeral = dh(initiator.ephemeral, remote_ephemeral)
    static_ephemeral = dh(local.private_key, remote_ephemeral)
    if ephemeral_ephemeral is None or static_ephemeral is None:
        return None

    state = initiator.state.mix_ephemeral(message.ephemeral)  # e
    state = state.mix_key(ephemeral_ephemeral)  # ee
    state = state.mix_key(static_ephemeral)  # se
    state = state.mix_preshared_key(preshared_key)  # psk
    opened = state.open(message.encrypted_nothing)  # {}
    if opened is None:
        return None

    state, _ = opened
    sending, receiving = state.split()
    return SessionKeys(sending, receiving)
