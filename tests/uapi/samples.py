"""Keys and one whole reply, for all tests of the protocol."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network

from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState

ZERO_HEX = "00" * 32
PRIVATE_HEX = "48" * 31 + "4a"
PRESHARED_HEX = "18" * 32
PEER_HEX = "b8" * 32
OTHER_HEX = "c9" * 32

PRIVATE_KEY = PrivateKey.from_hex(PRIVATE_HEX)
PRESHARED_KEY = PresharedKey.from_hex(PRESHARED_HEX)
PEER = PublicKey.from_hex(PEER_HEX)
OTHER = PublicKey.from_hex(OTHER_HEX)

FULL_STATE = WireGuardState(
    implementation="netstart-wg 0.1",
    private_key=PRIVATE_KEY,
    listen_port=51820,
    fwmark=16,
    wgrtable=3,
    groups=("vpn", "egress"),
    link_namespace=4026532281,
    drops=(("no-peer", 3), ("replayed", 1)),
    offloads=("tso", "uso"),
    send_errors=(("ENETUNREACH", 2), ("EPERM", 1)),
    peers=(
        PeerState(
            public_key=PEER,
            preshared_key=PRESHARED_KEY,
            endpoint=Endpoint(IPv6Address("fe80::1"), 5, 1),
            last_handshake_ns=1_700_000_000_000_000_042,
            tx_bytes=1212,
            rx_bytes=3434,
            persistent_keepalive=25,
            allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::/64")),
            description="laptop of Zoë",
            refused_offloads=("udp-gso",),
        ),
        PeerState(public_key=OTHER),
    ),
)

FULL_REPLY = f"""\
implementation=netstart-wg 0.1
private_key={PRIVATE_KEY.to_hex()}
listen_port=51820
fwmark=16
link_namespace=4026532281
wgrtable=3
group=vpn
group=egress
offload=tso
offload=uso
drop=no-peer 3
drop=replayed 1
send_error=ENETUNREACH 2
send_error=EPERM 1
public_key={PEER_HEX}
preshared_key={PRESHARED_HEX}
protocol_version=1
description=laptop of Zoë
refused_offload=udp-gso
endpoint=[fe80::1%1]:5
last_handshake_time_sec=1700000000
last_handshake_time_nsec=42
tx_bytes=1212
rx_bytes=3434
persistent_keepalive_interval=25
allowed_ip=10.0.0.2/32
allowed_ip=fd00::/64
public_key={OTHER_HEX}
preshared_key={ZERO_HEX}
protocol_version=1
last_handshake_time_sec=0
last_handshake_time_nsec=0
tx_bytes=0
rx_bytes=0
persistent_keepalive_interval=0
errno=0

"""
"""Keys and their order: wireguard.com/xplatform, "get"; those of our own: netstart-wgd(8)."""

group_tuples = st.lists(
    st.from_regex(r"[^\s,\0]{0,14}[^\s,\x000-9]", fullmatch=True), unique=True
).map(tuple)
"""Names of groups as ifconfig(8) allows them, but for those that cannot be told apart in a line."""
