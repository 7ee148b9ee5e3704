"""Macs and cookies."""

from __future__ import annotations

import dataclasses
import hashlib
import random as pseudorandom
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PublicKey
from netstart_wg.protocol.cookie import CookieChecker, CookieMaker
from netstart_wg.protocol.messages import CookieReply

SECOND = 10**9

HOST = PublicKey(bytes(range(32)))
OTHER_HOST = PublicKey(bytes(range(1, 33)))
SOURCE = Endpoint(IPv4Address("192.0.2.1"), 51820)
SOURCE_V6 = Endpoint(IPv6Address("2001:db8::1"), 51820)
INITIATION = bytes(range(116))
RESPONSE = bytes(range(60))
INDEX = 0x01020304


def random_octets() -> Callable[[int], bytes]:
    return pseudorandom.Random(1).randbytes


class Hosts:
    """A sender and the host under load it writes to, and one source of randomness."""

    def __init__(self) -> None:
        self.maker, self.checker = CookieMaker(HOST), CookieChecker(HOST)
        self.random = random_octets()

    def reply(self, message: bytes, now_ns: int, source: Endpoint = SOURCE) -> CookieReply:
        return self.checker.create_reply(message, INDEX, source, now_ns, self.random)

    def has_cookie(self, message: bytes, now_ns: int, source: Endpoint = SOURCE) -> bool:
        return self.checker.check_mac2(message, source, now_ns, self.random)

    def give_cookie(self, now_ns: int, source: Endpoint = SOURCE) -> None:
        reply = self.reply(self.maker.add_macs(INITIATION, now_ns), now_ns, source)
        assert self.maker.consume_reply(reply, now_ns)


def flipped(octets: bytes, place: int) -> bytes:
    changed = bytearray(octets)
    changed[place] ^= 0x10
    return bytes(changed)


# -- mac1 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [INITIATION, RESPONSE])
def test_macs_are_made_as_in_the_paper(message: bytes) -> None:
    # §5.4.4: mac1 := Mac(Hash(Label-Mac1 || S_m'), msg_alpha); without a cookie mac2 is zeros.
    key = hashlib.blake2s(b"mac1----" + bytes(range(32))).digest()
    mac1 = hashlib.blake2s(message, key=key, digest_size=16).digest()
    assert CookieMaker(HOST).add_macs(message, 0) == message + mac1 + bytes(16)


def test_mac1_for_this_host_is_valid() -> None:
    hosts = Hosts()
    assert hosts.checker.check_mac1(hosts.maker.add_macs(INITIATION, 0))
    assert hosts.checker.check_mac1(hosts.maker.add_macs(RESPONSE, 0))


def test_mac1_for_another_host_is_invalid() -> None:
    assert not CookieChecker(OTHER_HOST).check_mac1(CookieMaker(HOST).add_macs(INITIATION, 0))


def test_mac1_is_invalid_after_any_change_to_the_message_or_itself() -> None:
    hosts = Hosts()
    message = hosts.maker.add_macs(INITIATION, 0)
    for place in range(len(message) - 16):
        assert not hosts.checker.check_mac1(flipped(message, place)), place


def test_mac1_says_nothing_about_mac2() -> None:
    hosts = Hosts()
    assert hosts.checker.check_mac1(flipped(hosts.maker.add_macs(INITIATION, 0), -1))


@pytest.mark.parametrize("length", [0, 1, 16, 31, 32])
def test_a_message_too_short_for_macs_has_no_valid_ones(length: int) -> None:
    hosts = Hosts()
    assert not hosts.checker.check_mac1(bytes(length))
    assert not hosts.has_cookie(bytes(length), 0)


# -- mac2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [SOURCE, SOURCE_V6], ids=str)
def test_a_cookie_makes_the_next_messages_mac2_valid(source: Endpoint) -> None:
    hosts = Hosts()
    assert not hosts.has_cookie(hosts.maker.add_macs(INITIATION, 0), 0, source)
    hosts.give_cookie(0, source)
    for message in (INITIATION, RESPONSE):
        assert hosts.has_cookie(hosts.maker.add_macs(message, SECOND), SECOND, source)


@pytest.mark.parametrize("source", [SOURCE, SOURCE_V6], ids=str)
def test_the_cookie_and_mac2_are_made_as_in_the_paper(source: Endpoint) -> None:
    # §5.4.7: the cookie is Mac(R_m, A_m'), with address and big-endian port in network order;
    # §5.4.4: mac2 := Mac(L_m, msg_beta).  The secret R_m is the first 32 octets that are drawn.
    hosts = Hosts()
    hosts.give_cookie(0, source)
    address = source.address.packed + bytes([51820 >> 8, 51820 & 0xFF])
    secret = random_octets()(32)
    cookie = hashlib.blake2s(address, key=secret, digest_size=16).digest()
    message = hosts.maker.add_macs(INITIATION, 0)
    assert message[132:] == hashlib.blake2s(message[:132], key=cookie, digest_size=16).digest()


@pytest.mark.parametrize(
    "other",
    [
        Endpoint(IPv4Address("192.0.2.1"), 51821),
        Endpoint(IPv4Address("192.0.2.1"), 27850),  # 51820 with its octets exchanged
        Endpoint(IPv4Address("192.0.2.2"), 51820),
        SOURCE_V6,
    ],
    ids=str,
)
def test_a_cookie_is_good_only_for_the_address_and_port_it_was_sent_to(other: Endpoint) -> None:
    hosts = Hosts()
    hosts.give_cookie(0)
    message = hosts.maker.add_macs(INITIATION, 0)
    assert hosts.has_cookie(message, 0, SOURCE)
    assert not hosts.has_cookie(message, 0, other)


