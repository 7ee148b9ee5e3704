"""Keys as values, and what becomes of secrets."""

from __future__ import annotations

import gc

import pytest

from netstart_wg.model.keys import Key, PresharedKey, PrivateKey, PublicKey

OCTETS = bytes(range(1, 33))
SECRETS = [PrivateKey, PresharedKey]


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_overwritten_when_nobody_has_it_any_more(kind: type[Key]) -> None:
    key = kind(OCTETS)
    held, other = key._octets, kind(OCTETS)
    copy = key.to_bytes()
    assert any(held)
    del key
    gc.collect()
    assert held == bytes(32)
    assert copy == other.to_bytes()
    assert any(other.in_place())


@pytest.mark.parametrize("kind", SECRETS)
def test_what_a_secret_was_made_of_is_left_as_it_is(kind: type[Key]) -> None:
    given = bytes(OCTETS)
    kind(given)
    assert given == OCTETS


@pytest.mark.parametrize("kind", [*SECRETS, PublicKey])
def test_a_key_of_another_length_is_refused_without_being_shown(kind: type[Key]) -> None:
    with pytest.raises(ValueError, match="a key has 32 bytes, not 31"):
        kind(OCTETS[:31])
    gc.collect()


@pytest.mark.parametrize("kind", [*SECRETS, PublicKey])
def test_equal_keys_are_one_key_in_a_table(kind: type[Key]) -> None:
    assert {kind(OCTETS), kind(OCTETS)} == {kind(OCTETS)}
    assert kind(OCTETS) != bytes(OCTETS)
    assert kind.from_hex(kind(OCTETS).to_hex()) == kind(OCTETS)
    assert kind.from_base64(kind(OCTETS).to_base64()) == kind(OCTETS)


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_does_not_print(kind: type[Key]) -> None:
    assert "hidden" in repr(kind(OCTETS))
    assert "hidden" in str(kind(OCTETS))


def test_in_place_nobody_writes() -> None:
    with pytest.raises(TypeError):
        PrivateKey(OCTETS).in_place()[0] = 0


def test_a_private_key_is_clamped() -> None:
    """RFC 7748 §5."""
    octets = PrivateKey(bytes([0xFF]) * 32).to_bytes()
    assert octets == bytes([0xF8]) + bytes([0xFF]) * 30 + bytes([0x7F])
    assert PrivateKey(bytes(32)).is_zero
