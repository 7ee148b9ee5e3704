"""The primitives, against the known answers of their specifications."""

from __future__ import annotations

import hashlib
import struct

import pytest

from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.protocol.crypto import (
    InvalidTag,
    constant_time_equal,
    dh,
    hash32,
    hchacha20,
    hmac_blake2s,
    kdf1,
    kdf2,
    kdf3,
    mac16,
    open_sealed,
    public_key_of,
    seal,
    transport_cipher,
    xopen,
    xseal,
)
from tests.protocol.low_order import LOW_ORDER_KEYS

# -- hashes ---------------------------------------------------------------------------------


def test_hash_gives_the_digest_of_rfc_7693_appendix_b() -> None:
    digest = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
    assert hash32(b"abc").hex() == digest
    assert hash32(b"a", b"", b"bc").hex() == digest


def fibonacci_octets(length: int, seed: int) -> bytes:
    """The generator of inputs in RFC 7693 appendix E, `selftest_seq`."""
    a, b = 0xDEAD4BAD * seed & 0xFFFFFFFF, 1
    octets = bytearray()
    for _ in range(length):
        a, b = b, (a + b) & 0xFFFFFFFF
        octets.append(b >> 24)
    return bytes(octets)


def blake2s_digest(key: bytes, length: int, data: bytes) -> bytes:
    """Ours where we have it, and hashlib for the lengths and modes we have no use for."""
    if length == 32 and not key:
        return hash32(data)
    if length == 16 and key:
        return mac16(key, data)
    return hashlib.blake2s(data, digest_size=length, key=key).digest()


def test_hash_and_mac_pass_the_self_test_of_rfc_7693_appendix_e() -> None:
    total = hashlib.blake2s()
    for length in (16, 20, 28, 32):
        for size in (0, 3, 64, 65, 255, 1024):
            data = fibonacci_octets(size, size)
            total.update(blake2s_digest(b"", length, data))
            total.update(blake2s_digest(fibonacci_octets(length, length), length, data))
    assert total.hexdigest() == "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe"


def test_mac_is_over_the_parts_joined() -> None:
    assert mac16(b"k" * 32, b"ab", b"c") == mac16(b"k" * 32, b"abc")


# wireguard-go, device/kdf_test.go: key, input, and the three outputs.
KDF_VECTORS = [
    (
        "746573742d6b6579",
        "746573742d696e707574",
        "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
        "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
        "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24",
    ),
    (
        "776972656775617264",
        "776972656775617264",
        "491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
        "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
        "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160",
    ),
    (
        "",
        "",
        "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
        "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
        "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e",
    ),
]