def test_mac2_is_invalid_after_any_change_to_the_message() -> None:
    hosts = Hosts()
    hosts.give_cookie(0)
    message = hosts.maker.add_macs(INITIATION, 0)
    for place in range(len(message)):
        assert not hosts.has_cookie(flipped(message, place), 0), place


def test_a_message_from_before_the_cookie_has_no_valid_mac2() -> None:
    hosts = Hosts()
    message = hosts.maker.add_macs(INITIATION, 0)
    hosts.give_cookie(0)
    assert not hosts.has_cookie(message, 0)


# -- replies --------------------------------------------------------------------------------


def test_a_reply_names_the_message_it_answers_and_hides_the_cookie() -> None:
    hosts = Hosts()
    reply = hosts.reply(hosts.maker.add_macs(INITIATION, 0), 0)
    assert reply.receiver_index == INDEX
    assert (len(reply.nonce), len(reply.encrypted_cookie)) == (24, 32)
    assert CookieReply.decode(reply.encode()) == reply


def test_each_reply_has_a_nonce_of_its_own_and_the_same_cookie() -> None:
    hosts = Hosts()
    message = hosts.maker.add_macs(INITIATION, 0)
    one, other = hosts.reply(message, 0), hosts.reply(message, 0)
    assert one.nonce != other.nonce
    assert hosts.maker.consume_reply(one, 0)
    with_one = hosts.maker.add_macs(INITIATION, 0)
    assert hosts.maker.consume_reply(other, 0)
    assert hosts.maker.add_macs(INITIATION, 0) == with_one


def test_a_reply_before_anything_was_sent_is_refused() -> None:
    hosts = Hosts()
    reply = hosts.reply(CookieMaker(HOST).add_macs(INITIATION, 0), 0)
    assert not hosts.maker.consume_reply(reply, 0)


def test_a_message_is_answered_once() -> None:
    hosts = Hosts()
    reply = hosts.reply(hosts.maker.add_macs(INITIATION, 0), 0)
    assert hosts.maker.consume_reply(reply, 0)
    assert not hosts.maker.consume_reply(reply, 0)


def test_a_reply_to_an_earlier_message_is_refused() -> None:
    hosts = Hosts()
    reply = hosts.reply(hosts.maker.add_macs(INITIATION, 0), 0)
    hosts.maker.add_macs(RESPONSE, 0)
    assert not hosts.maker.consume_reply(reply, 0)


def test_a_reply_of_another_host_is_refused() -> None:
    hosts = Hosts()
    message = hosts.maker.add_macs(INITIATION, 0)
    other = CookieChecker(OTHER_HOST).create_reply(message, INDEX, SOURCE, 0, hosts.random)
    assert not hosts.maker.consume_reply(other, 0)


@pytest.mark.parametrize("field", ["nonce", "encrypted_cookie"])
def test_a_forged_reply_is_refused_and_the_true_one_still_taken(field: str) -> None:
    hosts = Hosts()
    reply = hosts.reply(hosts.maker.add_macs(INITIATION, 0), 0)
    octets = reply.encode()
    start, end = {"nonce": (8, 32), "encrypted_cookie": (32, 64)}[field]
    for place in range(start, end):
        forged = CookieReply.decode(flipped(octets, place))
        assert forged is not None
        assert not hosts.maker.consume_reply(forged, 0), place
    assert hosts.maker.consume_reply(reply, 0)


def test_the_index_of_a_reply_is_not_the_cookies_business() -> None:
    hosts = Hosts()
    reply = hosts.reply(hosts.maker.add_macs(INITIATION, 0), 0)
    assert hosts.maker.consume_reply(dataclasses.replace(reply, receiver_index=0), 0)


# -- age ------------------------------------------------------------------------------------


def test_a_sender_uses_a_cookie_for_115_seconds() -> None:
    hosts = Hosts()
    start_ns = 1000 * SECOND
    hosts.give_cookie(start_ns)
    last_ns = start_ns + 115 * SECOND - 1
    assert hosts.has_cookie(hosts.maker.add_macs(INITIATION, last_ns), last_ns)
    assert hosts.maker.add_macs(INITIATION, last_ns + 1)[-16:] == bytes(16)


def test_a_host_changes_its_secret_after_120_seconds() -> None:
    hosts = Hosts()
    start_ns = 1000 * SECOND
    hosts.give_cookie(start_ns)
    message = hosts.maker.add_macs(INITIATION, start_ns)
    assert hosts.has_cookie(message, start_ns + 120 * SECOND - 1)
    assert not hosts.has_cookie(message, start_ns + 120 * SECOND)


def test_a_new_cookie_takes_the_place_of_the_old() -> None:
    hosts = Hosts()
    hosts.give_cookie(0)
    hosts.give_cookie(120 * SECOND)
    message = hosts.maker.add_macs(INITIATION, 130 * SECOND)
    assert hosts.has_cookie(message, 130 * SECOND)


def test_the_secret_is_drawn_when_it_is_first_needed() -> None:
    drawn: list[int] = []

    def random(length: int) -> bytes:
        drawn.append(length)
        return bytes(length)

    checker, message = CookieChecker(HOST), CookieMaker(HOST).add_macs(INITIATION, 0)
    assert checker.check_mac1(message)
    assert drawn == []
    checker.check_mac2(message, SOURCE, 0, random)
    assert drawn == [32]
    checker.create_reply(message, INDEX, SOURCE, 0, random)
    assert drawn == [32, 24]
