"""What an engine leaves to its successor: what is written is what is read."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.keys import SessionKey
from netstart_wg.model.saved import (
    SavedDevice,
    SavedKeypair,
    SavedPeer,
    SavedReplay,
    SavedSession,
)
from netstart_wg.uapi import UapiError, decode_get
from netstart_wg.uapi.saved import decode_saved, decode_sessions, encode_saved, encode_sessions
from tests.strategies import counters, lines, public_keys, wireguard_states

SECRET = "5e" * 32

indices = st.integers(0, 2**32 - 1)
moments = st.integers(0, 2**63 - 1)
session_keys = st.binary(min_size=32, max_size=32).map(SessionKey)
keypairs = st.builds(
    SavedKeypair,
    local_index=indices,
    remote_index=indices,
    is_initiator=st.booleans(),
    created_ns=moments,
    sending=session_keys,
    receiving=session_keys,
    may_send=st.booleans(),
    send_counter=counters,
    replay=st.builds(
        SavedReplay,
        next=st.integers(0, 2**64),
        run_start=st.integers(0, 2**64),
        seen=st.integers(0, 2**8193 - 1),
    ),
)
sessions = st.builds(
    SavedSession,
    public_key=public_keys,
    previous=st.none() | keypairs,
    current=st.none() | keypairs,
    next=st.none() | keypairs,
    deadlines=st.lists(
        st.tuples(st.sampled_from(("new_handshake", "send_keepalive")), moments)
    ).map(tuple),
    initiation_sent_ns=st.none() | moments,
    initiation_consumed_ns=st.none() | moments,
    is_initiating=st.booleans(),
    sent_last_minute_handshake=st.booleans(),
    source=st.sampled_from((None, ip_address("192.0.2.1"), ip_address("2001:db8::1"))),
    interface=st.integers(0, 2**31 - 1),
    staged=st.lists(st.binary(max_size=40), max_size=3).map(tuple),
)


@st.composite
def saved_devices(draw: st.DrawFn) -> SavedDevice:
    state = draw(wireguard_states(texts=lines))
    peers = tuple(
        SavedPeer(
            state=peer,
            latest_timestamp=draw(st.binary(min_size=12, max_size=12)),
            latest_date_sent_ns=draw(counters),
        )
        for peer in state.peers
    )
    return SavedDevice(
        state=replace(state, peers=()),
        peers=peers,
        sockets_namespace=draw(st.none() | counters),
        restorations=draw(st.integers(0, 9)),
    )


@given(saved_devices())
def test_a_state_that_is_written_is_read_as_it_was(saved: SavedDevice) -> None:
    assert decode_saved(encode_saved(saved)) == saved


@given(saved_devices())
def test_whoever_reads_replies_reads_its_configuration(saved: SavedDevice) -> None:
    """So does an engine of another version, before or after ours."""
    peers = tuple(each.state for each in saved.peers)
    assert decode_get(encode_saved(saved)) == replace(saved.state, peers=peers)


def test_keys_of_another_version_are_passed_over() -> None:
    text = "state=2\nlistens_to=music\npublic_key=" + "b8" * 32 + "\nmood=good\nerrno=0\n\n"
    (peer,) = decode_saved(text).peers
    assert peer.state.public_key.to_hex() == "b8" * 32


@given(saved_devices(), st.data())
def test_a_state_that_is_cut_short_is_none(saved: SavedDevice, data: st.DataObject) -> None:
    text = encode_saved(saved)
    with pytest.raises(UapiError):
        decode_saved(text[: data.draw(st.integers(0, len(text) - 1))])


@given(st.lists(sessions))
def test_sessions_that_are_written_are_read_as_they_were(several: list[SavedSession]) -> None:
    assert decode_sessions("".join(encode_sessions(several))) == tuple(several)


@given(st.lists(sessions, min_size=1, max_size=2), st.data())
def test_sessions_that_are_cut_short_are_none(
    several: list[SavedSession], data: st.DataObject
) -> None:
    text = "".join(encode_sessions(several))
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with contextlib.suppress(UapiError):
        assert decode_sessions(cut) == ()


def test_sessions_of_another_version_are_none() -> None:
    assert decode_sessions("sessions=2\nwhatever\n") == ()


@pytest.mark.parametrize(
    "line",
    [
        "current=1 2 initiator 3",
        f"current=1 2 bystander 3 may-send 4 {SECRET} {SECRET} 1 1 0",
        f"current={SECRET} 2 initiator 3 may-send 4 {SECRET} 1 1 0 0",
        f"current=1 2 initiator 3 may-send 4 {SECRET} {SECRET[:-2]} 1 1 0",
        f"current=1 2 initiator 3 may-send 4 {SECRET} {SECRET} 1 1 xyz",
        "timer=send_keepalive",
        "timer=send_keepalive soon",
        "source=nowhere",
        "staged=4",
        "without a sign",
        "=",
    ],
)
def test_a_line_that_is_none_spoils_all_and_no_key_is_told(line: str) -> None:
    text = f"sessions=1\npublic_key={'b8' * 32}\n{line}\nerrno=0\n\n"
    with pytest.raises(UapiError) as refused:
        decode_sessions(text)
    assert SECRET[:8] not in str(refused.value)
