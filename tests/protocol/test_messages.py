"""The layout of the messages, against bytes laid out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.protocol import messages
from netstart_wg.protocol.messages import CookieReply, HandshakeInitiation, HandshakeResponse

Message = HandshakeInitiation | HandshakeResponse | CookieReply
KINDS: tuple[type[Message], ...] = (HandshakeInitiation, HandshakeResponse, CookieReply)

# Paper §5.4.2, §5.4.3 and §5.4.7: type, three zeros, then the fields in order; the macs are
# what encode leaves off.
INITIATION = HandshakeInitiation(
    sender_index=0x04030201,
    ephemeral=b"e" * 32,
    encrypted_static=b"s" * 48,
    encrypted_timestamp=b"t" * 28,
)
INITIATION_OCTETS = b"\x01\0\0\0\x01\x02\x03\x04" + b"e" * 32 + b"s" * 48 + b"t" * 28
RESPONSE = HandshakeResponse(
    sender_index=0x04030201,
    receiver_index=0xFFFEFDFC,
    ephemeral=b"e" * 32,
    encrypted_nothing=b"n" * 16,
)
RESPONSE_OCTETS = b"\x02\0\0\0\x01\x02\x03\x04\xfc\xfd\xfe\xff" + b"e" * 32 + b"n" * 16
COOKIE_REPLY = CookieReply(receiver_index=0xFFFEFDFC, nonce=b"o" * 24, encrypted_cookie=b"c" * 32)
COOKIE_REPLY_OCTETS = b"\x03\0\0\0\xfc\xfd\xfe\xff" + b"o" * 24 + b"c" * 32
MACS = b"1" * 16 + b"2" * 16

CASES: dict[str, tuple[Message, bytes, bytes]] = {
    "initiation": (INITIATION, INITIATION_OCTETS, INITIATION_OCTETS + MACS),
    "response": (RESPONSE, RESPONSE_OCTETS, RESPONSE_OCTETS + MACS),
    "cookie reply": (COOKIE_REPLY, COOKIE_REPLY_OCTETS, COOKIE_REPLY_OCTETS),
}
LENGTHS = {"initiation": 148, "response": 92, "cookie reply": 64}


@pytest.mark.parametrize("name", CASES)
def test_a_message_is_laid_out_as_in_the_paper(name: str) -> None:
    message, encoded, _ = CASES[name]
    assert message.encode() == encoded


@pytest.mark.parametrize("name", CASES)
def test_a_whole_message_is_decoded(name: str) -> None:
    message, _, whole = CASES[name]
    assert len(whole) == LENGTHS[name]
    assert type(message).decode(whole) == message


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", [-1, 1, -32, 32])
def test_a_message_of_another_length_is_refused(name: str, change: int) -> None:
    message, _, whole = CASES[name]
    other = whole[:change] if change < 0 else whole + bytes(change)
    assert type(message).decode(other) is None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("word", [b"\0\0\0\0", b"\4\0\0\0", b"\xff\xff\xff\xff"])
def test_a_message_of_another_type_is_refused(name: str, word: bytes) -> None:
    message, _, whole = CASES[name]
    assert type(message).decode(word + whole[4:]) is None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("reserved", [1, 2, 3])
def test_a_reserved_byte_that_is_not_zero_is_refused(name: str, reserved: int) -> None:
    message, _, whole = CASES[name]
    octets = bytearray(whole)
    octets[reserved] = 1
    assert type(message).decode(bytes(octets)) is None


@pytest.mark.parametrize("name", CASES)
def test_no_other_kind_takes_a_message(name: str) -> None:
    message, _, whole = CASES[name]
    decoded = [kind.decode(whole) for kind in KINDS]
    assert sorted(decoded, key=lambda other: other is None) == [message, None, None]


@given(octets=st.binary(max_size=160))
def test_arbitrary_bytes_are_refused_without_an_exception(octets: bytes) -> None:
    for kind in KINDS:
        decoded = kind.decode(octets)
        assert decoded is None or octets.startswith(decoded.encode())


# Paper §6.1; REJECT_AFTER_MESSAGES and the jitter as in Linux.
CONSTANTS = {
    "REKEY_AFTER_MESSAGES": 2**60,
    "REJECT_AFTER_MESSAGES": 2**64 - 1 - 8128,
    "REKEY_AFTER_TIME_NS": 120 * 10**9,
    "REJECT_AFTER_TIME_NS": 180 * 10**9,
    "REKEY_ATTEMPT_TIME_NS": 90 * 10**9,
    "REKEY_TIMEOUT_NS": 5 * 10**9,
    "REKEY_TIMEOUT_JITTER_MAX_NS": 333_333_333,
    "KEEPALIVE_TIMEOUT_NS": 10 * 10**9,
    "COOKIE_SECRET_LIFETIME_NS": 120 * 10**9,
    "COOKIE_LATENCY_NS": 5 * 10**9,
    "MAX_STAGED_PACKETS": 128,
    "PADDING_MULTIPLE": 16,
    "TRANSPORT_HEADER_LENGTH": 16,
    "TAG_LENGTH": 16,
    "REPLAY_WINDOW": 8128,
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_the_value_of_the_paper(name: str) -> None:
    assert getattr(messages, name) == CONSTANTS[name]
