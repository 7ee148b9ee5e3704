"""What is around the machine: a network, and in a namespace peers with the kernel's WireGuard.

    netstart-wgd wg0 ── uplink 192.0.2.1 ════ uplink 192.0.2.2 ── peer0, of the kernel
    netstart-wgd wg1 ── uplink 2001:db8::1 ══ uplink 2001:db8::2 ── peer1, of the kernel

Their interfaces have names of their own: wg(8) would take those of ours for them, by the sockets
in /run/wireguard, which is everybody's.  A unit makes all this at each boot, before
network.target: what netstart-wg may expect, and no more.
"""

from __future__ import annotations

import base64

from netstart_wg.app.keys import derive_public_key
from netstart_wg.model.keys import PrivateKey
from tests.netns.engines import KeyPair


def _key_pair(octet: int) -> KeyPair:
    private = bytes([octet]) * 32
    public = derive_public_key(PrivateKey(private))
    return KeyPair(base64.b64encode(private).decode(), str(public))


OURS, THEIRS = _key_pair(0x48), _key_pair(0x50)
PRESHARED = base64.b64encode(bytes([0x58]) * 32).decode()

COMMAND = "!echo ran >>/root/commands"
"""Leaves a trace of each time that it runs."""

PASSES = "ping -n -q -c 2 -i 0.2 -W 5"

UNIT = """\
[Unit]
Description=The network around this machine
DefaultDependencies=no
After=systemd-remount-fs.service systemd-sysctl.service
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -e /root/network.sh

[Install]
WantedBy=multi-user.target
"""
SCRIPT = """\
ip netns add peer
ip link add uplink type veth peer name uplink netns peer
ip address add 192.0.2.1/24 dev uplink
ip address add 2001:db8::1/64 dev uplink
ip link set uplink up
ip -n peer -batch - <<END
address add 192.0.2.2/24 dev uplink
address add 2001:db8::2/64 dev uplink
link set lo up
link set uplink up
link add peer0 type wireguard
link add peer1 type wireguard
address add 10.9.0.2/24 dev peer0
address add fd09::2/64 dev peer0
address add 10.8.0.2/24 dev peer1
END
ip netns exec peer wg setconf peer0 /root/peer0
ip netns exec peer wg setconf peer1 /root/peer1
ip -n peer link set peer0 up
ip -n peer link set peer1 up
"""


def their_file(number: int) -> str:
    """Return for wg(8) what the kernel's end of a tunnel is; ours begins, from where it likes."""
    return f"""\
[Interface]
PrivateKey = {THEIRS.private}
ListenPort = {51820 + number}
[Peer]
PublicKey = {OURS.public}
PresharedKey = {PRESHARED}
AllowedIPs = 10.{9 - number}.0.1/32, fd0{9 - number}::1/128
"""


def our_file(number: int, *lines: str) -> str:
    """Return the hostname file of our end."""
    endpoint = "192.0.2.2" if number == 0 else "2001:db8::2"
    network = 9 - number
    return "\n".join(
        (
            f"wgkey {OURS.private} wgport {51820 + number}",
            f"wgpeer {THEIRS.public} wgdescr friend wgpsk {PRESHARED} \\",
            f"\twgendpoint {endpoint} {51820 + number} wgpka 25 \\",
            f"\twgaip 10.{network}.0.2/32 wgaip fd0{network}::2/128",
            f"inet 10.{network}.0.1/24",
            f"inet6 fd0{network}::1/64",
            *lines,
            "",
        )
    )
