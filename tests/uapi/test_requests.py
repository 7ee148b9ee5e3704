"""`set` as text, against wireguard.com/xplatform."""

from __future__ import annotations

import base64
import errno
import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange, UnchangedType
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.state import WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from netstart_wg.uapi import UapiError, decode_set, encode_set
from tests.strategies import PUBLIC_KEYS, device_changes, lines, wireguard_states
from tests.uapi.samples import (
    OTHER,
    OTHER_HEX,
    PEER,
    PEER_HEX,
    PRESHARED_HEX,
    PRESHARED_KEY,
    PRIVATE_HEX,
    PRIVATE_KEY,
    ZERO_HEX,
    group_tuples,
)


def in_section(*lines: str) -> list[str]:
    return [f"public_key={PEER_HEX}", *lines]


def peer_change(*lines: str) -> PeerChange:
    (change,) = decode_set(in_section(*lines)).peers
    return change


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (f"private_key={PRIVATE_HEX}", DeviceChange(private_key=PRIVATE_KEY)),
        (f"private_key={PRIVATE_HEX.upper()}", DeviceChange(private_key=PRIVATE_KEY)),
        (f"private_key={ZERO_HEX}", DeviceChange(private_key=None)),
        ("listen_port=51820", DeviceChange(listen_port=51820)),
        ("listen_port=0", DeviceChange(listen_port=0)),
        ("fwmark=4294967295", DeviceChange(fwmark=4294967295)),
        ("fwmark=0", DeviceChange(fwmark=0)),
        ("wgrtable=255", DeviceChange(wgrtable=255)),
        ("wgrtable=0", DeviceChange(wgrtable=0)),
        ("groups=vpn,e-gress", DeviceChange(groups=("vpn", "e-gress"))),
        ("groups=vpn,egress,vpn", DeviceChange(groups=("vpn", "egress"))),
        ("groups=", DeviceChange(groups=())),
        ("replace_peers=true", DeviceChange(replace_peers=True)),
    ],
)
def test_a_line_about_the_interface_changes_just_that(line: str, change: DeviceChange) -> None:
    assert decode_set([line]) == change


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("remove=true", PeerChange(public_key=PEER, remove=True)),
        ("update_only=true", PeerChange(public_key=PEER, update_only=True)),
        (
            f"preshared_key={PRESHARED_HEX}",
            PeerChange(public_key=PEER, preshared_key=PRESHARED_KEY),
        ),
        (f"preshared_key={ZERO_HEX}", PeerChange(public_key=PEER, preshared_key=None)),
        (
            "endpoint=1.2.3.4:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv4Address("1.2.3.4"), 5)),
        ),
        (
            "endpoint=[2001:db8::1]:65535",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("2001:db8::1"), 65535)),
        ),
        (
            "endpoint=[fe80::1%3]:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("fe80::1"), 5, 3)),
        ),
        (
            "endpoint=[2001:db8::1%3]:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("2001:db8::1"), 5)),
        ),
        ("persistent_keepalive_interval=0", PeerChange(public_key=PEER, persistent_keepalive=0)),
        (
            "persistent_keepalive_interval=65535",
            PeerChange(public_key=PEER, persistent_keepalive=65535),
        ),
        ("replace_allowed_ips=true", PeerChange(public_key=PEER, replace_allowed_ips=True)),
        (
            "allowed_ip=10.0.0.77/24",
            PeerChange(public_key=PEER, add_allowed_ips=(ip_network("10.0.0.0/24"),)),
        ),
        (
            "allowed_ip=FD00:0::1/64",
            PeerChange(public_key=PEER, add_allowed_ips=(ip_network("fd00::/64"),)),
        ),
        (
            "allowed_ip=-10.0.0.77/24",
            PeerChange(public_key=PEER, remove_allowed_ips=(ip_network("10.0.0.0/24"),)),
        ),
        ("protocol_version=1", PeerChange(public_key=PEER)),
        ("description=2nd floor, a=b", PeerChange(public_key=PEER, description="2nd floor, a=b")),
        ("description=", PeerChange(public_key=PEER, description=None)),
    ],
)  # fmt: skip
def test_a_line_about_a_peer_changes_just_that(line: str, change: PeerChange) -> None:
    assert decode_set(in_section(line)) == DeviceChange(peers=(change,))


def test_no_lines_are_no_change() -> None:
    assert decode_set([]).is_empty


