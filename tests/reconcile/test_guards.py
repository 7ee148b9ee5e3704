"""What is refused, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netstart_wg.app.keys import derive_public_key
from netstart_wg.model.action import CreateInterface, DestroyInterface, Plan
from netstart_wg.model.config import InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.guard import Guard
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.guards import NAMED_AT_MOST, Refusal, refusals
from netstart_wg.reconcile.plan import plan_interface

KEY, OTHER_KEY = PrivateKey(bytes([1] * 32)), PrivateKey(bytes([2] * 32))
PEERS = [PublicKey(bytes([3] * 31 + [number])) for number in range(30)]


def running(count: int, key: PrivateKey | None = KEY) -> InterfaceState:
    peers = tuple(PeerState(public_key=peer, description="laptop") for peer in PEERS[:count])
    engine = WireGuardState(private_key=key, listen_port=51820, peers=peers)
    return InterfaceState(name="wg0", index=7, flags=1, mtu=1420, wireguard=engine)


def desired(count: int, key: PrivateKey | None = KEY) -> InterfaceConfig:
    peers = tuple(PeerConfig(public_key=peer, description="laptop") for peer in PEERS[:count])
    engine = WireGuardConfig(private_key=key, peers=peers)
    return InterfaceConfig(name="wg0", is_up=True, wireguard=engine)


def refused(wish: InterfaceConfig, present: InterfaceState | None) -> list[Refusal]:
    plan = plan_interface(wish, present, None, {}, derive_public_key)
    return list(refusals(plan, present))


def test_an_interface_that_is_not_there_yet_is_made_without_question() -> None:
    assert refused(desired(5), None) == []


def test_another_key_is_refused_and_the_line_named() -> None:
    (refusal,) = refused(desired(1, OTHER_KEY), running(1))
    assert (refusal.guard, refusal.subject) == (Guard.KEY, ("wgkey",))


def test_losing_the_key_is_refused() -> None:
    (refusal,) = refused(desired(1, None), running(1))
    assert (refusal.guard, refusal.subject) == (Guard.KEY, None)
    assert "lose its key" in refusal.reason


def test_a_first_key_is_not_refused() -> None:
    assert refused(desired(1), running(1, None)) == []


@pytest.mark.parametrize(("before", "after"), [(3, 0), (4, 2), (5, 3), (4, 4), (20, 10), (0, 30)])
def test_up_to_half_of_the_peers_and_all_of_three_may_go(before: int, after: int) -> None:
    assert refused(desired(after), running(before)) == []


@pytest.mark.parametrize(("before", "after"), [(4, 1), (4, 0), (5, 2), (21, 10)])
def test_more_than_half_of_four_peers_are_kept(before: int, after: int) -> None:
    (refusal,) = refused(desired(after), running(before))
    assert refusal.guard is Guard.PEERS
    assert f"{before - after} of its {before} peers" in refusal.reason
    assert f"wgpeer {PEERS[after].to_base64()} wgdescr laptop" in refusal.reason


def test_peers_that_come_do_not_make_up_for_those_that_go() -> None:
    wish = desired(6)
    others = replace(wish, wireguard=replace(wish.wireguard, peers=wish.wireguard.peers[4:]))
    (refusal,) = refused(others, running(4))
    assert refusal.guard is Guard.PEERS


def test_of_many_peers_some_are_named() -> None:
    (refusal,) = refused(desired(0), running(30))
    assert refusal.reason.count("wgpeer") == NAMED_AT_MOST
    assert refusal.reason.endswith(f"and {30 - NAMED_AT_MOST} more")


def test_making_an_interface_anew_is_refused() -> None:
    plan = Plan("wg0", (DestroyInterface("wg0"), CreateInterface("wg0")))
    assert [each.guard for each in refusals(plan, running(1))] == [Guard.REBUILD]


def test_a_file_that_wants_no_interface_is_believed() -> None:
    assert refused(replace(desired(0), exists=False), running(9)) == []


def test_no_reason_has_a_key_of_ours() -> None:
    for refusal in refused(desired(0, OTHER_KEY), running(9)):
        assert KEY.to_base64() not in refusal.reason
        assert OTHER_KEY.to_base64() not in refusal.reason