@pytest.mark.parametrize("vector", KDF_VECTORS)
def test_kdf_gives_the_outputs_of_wireguard_go(vector: tuple[str, ...]) -> None:
    key, material, *outputs = map(bytes.fromhex, vector)
    assert kdf1(key, material) == outputs[0]
    assert kdf2(key, material) == tuple(outputs[:2])
    assert kdf3(key, material) == tuple(outputs)


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 64, b"longer than a block" * 5])
def test_hmac_is_rfc_2104_over_blake2s_and_not_its_keyed_mode(key: bytes) -> None:
    block = (hash32(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = hash32(bytes(octet ^ 0x36 for octet in block), b"data")
    outer = hash32(bytes(octet ^ 0x5C for octet in block), inner)
    assert hmac_blake2s(key, b"da", b"ta") == outer


def test_constant_time_equal_tells_equal_from_unequal() -> None:
    assert constant_time_equal(b"abc", bytes(bytearray(b"abc")))
    assert not constant_time_equal(b"abc", b"abd")
    assert not constant_time_equal(b"abc", b"ab")


# -- X25519 ---------------------------------------------------------------------------------

# RFC 7748 §5.2: scalar, u-coordinate, product.
X25519_VECTORS = [
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
]
# RFC 7748 §6.1
ALICE = PrivateKey.from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
BOB = PrivateKey.from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
ALICE_AND_BOB = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"


@pytest.mark.parametrize("vector", X25519_VECTORS)
def test_dh_gives_the_products_of_rfc_7748(vector: tuple[str, str, str]) -> None:
    scalar, point, product = vector
    shared = dh(PrivateKey.from_hex(scalar), PublicKey.from_hex(point))
    assert shared == bytes.fromhex(product)


def test_public_keys_and_the_shared_secret_are_those_of_rfc_7748() -> None:
    assert public_key_of(ALICE).to_hex() == ALICE_PUBLIC
    assert public_key_of(BOB).to_hex() == BOB_PUBLIC
    assert dh(ALICE, public_key_of(BOB)) == bytes.fromhex(ALICE_AND_BOB)
    assert dh(BOB, public_key_of(ALICE)) == bytes.fromhex(ALICE_AND_BOB)


@pytest.mark.parametrize("public_key", LOW_ORDER_KEYS, ids=str)
def test_dh_with_a_point_of_low_order_is_none(public_key: PublicKey) -> None:
    assert dh(ALICE, public_key) is None


# -- ChaCha20-Poly1305 ----------------------------------------------------------------------

# RFC 8439 appendix A.5, whose nonce begins with four zero bytes like all of ours.
AEAD_KEY = bytes.fromhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0")
(AEAD_COUNTER,) = struct.unpack("<Q", bytes.fromhex("0102030405060708"))
AEAD_AAD = bytes.fromhex("f33388860000000000004e91")
AEAD_PLAINTEXT = (
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
    "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
    "Internet-Drafts as reference material or to cite them other than as /“work in "
    "progress./”"
).encode()
AEAD_CIPHERTEXT = bytes.fromhex(
    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
    "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
    "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
    "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
    "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
    "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
    "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
    "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
    "a6ad5cb4022b02709b"
    "eead9d67890cbb22392336fea1851f38"
)


def test_seal_gives_the_ciphertext_of_rfc_8439() -> None:
    assert seal(AEAD_KEY, AEAD_COUNTER, AEAD_PLAINTEXT, AEAD_AAD) == AEAD_CIPHERTEXT
    assert open_sealed(AEAD_KEY, AEAD_COUNTER, AEAD_CIPHERTEXT, AEAD_AAD) == AEAD_PLAINTEXT


def test_nothing_can_be_sealed_with_and_without_additional_data() -> None:
    for aad in (b"", b"hash"):
        sealed = seal(AEAD_KEY, 0, b"", aad)
        assert len(sealed) == 16
        assert open_sealed(AEAD_KEY, 0, sealed, aad) == b""


def test_nothing_opens_after_any_change() -> None:
    key, sealed = AEAD_KEY, seal(AEAD_KEY, 7, b"text", b"aad")
    assert open_sealed(key, 7, sealed, b"aad") == b"text"
    assert open_sealed(key, 8, sealed, b"aad") is None
    assert open_sealed(key, 7, sealed, b"") is None
    assert open_sealed(bytes(32), 7, sealed, b"aad") is None
    assert open_sealed(key, 7, sealed[:-1], b"aad") is None
    assert open_sealed(key, 7, sealed[:15], b"aad") is None
    assert open_sealed(key, 7, b"", b"aad") is None


def test_a_transport_cipher_seals_as_with_empty_additional_data() -> None:
    cipher, nonce = transport_cipher(AEAD_KEY), bytes(4) + (5).to_bytes(8, "little")
    for plaintext in (b"", b"packet"):
        sealed = cipher.encrypt(nonce, plaintext, None)
        assert sealed == seal(AEAD_KEY, 5, plaintext, b"")
        assert cipher.decrypt(nonce, sealed, None) == plaintext
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, bytes(16), None)


# -- XChaCha20-Poly1305 ---------------------------------------------------------------------

# draft-irtf-cfrg-xchacha-03 §2.2.1
HCHACHA20_KEY = bytes(range(32))
HCHACHA20_NONCE = bytes.fromhex("000000090000004a0000000031415927")
HCHACHA20_SUBKEY = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"

# draft-irtf-cfrg-xchacha-03 appendix A.3.1
X_KEY = bytes(range(0x80, 0xA0))
X_NONCE = bytes(range(0x40, 0x58))
X_AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
X_PLAINTEXT = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you "
    b"only one tip for the future, sunscreen would be it."
)
X_CIPHERTEXT = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49"
)


def test_hchacha20_derives_the_subkey_of_the_draft() -> None:
    assert hchacha20(HCHACHA20_KEY, HCHACHA20_NONCE).hex() == HCHACHA20_SUBKEY


def test_xseal_gives_the_ciphertext_of_the_draft() -> None:
    assert xseal(X_KEY, X_NONCE, X_PLAINTEXT, X_AAD) == X_CIPHERTEXT
    assert xopen(X_KEY, X_NONCE, X_CIPHERTEXT, X_AAD) == X_PLAINTEXT


@pytest.mark.parametrize("place", [0, 15, 16, 23])
def test_every_part_of_the_long_nonce_counts(place: int) -> None:
    other = bytearray(X_NONCE)
    other[place] ^= 1
    assert xopen(X_KEY, bytes(other), X_CIPHERTEXT, X_AAD) is None


def test_xopen_refuses_other_additional_data() -> None:
    assert xopen(X_KEY, X_NONCE, X_CIPHERTEXT, b"") is None
