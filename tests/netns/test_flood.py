"""A million datagrams that nobody asked for, while a TCP stream runs through the tunnel.

friend ──── eth1 ────┐
 wg0 10.77.0.2       ├── target   wg0 10.77.0.1
attacker ── eth2 ────┘
 198.18.0.0/15, spoofed
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from tests.netns.capture import Capture
from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host, HostMaker, link
from tests.netns.traffic import IPERF3_PORT, ping, pings, wait_for_listener
from tests.netns.waiting import eventually

PORT = 51820
COUNT = 200_000
COOKIE_REPLY = 3
SCRIPT = str(Path(__file__).with_name("flood.py"))
MEMORY_GROWTH_KIBIBYTES = 10 * 1024
FLOOD_SECONDS = 120.0
PATIENCE_SECONDS = 60.0
"""For TCP, which waits twice as long each time nothing comes through."""


def drops_of(host: Host) -> dict[str, int]:
    document = json.loads(host.run(NETSTART_WG, "status", "--json", "wg0"))
    (interface,) = document["interfaces"]
    return dict(interface["engine"]["drops"])


def resident_kibibytes(engine: Background) -> int:
    status = Path(f"/proc/{engine.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def received_bytes(host: Host) -> int:
    return sum(peer.received_bytes for peer in show(host, "wg0").peers.values())


def test_a_flood_of_every_kind_leaves_stream_memory_and_handshakes_intact(
    new_host: HostMaker, tmp_path: Path
) -> None:
    friend, target, attacker = new_host("friend"), new_host("target"), new_host("attacker")
    cable, evil = link(friend, target, 1), link(attacker, target, 2)
    keys, friend_keys = new_key_pair(), new_key_pair()
    engine = OURS.start(target, "wg0")
    OURS.start(friend, "wg0")
    for host, number in ((target, 1), (friend, 2)):
        host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
    to_friend = PeerSection(public_key=friend_keys.public, allowed_ips=("10.77.0.2/32",))
    to_target = PeerSection(
        public_key=keys.public,
        allowed_ips=("10.77.0.1/32",),
        endpoint=endpoint(cable.address(target, 4), PORT),
    )
    capture = Capture(target, cable.interface, tmp_path)
    setconf(target, "wg0", configuration(keys.private, PORT, to_friend))
    setconf(friend, "wg0", configuration(friend_keys.private, PORT, to_target))
    assert ping(friend, "10.77.0.1", count=1).lost == 0  # several could share a super-packet
    initiation, data = eventually(
        partial(_first_of_types, capture, cable.address(friend, 4)), lambda found: len(found) == 2
    )

    server = target.start("iperf3", "-s", "-1", "-p", str(IPERF3_PORT))
    wait_for_listener(target, IPERF3_PORT)
    client = friend.start(
        *("iperf3", "-c", "10.77.0.1", "-p", str(IPERF3_PORT), "-b", "4M", "-t", "300")
    )
    eventually(lambda: received_bytes(target) > 500_000, what="the stream")
    memory, before = resident_kibibytes(engine), drops_of(target)

    def flood(*words: str) -> Background:
        address = evil.address(target, 4)
        return attacker.start(sys.executable, "-IS", SCRIPT, address, str(PORT), *words)

    for words in (
        ("random",),
        ("cookie",),
        ("replay", initiation.hex()),
        ("replay", data.hex()),
        ("stranger", keys.public),
    ):
        flooding = flood(str(COUNT), *words)
        assert flooding.wait(FLOOD_SECONDS) == 0, flooding.output()
        assert client.is_running, client.output()
        assert server.is_running, server.output()

    # as many as make a load, and not so many that a friend's message finds no room in the socket
    flooding = flood(f"{COUNT}@1500", "stranger", keys.public)
    _shake_hands_anew(friend, friend_keys.public, target)
    flooding.stop()
    assert COOKIE_REPLY in {m.type for m in capture.messages(cable.address(target, 4))}

    so_far = received_bytes(target)
    eventually(
        lambda: received_bytes(target) > so_far + 500_000,
        what="the stream afterwards",
        within=PATIENCE_SECONDS,
    )
    client.stop()
    assert pings(friend, "10.77.0.1")
    assert engine.is_running
    assert resident_kibibytes(engine) < memory + MEMORY_GROWTH_KIBIBYTES
    after = drops_of(target)
    grown = {reason for reason, count in after.items() if count > before.get(reason, 0) + 100}
    assert {
        "not-a-message",
        "invalid-cookie",
        "invalid-initiation",
        "cookie-demanded",
        "replayed",
    } <= grown


def _first_of_types(capture: Capture, sender: str) -> list[bytes]:
    """Return the first initiation and the first data message, as far as they were seen."""
    firsts: dict[int, bytes] = {}
    for message in capture.messages(sender):
        firsts.setdefault(message.type, message.octets)
    return [firsts[kind] for kind in (1, 4) if kind in firsts]


def _shake_hands_anew(friend: Host, public_key: str, target: Host) -> None:
    """Let the friend begin a session while the target is under load: it takes a cookie."""
    demanded = drops_of(target).get("cookie-demanded", 0)
    eventually(lambda: drops_of(target).get("cookie-demanded", 0) > demanded + 500, what="the load")
    before = show(target, "wg0").peers[public_key].latest_handshake
    friend.run("ip", "link", "set", "wg0", "down")
    friend.run("ip", "link", "set", "wg0", "up")
    eventually(
        lambda: show(target, "wg0").peers[public_key].latest_handshake > before,
        within=60,
        what="a handshake under load",
    )
