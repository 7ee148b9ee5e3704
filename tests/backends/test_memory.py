"""The engine in memory keeps the contract of `netstart_wg.backends.base`."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given

from netstart_wg.backends.base import Backend
from netstart_wg.backends.memory import IMPLEMENTATION, MemoryBackend
from netstart_wg.errors import BackendError
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from tests.strategies import PRIVATE_KEYS, PUBLIC_KEYS, device_changes

OWN, _, LAPTOP, OFFICE, _, _ = PUBLIC_KEYS
FRESH = WireGuardState(implementation=IMPLEMENTATION)


@pytest.fixture
def backend() -> Backend:
    return MemoryBackend(public_key_of)


def test_where_there_is_no_engine_there_is_no_state(backend: Backend) -> None:
    assert backend.state("wg0") is None


def test_a_created_engine_has_nothing_yet(backend: Backend) -> None:
    backend.create("wg0")
    assert backend.state("wg0") == FRESH


def test_engines_do_not_know_of_each_other(backend: Backend) -> None:
    backend.create("wg0")
    backend.create("wg1")
    backend.configure("wg0", DeviceChange(listen_port=1))
    assert backend.state("wg1") == FRESH


def test_a_second_engine_of_a_name_is_refused_and_the_first_stays(backend: Backend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(listen_port=1))
    with pytest.raises(BackendError, match=r"^wg0: start the engine: ") as refusal:
        backend.create("wg0")
    assert refusal.value.errno == errno.EEXIST
    assert backend.state("wg0") == replace(FRESH, listen_port=1)


def test_a_destroyed_engine_is_gone_with_all_it_had(backend: Backend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(listen_port=1))
    backend.destroy("wg0")
    assert backend.state("wg0") is None
    backend.create("wg0")
    assert backend.state("wg0") == FRESH


def test_an_engine_that_is_not_there_cannot_be_destroyed(backend: Backend) -> None:
    with pytest.raises(BackendError) as refusal:
        backend.destroy("wg0")
    assert refusal.value.errno == errno.ENODEV


def test_an_engine_that_is_not_there_cannot_be_configured(backend: Backend) -> None:
    with pytest.raises(BackendError) as refusal:
        backend.configure("wg0", DeviceChange(listen_port=1))
    assert refusal.value.errno == errno.ENODEV
    assert backend.state("wg0") is None


def test_changes_add_up(backend: Backend) -> None:
    network = ip_network("10.0.0.2/32")
    backend.create("wg0")
    for key in (LAPTOP, OFFICE):
        change = PeerChange(public_key=key, add_allowed_ips=(network,))
        backend.configure("wg0", DeviceChange(peers=(change,)))
    assert backend.state("wg0") == replace(
        FRESH,
        peers=(PeerState(public_key=LAPTOP), PeerState(public_key=OFFICE, allowed_ips=(network,))),
    )


def test_a_peer_with_the_own_key_is_silently_refused(backend: Backend) -> None:
    backend.create("wg0")
    own = PeerChange(public_key=OWN)
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEYS[0], peers=(own,)))
    assert backend.state("wg0") == replace(FRESH, private_key=PRIVATE_KEYS[0])


@given(device_changes())
def test_any_change_does_what_simulation_says(change: DeviceChange) -> None:
    backend = MemoryBackend(public_key_of)
    backend.create("wg0")
    backend.configure("wg0", change)
    assert backend.state("wg0") == apply_change(FRESH, change, public_key_of)
