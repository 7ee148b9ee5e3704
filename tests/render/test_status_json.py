from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, ip_address
from typing import Any

from netstart_wg.model.address import Endpoint
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.render.status import InterfaceStatus
from netstart_wg.render.status_json import render_status_json
from tests.render.test_status import (
    BARE,
    HUB,
    NOW_NS,
    PRESHARED_KEY,
    PRIVATE_KEY,
    PUBLIC_KEY,
    SILENT,
)


def document(*states: InterfaceState) -> Any:
    statuses = [InterfaceStatus(state=state, public_key=PUBLIC_KEY) for state in states]
    return json.loads(render_status_json(statuses, NOW_NS))


def test_a_hub_is_one_versioned_object() -> None:
    assert document(HUB) == {
        "schema": "netstart-wg/status/1",
        "time": "2023-11-14T22:13:20Z",
        "interfaces": [
            {
                "name": "wg0",
                "index": 6,
                "up": True,
                "flags": 0x110D1,
                "flag_names": ["UP", "POINTOPOINT", "RUNNING", "NOARP", "MULTICAST"],
                "rdomain": 0,
                "mtu": 1420,
                "description": "hub",
                "groups": ["wg"],
                "addresses": [
                    {"address": "fe80::1234/64", "broadcast": None, "made_by_kernel": True},
                    {"address": "10.0.0.1/24", "broadcast": None, "made_by_kernel": False},
                    {"address": "fd00::1/64", "broadcast": None, "made_by_kernel": False},
                ],
                "engine": {
                    "implementation": "netstart-wg 0.1.0",
                    "public_key": "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps=",
                    "listen_port": 51820,
                    "fwmark": 7,
                    "wgrtable": 0,
                    "offloads": ["tso"],
                    "drops": {"replayed": 3},
                    "send_errors": {"ENETUNREACH": 2},
                    "peers": [
                        {
                            "public_key": "3pzzVOIyb5Y3DGP3dM2y0VZyMfKZyb6Gm8qNJVh7rk4=",
                            "description": "laptop",
                            "preshared_key": True,
                            "endpoint": {
                                "address": "203.0.113.10",
                                "scope_id": None,
                                "port": 51820,
                            },
                            "persistent_keepalive": 25,
                            "last_handshake": "2023-11-14T22:13:16Z",
                            "last_handshake_age_seconds": 3,
                            "tx_bytes": 232408,
                            "rx_bytes": 67712,
                            "refused_offloads": ["udp-gso"],
                            "allowed_ips": ["10.0.0.2/32", "fd00::2/128"],
                        },
                        {
                            "public_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                            "description": None,
                            "preshared_key": False,
                            "endpoint": None,
                            "persistent_keepalive": None,
                            "last_handshake": None,
                            "last_handshake_age_seconds": None,
                            "tx_bytes": 0,
                            "rx_bytes": 0,
                            "refused_offloads": [],
                            "allowed_ips": [],
                        },
                    ],
                },
            }
        ],
    }


def test_no_interface_is_an_empty_list() -> None:
    assert document()["interfaces"] == []


def test_an_interface_without_engine_has_null_for_it() -> None:
    (interface,) = document(BARE)["interfaces"]
    assert interface["engine"] is None
    assert interface["up"] is False


def test_rdomain_wgrtable_and_groups_are_told() -> None:
    engine = WireGuardState(wgrtable=2, groups=("vpn",))
    (interface,) = document(replace(BARE, rdomain=1, wireguard=engine))["interfaces"]
    assert (interface["rdomain"], interface["groups"]) == (1, ["wg", "vpn"])
    assert interface["engine"]["wgrtable"] == 2


def test_the_sockets_of_a_deleted_rdomain_are_in_none() -> None:
    engine = WireGuardState(wgrtable=None)
    (interface,) = document(replace(BARE, wireguard=engine))["interfaces"]
    assert interface["engine"]["wgrtable"] is None


def test_broadcast_and_scope_are_told() -> None:
    assert HUB.wireguard is not None
    address = IPv4Interface("10.0.0.1/24")
    peer = replace(SILENT, endpoint=Endpoint(ip_address("fe80::1"), 7, 3))
    state = replace(
        HUB,
        broadcasts=((address, IPv4Address("10.0.0.255")),),
        wireguard=replace(HUB.wireguard, peers=(peer,)),
    )
    (interface,) = document(state)["interfaces"]
    assert interface["addresses"][1]["broadcast"] == "10.0.0.255"
    endpoint = {"address": "fe80::1", "scope_id": 3, "port": 7}
    assert interface["engine"]["peers"][0]["endpoint"] == endpoint


def test_no_secret_is_told() -> None:
    statuses = [InterfaceStatus(state=HUB, public_key=PUBLIC_KEY)]
    text = render_status_json(statuses, NOW_NS)
    for secret in (PRIVATE_KEY, PRESHARED_KEY):
        assert secret.to_base64() not in text
        assert secret.to_hex() not in text


def test_the_text_is_ascii_whatever_a_description_says() -> None:
    statuses = [InterfaceStatus(state=replace(BARE, description="z\u00fc\x1b\udcff"))]
    assert render_status_json(statuses, NOW_NS).isascii()
