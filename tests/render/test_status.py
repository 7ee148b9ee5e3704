"""The layout is that of `ifconfig wg0` in OpenBSD 7.4 and later: ifconfig(8), wg(4)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, ip_address, ip_interface, ip_network

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.render.status import (
    InterfaceStatus,
    flag_names,
    handshake_age_seconds,
    render_status,
)

NOW_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000

PUBLIC_KEY = PublicKey.from_base64("NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps=")
PRIVATE_KEY = PrivateKey(bytes(range(32)))
PRESHARED_KEY = PresharedKey(bytes(range(100, 132)))

LAPTOP = PeerState(
    public_key=PublicKey.from_base64("3pzzVOIyb5Y3DGP3dM2y0VZyMfKZyb6Gm8qNJVh7rk4="),
    preshared_key=PRESHARED_KEY,
    endpoint=Endpoint(ip_address("203.0.113.10"), 51820),
    last_handshake_ns=NOW_NS - 3 * SECOND_NS - 1,
    tx_bytes=232408,
    rx_bytes=67712,
    persistent_keepalive=25,
    allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::2/128")),
    description="laptop",
    refused_offloads=("udp-gso",),
)
SILENT = PeerState(public_key=PublicKey(bytes(32)))

HUB = InterfaceState(
    name="wg0",
    index=6,
    flags=0x110D1,
    mtu=1420,
    addresses=(
        ip_interface("10.0.0.1/24"),
        ip_interface("fd00::1/64"),
    ),
    kernel_addresses=(ip_interface("fe80::1234/64"),),
    description="hub",
    wireguard=WireGuardState(
        implementation="netstart-wg 0.1.0",
        private_key=PRIVATE_KEY,
        listen_port=51820,
        fwmark=7,
        peers=(LAPTOP, SILENT),
        drops=(("replayed", 3),),
        send_errors=(("ENETUNREACH", 2),),
        offloads=("tso",),
    ),
)
BARE = InterfaceState(name="wg1", index=300, flags=0x1090, mtu=1420)


def rendered(state: InterfaceState, public_key: PublicKey | None = PUBLIC_KEY) -> str:
    return render_status(InterfaceStatus(state=state, public_key=public_key), NOW_NS)


def test_a_hub_is_laid_out_as_ifconfig_does() -> None:
    assert rendered(HUB) == (
        "wg0: flags=10d1<UP,POINTOPOINT,RUNNING,NOARP,MULTICAST> mtu 1420\n"
        "\tdescription: hub\n"
        "\tindex 6\n"
        "\twgport 51820\n"
        "\twgpubkey NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps=\n"
        "\twgpeer 3pzzVOIyb5Y3DGP3dM2y0VZyMfKZyb6Gm8qNJVh7rk4=\n"
        "\t\twgdescr: laptop\n"
        "\t\twgpsk (present)\n"
        "\t\twgpka 25 (sec)\n"
        "\t\twgendpoint 203.0.113.10 51820\n"
        "\t\ttx: 232408, rx: 67712\n"
        "\t\tlast handshake: 3 seconds ago\n"
        "\t\twgaip fd00::2/128\n"
        "\t\twgaip 10.0.0.2/32\n"
        "\twgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "\t\ttx: 0, rx: 0\n"
        "\tgroups: wg\n"
        "\tinet 10.0.0.1 netmask 0xffffff00\n"
        "\tinet6 fe80::1234%wg0 prefixlen 64 scopeid 0x6\n"
        "\tinet6 fd00::1 prefixlen 64\n"
    )


def test_rdomain_wgrtable_and_groups_have_their_places() -> None:
    engine = WireGuardState(listen_port=51820, wgrtable=2, groups=("vpn", "egress"))
    state = replace(BARE, flags=0x1094, rdomain=1, wireguard=engine)
    assert rendered(state) == (
        "wg1: flags=1094<DEBUG,POINTOPOINT,NOARP,MULTICAST> rdomain 1 mtu 1420\n"
        "\tindex 300\n"
        "\twgport 51820\n"
        "\twgrtable 2\n"
        "\twgpubkey NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps=\n"
        "\tgroups: wg vpn egress\n"
    )


def test_what_is_not_there_has_no_line() -> None:
    assert rendered(BARE, public_key=None) == (
        "wg1: flags=1090<POINTOPOINT,NOARP,MULTICAST> mtu 1420\n\tindex 300\n\tgroups: wg\n"
    )


def test_an_interface_without_wireguard_is_in_no_group() -> None:
    text = render_status(InterfaceStatus(state=BARE, is_wireguard=False), NOW_NS)
    assert "groups" not in text


def test_a_broadcast_address_is_shown_where_there_is_one() -> None:
    address = IPv4Interface("10.0.0.1/24")
    state = replace(
        BARE,
        addresses=(address, IPv4Interface("10.1.0.1/32")),
        broadcasts=((address, IPv4Address("10.0.0.255")),),
    )
    assert rendered(state).endswith(
        "\tinet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255\n"
        "\tinet 10.1.0.1 netmask 0xffffffff\n"
    )


def test_a_declared_link_local_address_has_its_scope() -> None:
    state = replace(BARE, addresses=(ip_interface("fe80::1/64"),))
    assert rendered(state).endswith("\tinet6 fe80::1%wg1 prefixlen 64 scopeid 0x12c\n")


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint(ip_address("2001:db8::1"), 7), "2001:db8::1 7"),
        (Endpoint(ip_address("fe80::1"), 7, 3), "fe80::1%3 7"),
    ],
)
def test_an_ipv6_endpoint_has_no_brackets(endpoint: Endpoint, words: str) -> None:
    peer = replace(SILENT, endpoint=endpoint)
    text = rendered(replace(HUB, wireguard=WireGuardState(peers=(peer,))))
    assert f"\t\twgendpoint {words}\n" in text


def test_a_description_cannot_steer_the_terminal() -> None:
    peer = replace(SILENT, description="x\x1b]0;y\x07\nz")
    state = replace(HUB, description="a\n\x1b[2Jb", wireguard=WireGuardState(peers=(peer,)))
    text = rendered(state)
    assert "\tdescription: a??[2Jb\n" in text
    assert "\t\twgdescr: x?]0;y??z\n" in text


def test_no_secret_is_shown() -> None:
    text = rendered(HUB)
    for secret in (PRIVATE_KEY, PRESHARED_KEY):
        assert secret.to_base64() not in text
        assert secret.to_hex() not in text


def test_flag_names_are_those_of_netdevice() -> None:
    assert flag_names(0x110D1) == ("UP", "POINTOPOINT", "RUNNING", "NOARP", "MULTICAST")
    assert flag_names(0x49) == ("UP", "LOOPBACK", "RUNNING")
    assert flag_names(0) == ()


@pytest.mark.parametrize(
    ("since_ns", "seconds"), [(0, 0), (SECOND_NS - 1, 0), (SECOND_NS, 1), (-5 * SECOND_NS, 0)]
)
def test_the_age_of_a_handshake_is_whole_seconds_and_never_negative(
    since_ns: int, seconds: int
) -> None:
    peer = replace(SILENT, last_handshake_ns=NOW_NS - since_ns)
    assert handshake_age_seconds(peer, NOW_NS) == seconds


def test_a_handshake_that_never_was_has_no_age() -> None:
    assert handshake_age_seconds(SILENT, NOW_NS) is None
