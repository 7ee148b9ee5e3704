"""The items of the record: enough to see that something was declared otherwise, and no more."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface, ip_network

from hypothesis import given

from netstart_wg.model.address import EndpointName
from netstart_wg.model.config import InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey
from netstart_wg.reconcile.applied_items import digest_of_peer, item_of, items_of
from tests.strategies import PRIVATE_KEYS, PUBLIC_KEYS, interface_configs

LAPTOP = PeerConfig(
    public_key=PUBLIC_KEYS[2],
    preshared_key=PresharedKey(bytes([21]) * 32),
    persistent_keepalive=25,
    allowed_ips=(ip_network("10.0.0.2/32"),),
    description="laptop",
)


def test_whatever_changes_about_a_peer_changes_its_digest() -> None:
    others = (
        replace(LAPTOP, preshared_key=None),
        replace(LAPTOP, preshared_key=PresharedKey(bytes([22]) * 32)),
        replace(LAPTOP, persistent_keepalive=0),
        replace(LAPTOP, allowed_ips=(ip_network("10.0.0.3/32"),)),
        replace(LAPTOP, description=None),
    )
    assert len({digest_of_peer(peer) for peer in (LAPTOP, *others)}) == 1 + len(others)


def test_where_a_peer_is_belongs_to_no_item() -> None:
    elsewhere = replace(LAPTOP, endpoint=EndpointName("vpn.example.net", 7))
    assert digest_of_peer(elsewhere) == digest_of_peer(LAPTOP)


def test_what_is_said_of_a_peer_is_the_peers() -> None:
    assert item_of(("wgaip", "KEY", "10.0.0.2/32")) == item_of(("wgpeer", "KEY")) == "wgpeer KEY"
    assert item_of(("wgport",)) == "wgport"
    assert item_of(("inet", "10.0.0.1/24")) == "inet 10.0.0.1/24"


def test_a_file_has_the_items_that_it_declares() -> None:
    config = InterfaceConfig(
        name="wg0",
        wireguard=WireGuardConfig(private_key=PRIVATE_KEYS[0], peers=(LAPTOP,)),
        addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")),
        groups=("lan",),
        mtu=1400,
    )
    assert {item for item, _ in items_of(config)} == {
        "wgkey",
        "wgrtable",
        "rdomain",
        "mtu",
        "up",
        "debug",
        "group lan",
        "inet 10.0.0.1/24",
        "inet6 fd00::1/64",
        f"wgpeer {LAPTOP.public_key.to_base64()}",
    }


@given(interface_configs())
def test_no_item_occurs_twice(config: InterfaceConfig) -> None:
    items = [item for item, _ in items_of(config)]
    assert len(items) == len(set(items))