def test_sections_follow_one_another_even_of_one_peer() -> None:
    lines = [*in_section("update_only=true"), f"public_key={OTHER_HEX}", *in_section("remove=true")]
    assert decode_set(lines).peers == (
        PeerChange(public_key=PEER, update_only=True),
        PeerChange(public_key=OTHER),
        PeerChange(public_key=PEER, remove=True),
    )


def test_what_stands_in_the_section_of_a_removed_peer_means_nothing() -> None:
    change = peer_change("allowed_ip=10.0.0.2/32", "remove=true", "endpoint=1.2.3.4:5")
    assert change == PeerChange(public_key=PEER, remove=True)


def test_what_stands_in_the_section_of_a_removed_peer_must_be_right_all_the_same() -> None:
    with pytest.raises(UapiError):
        decode_set(in_section("remove=true", "endpoint=1.2.3.4"))


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (["private_key"], errno.EPROTO),
        (["groups=a\0b"], errno.EINVAL),
        (in_section("description=a\0b"), errno.EINVAL),
        (in_section("endpoint=[fe80::1%a\0b]:5"), errno.EINVAL),
        ([""], errno.EPROTO),
        (["get=1"], errno.EINVAL),
        (["=5"], errno.EINVAL),
        (["endpoint=1.2.3.4:5"], errno.EINVAL),
        (["private_key="], errno.EINVAL),
        ([f"private_key={PRIVATE_HEX}0"], errno.EINVAL),
        (["private_key=" + "g" * 64], errno.EINVAL),
        (["public_key="], errno.EINVAL),
        (["listen_port="], errno.EINVAL),
        (["listen_port=65536"], errno.EINVAL),
        (["listen_port=-1"], errno.EINVAL),
        (["listen_port=+1"], errno.EINVAL),
        (["listen_port= 1"], errno.EINVAL),
        (["listen_port=1_0"], errno.EINVAL),
        (["listen_port=\u0661"], errno.EINVAL),
        (["listen_port=" + "9" * 5000], errno.EINVAL),
        (["fwmark=4294967296"], errno.EINVAL),
        (["fwmark=0x10"], errno.EINVAL),
        (["wgrtable=256"], errno.EINVAL),
        (["wgrtable="], errno.EINVAL),
        (["groups=vpn,"], errno.EINVAL),
        (["groups=vpn, egress"], errno.EINVAL),
        (["groups=vpn1"], errno.EINVAL),
        (["groups=sixteen-letters-"], errno.EINVAL),
        (["group=vpn"], errno.EINVAL),
        (["link_namespace=1"], errno.EINVAL),
        (["replace_peers=false"], errno.EINVAL),
        (in_section("listen_port=1"), errno.EINVAL),
        (in_section("remove=1"), errno.EINVAL),
        (in_section("update_only="), errno.EINVAL),
        (in_section("replace_allowed_ips=TRUE"), errno.EINVAL),
        (in_section("protocol_version=2"), errno.EINVAL),
        (in_section("persistent_keepalive_interval=65536"), errno.EINVAL),
        (in_section("persistent_keepalive_interval=off"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4:0"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4:65536"), errno.EINVAL),
        (in_section("endpoint=1.2.3.256:5"), errno.EINVAL),
        (in_section("endpoint=[1.2.3.4]:5"), errno.EINVAL),
        (in_section("endpoint=2001:db8::1:5"), errno.EINVAL),
        (in_section("endpoint=[fe80::1%eth0]:5"), errno.EINVAL),
        (in_section("endpoint=[fe80::1%4294967296]:5"), errno.EINVAL),
        (in_section("endpoint=vpn.example.net:5"), errno.EINVAL),
        (in_section("allowed_ip="), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.2"), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.2/33"), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.0/255.0.0.0"), errno.EINVAL),
        (in_section("allowed_ip=10/8"), errno.EINVAL),
        (in_section("allowed_ip=fd00::/129"), errno.EINVAL),
        (in_section("allowed_ip=fe80::%eth0/64"), errno.EINVAL),
        (in_section("allowed_ip=--10.0.0.0/8"), errno.EINVAL),
        (in_section("allowed_ip=+10.0.0.0/8"), errno.EINVAL),
    ],
)
def test_a_wrong_line_is_refused_with_the_number_for_it(lines: list[str], number: int) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_set(lines)
    assert refusal.value.errno == number


def test_an_interface_as_a_scope_is_looked_up_where_that_is_possible() -> None:
    lines = in_section("endpoint=[fe80::1%lo]:5")
    (change,) = decode_set(lines, {"lo": 1}.__getitem__).peers
    assert change.endpoint == Endpoint(IPv6Address("fe80::1"), 5, 1)


