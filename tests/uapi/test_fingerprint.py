"""The digest of a reply: equal for the same configuration, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.uapi import decode_get, encode_get, fingerprint, without_peers
from tests.strategies import wireguard_states
from tests.uapi.samples import FULL_REPLY


def lasting(state: WireGuardState) -> WireGuardState:
    """Leave out what changes without anybody's doing, but for whether there is an endpoint."""
    return replace(
        state, drops=(), send_errors=(), offloads=(), peers=tuple(map(lasting_peer, state.peers))
    )


def lasting_peer(peer: PeerState) -> PeerState:
    return replace(peer, last_handshake_ns=0, tx_bytes=0, rx_bytes=0, refused_offloads=())


@given(wireguard_states())
def test_counters_times_and_offloads_make_no_difference(state: WireGuardState) -> None:
    assert fingerprint(encode_get(state)) == fingerprint(encode_get(lasting(state)))


@given(wireguard_states(), wireguard_states())
def test_two_configurations_have_two_fingerprints(one: WireGuardState, two: WireGuardState) -> None:
    def without_place(state: WireGuardState) -> tuple[WireGuardState, list[bool]]:
        peers = tuple(replace(peer, endpoint=None) for peer in state.peers)
        return replace(state, peers=peers), [peer.endpoint is not None for peer in state.peers]

    is_same = without_place(lasting(one)) == without_place(lasting(two))
    assert (fingerprint(encode_get(one)) == fingerprint(encode_get(two))) is is_same


VOLATILE = ("offload", "drop", "send_error", "refused", "last_", "tx_", "rx_", "errno")


@pytest.mark.parametrize(
    "line", [line for line in FULL_REPLY.split() if "=" in line and not line.startswith(VOLATILE)]
)
def test_each_line_of_the_configuration_counts(line: str) -> None:
    without = FULL_REPLY.replace(line, "", 1)
    assert without != FULL_REPLY
    assert fingerprint(without) != fingerprint(FULL_REPLY)


def test_a_peer_that_has_roamed_makes_no_difference_and_one_without_endpoint_does() -> None:
    here = "public_key=00\nendpoint=192.0.2.1:1\nrx_bytes=1\nerrno=0\n\n"
    there = here.replace("192.0.2.1:1", "[2001:db8::1]:2")
    nowhere = here.replace("endpoint=192.0.2.1:1\n", "")
    assert fingerprint(here) == fingerprint(there) != fingerprint(nowhere)


def test_a_key_that_nobody_knows_yet_counts() -> None:
    assert fingerprint("future=1\nerrno=0\n\n") != fingerprint("future=2\nerrno=0\n\n")


@given(wireguard_states())
def test_a_reply_without_its_peers_says_the_rest(state: WireGuardState) -> None:
    assert decode_get(without_peers(encode_get(state))) == replace(state, peers=())


@pytest.mark.parametrize("reply", ["", "errno=0", "public_key=00\n", "private_key=00\npublic_key="])
def test_a_reply_that_is_cut_short_does_not_become_whole(reply: str) -> None:
    assert not without_peers(reply).endswith("errno=0\n\n")
