"""Replies as text, against wireguard.com/xplatform; and no text that brings a reader down."""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.uapi import (
    UapiError,
    decode_errno,
    decode_get,
    decode_set,
    encode_errno,
    encode_get,
)
from tests.strategies import lines, wireguard_states
from tests.uapi.samples import (
    FULL_REPLY,
    FULL_STATE,
    PEER,
    PEER_HEX,
    PRIVATE_HEX,
    PRIVATE_KEY,
    ZERO_HEX,
    group_tuples,
)

# -- get -----------------------------------------------------------------------------------------


def test_a_reply_is_written_as_the_protocol_has_it() -> None:
    assert encode_get(FULL_STATE) == FULL_REPLY


def test_an_engine_that_has_nothing_says_nothing() -> None:
    assert encode_get(WireGuardState()) == "errno=0\n\n"


def test_a_reply_of_another_engine_is_read() -> None:
    """Keys and values as wireguard-go writes them, with some of the future besides."""
    text = (
        f"private_key={PRIVATE_HEX}\nlisten_port=1\nh1=5\n"
        f"public_key={PEER_HEX}\npreshared_key={ZERO_HEX}\nprotocol_version=1\nnovelty=yes\n"
        "endpoint=1.2.3.4:5\nerrno=0\n\n"
    )
    peer = PeerState(public_key=PEER, endpoint=Endpoint(IPv4Address("1.2.3.4"), 5))
    assert decode_get(text) == WireGuardState(private_key=PRIVATE_KEY, listen_port=1, peers=(peer,))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", errno.EPROTO),
        ("errno=0", errno.EPROTO),
        ("errno=0\n", errno.EPROTO),
        ("listen_port=1\n\n", errno.EPROTO),
        ("listen_port\nerrno=0\n\n", errno.EPROTO),
        ("errno=\n\n", errno.EINVAL),
        ("errno=99999\n\n", errno.EPROTO),
        ("errno=13\n\n", errno.EACCES),
        ("errno=-13\n\n", errno.EACCES),
        ("listen_port=x\nerrno=0\n\n", errno.EINVAL),
        ("wgrtable=256\nerrno=0\n\n", errno.EINVAL),
        ("group=\nerrno=0\n\n", errno.EINVAL),
        ("link_namespace=-1\nerrno=0\n\n", errno.EINVAL),
        ("drop=replayed\nerrno=0\n\n", errno.EINVAL),
        (f"public_key={PEER_HEX}\npublic_key={PEER_HEX}\nerrno=0\n\n", errno.EINVAL),
        (f"public_key={PEER_HEX}\nlast_handshake_time_nsec=1000000000\nerrno=0\n\n", errno.EINVAL),
    ],
)
def test_a_reply_that_is_wrong_or_reports_a_failure_is_an_error(text: str, number: int) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_get(text)
    assert refusal.value.errno == number


@given(
    wireguard_states(lines),
    st.none() | st.integers(0, 255),
    group_tuples,
    st.none() | st.integers(0, 2**64 - 1),
)
def test_a_reply_that_is_written_reads_as_the_same_state(
    state: WireGuardState, wgrtable: int | None, groups: tuple[str, ...], link_namespace: int | None
) -> None:
    state = replace(state, wgrtable=wgrtable, groups=groups, link_namespace=link_namespace)
    assert decode_get(encode_get(state)) == state


# -- errno ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "errno=0\n\n"), (errno.EINVAL, "errno=-22\n\n"), (-errno.EINVAL, "errno=-22\n\n")],
)
def test_the_reply_to_a_set_has_a_negative_number(number: int, text: str) -> None:
    assert encode_errno(number) == text


@pytest.mark.parametrize("number", [0, errno.EINVAL, errno.EADDRINUSE])
def test_the_number_of_a_reply_reads_as_it_was(number: int) -> None:
    assert decode_errno(encode_errno(number)) == number


def test_a_positive_number_is_read_as_well() -> None:
    assert decode_errno("errno=98\n\n") == errno.EADDRINUSE


@pytest.mark.parametrize(
    "text",
    ["", "errno=0", "errno=0\n", "errno=0\n\n\n", "listen_port=1\n\n", "errno=99999\n\n"],
)
def test_what_is_no_reply_to_a_set_counts_as_a_failure(text: str) -> None:
    assert decode_errno(text) == errno.EPROTO


def test_a_number_that_is_none_counts_as_a_failure() -> None:
    assert decode_errno("errno=x\n\n") == errno.EINVAL


# -- anything ------------------------------------------------------------------------------------

WORDS = [
    *("replace_peers", "remove", "update_only", "replace_allowed_ips", "get", "", "true", "-"),
    *("-1", "::/0", "/", ":", "[]:", "[::]:1", "[:]:1", "999.0.0.0:1", "1.1.1.1/", "-::/", "-::/0"),
]
KEYS = sorted({line.partition("=")[0] for line in FULL_REPLY.split("\n")} | {*WORDS})
VALUES = sorted({line.partition("=")[2] for line in FULL_REPLY.split("\n")} | {*WORDS})
texts = st.text(max_size=20)
some_lines = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES) | texts).map("=".join) | texts
)


@given(some_lines)
def test_no_text_makes_decoding_raise_anything_but_its_own_error(lines: list[str]) -> None:
    for text in ("\n".join(lines), "\n".join([*lines, "errno=0\n\n"])):
        assert decode_errno(text) >= 0
        with suppress(UapiError):
            decode_get(text)
    with suppress(UapiError):
        decode_set(lines)