def test_an_interface_as_a_scope_that_is_not_there_is_refused() -> None:
    with pytest.raises(UapiError, match="bad value of endpoint"):
        decode_set(in_section("endpoint=[fe80::1%no-such]:5"), socket.if_nametoindex)


def test_the_bad_value_is_named() -> None:
    with pytest.raises(UapiError, match=r"bad value of endpoint: 'nowhere'"):
        decode_set(in_section("endpoint=nowhere"))


SECRET = base64.b64encode(b"\x48" * 32).decode()


@pytest.mark.parametrize(
    "lines",
    [
        [f"private_key={SECRET}"],
        [f"privatekey={SECRET}"],
        [SECRET],
        [SECRET.rstrip("=")],
        in_section(f"preshared_key={SECRET}"),
        in_section(SECRET),
    ],
)
def test_a_message_never_has_a_secret(lines: list[str]) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_set(lines)
    assert SECRET.rstrip("=") not in str(refusal.value)


def test_a_request_is_written_as_the_protocol_has_it() -> None:
    change = DeviceChange(
        private_key=None,
        listen_port=0,
        fwmark=7,
        wgrtable=0,
        groups=("vpn", "egress"),
        replace_peers=True,
        peers=(
            PeerChange(
                public_key=PEER,
                update_only=True,
                preshared_key=None,
                endpoint=Endpoint(IPv6Address("fe80::1"), 5, 3),
                persistent_keepalive=0,
                replace_allowed_ips=True,
                add_allowed_ips=(ip_network("10.0.0.0/24"),),
                remove_allowed_ips=(ip_network("fd00::/64"),),
                description="laptop",
            ),
            PeerChange(public_key=OTHER, remove=True),
        ),
    )
    assert (
        encode_set(change)
        == f"""\
set=1
private_key={ZERO_HEX}
listen_port=0
fwmark=7
wgrtable=0
groups=vpn,egress
replace_peers=true
public_key={PEER_HEX}
update_only=true
preshared_key={ZERO_HEX}
endpoint=[fe80::1%3]:5
persistent_keepalive_interval=0
replace_allowed_ips=true
allowed_ip=10.0.0.0/24
allowed_ip=-fd00::/64
description=laptop
public_key={OTHER_HEX}
remove=true

"""
    )


@pytest.mark.parametrize("description", ["x\nremove=true", "x\0"])
def test_a_description_cannot_smuggle_in_a_line(description: str) -> None:
    change = DeviceChange(peers=(PeerChange(public_key=PEER, description=description),))
    with pytest.raises(ValueError, match="more than one line"):
        encode_set(change)


@pytest.mark.parametrize("name", ["", "vpn\nwgrtable=1", "a\0", "\0b", "a,b", "a b", "vpn1"])
def test_a_group_cannot_smuggle_in_anything(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a group"):
        encode_set(DeviceChange(groups=(name,)))


@given(
    device_changes(lines),
    st.just(UNCHANGED) | st.integers(0, 255),
    st.just(UNCHANGED) | group_tuples,
)
def test_a_request_that_is_written_reads_as_the_same_change(
    change: DeviceChange, wgrtable: int | UnchangedType, groups: tuple[str, ...] | UnchangedType
) -> None:
    change = replace(change, wgrtable=wgrtable, groups=groups)
    first, *lines, closing_line, end = encode_set(change).split("\n")
    assert (first, closing_line, end) == ("set=1", "", "")
    assert decode_set(lines) == change


@given(
    st.lists(
        st.sampled_from(
            [
                "replace_allowed_ips=true",
                *(f"allowed_ip={net}" for net in ("10.0.0.0/24", "-10.0.0.0/24", "::/0", "-::/0")),
            ]
        )
    ),
    wireguard_states(),
)  # fmt: skip
def test_lines_about_allowed_ips_take_effect_one_after_the_other(
    lines: list[str], state: WireGuardState
) -> None:
    section = f"public_key={PUBLIC_KEYS[-1].to_hex()}"
    together = decode_set([section, *lines])
    one_by_one = decode_set([section, *(text for line in lines for text in (section, line))])
    assert owners(apply_change(state, together, public_key_of)) == owners(
        apply_change(state, one_by_one, public_key_of)
    )


def owners(state: WireGuardState) -> dict[PublicKey, set[object]]:
    return {peer.public_key: set(peer.allowed_ips) for peer in state.peers}
