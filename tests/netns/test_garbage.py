"""Whatever bytes arrive, from wherever: the engine neither stops nor raises, and it counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.netns.capture import Capture
from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Background, Host, Link, hosts, link
from tests.netns.traffic import ping, pings
from tests.netns.waiting import eventually

PORT = 51820
SCRIPT = str(Path(__file__).with_name("garbage.py"))
REPLAY_SCRIPT = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    sender.sendto(bytes.fromhex(line), (sys.argv[1], int(sys.argv[2])))
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A host whose engine is pelted, a neighbour with a tunnel to it."""

    host: Host
    engine: Background
    neighbour: Host
    cable: Link

    @property
    def address(self) -> str:
        return self.cable.address(self.host, 4)

    def drops(self) -> dict[str, int]:
        """Ask netstart-wg for the drops by reason."""
        document = json.loads(self.host.run(NETSTART_WG, "status", "--json", "wg0"))
        (interface,) = document["interfaces"]
        return dict(interface["engine"]["drops"])

    def assert_well(self) -> None:
        assert self.engine.is_running, self.engine.output()
        assert "Traceback" not in self.engine.output(), self.engine.output()
        assert self.host.run("wg", "show", "interfaces").strip() == "wg0"
        # The first requests may be lost in queues that are still full of garbage.
        eventually(lambda: pings(self.neighbour, "10.77.0.1"), within=5)
        eventually(lambda: pings(self.host, "10.77.0.2"), within=5)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with hosts(tmp_path_factory.mktemp("garbage")) as new_host:
        host, neighbour = new_host("target"), new_host("neighbour")
        cable = link(host, neighbour)
        keys, other_keys = new_key_pair(), new_key_pair()
        engine = OURS.start(host, "wg0")
        OURS.start(neighbour, "wg0")
        for each, number in ((host, 1), (neighbour, 2)):
            each.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
            each.run("ip", "link", "set", "wg0", "up")
        to_neighbour = PeerSection(public_key=other_keys.public, allowed_ips=("10.77.0.2/32",))
        to_host = PeerSection(
            public_key=keys.public,
            allowed_ips=("10.77.0.1/32",),
            endpoint=endpoint(cable.address(host, 4), PORT),
        )
        setconf(host, "wg0", configuration(keys.private, PORT, to_neighbour))
        setconf(neighbour, "wg0", configuration(other_keys.private, PORT, to_host))
        target = Target(host, engine, neighbour, cable)
        assert pings(neighbour, "10.77.0.1")
        yield target


def pelt(host: Host, *words: str) -> int:
    """Send garbage from the host; return how many pieces of it."""
    count = int(host.run(sys.executable, "-IS", SCRIPT, *words, timeout=60))
    assert count > 100
    return count


def test_garbage_from_the_network_is_dropped_and_counted(target: Target) -> None:
    before = sum(target.drops().values())
    sent = pelt(target.neighbour, "udp", target.address, str(PORT))
    target.assert_well()
    drops = target.drops()
    # The socket's buffer may overflow before the engine sees everything.
    assert sent * 0.1 < sum(drops.values()) - before <= sent
    assert {"not-a-message", "unknown-index", "invalid-mac"} <= set(drops)


def test_messages_repeated_and_damaged_are_dropped_and_counted(
    target: Target, tmp_path: Path
) -> None:
    capture = Capture(target.host, target.cable.interface, tmp_path)
    for _ in range(12):
        # One by one: several at once could share a super-packet, which the cable carries whole.
        assert ping(target.neighbour, "10.77.0.1", count=1).lost == 0
    sender = target.cable.address(target.neighbour, 4)
    messages = eventually(partial(capture.messages, sender), lambda found: len(found) >= 12)
    seen = [message.octets for message in messages]
    damaged = [octets[:-1] + bytes([octets[-1] ^ 1]) for octets in seen]
    before = target.drops()
    target.neighbour.run(
        *(sys.executable, "-IS", "-c", REPLAY_SCRIPT, target.address, str(PORT)),
        text="\n".join(octets.hex() for octets in (*seen, *damaged)),
    )
    eventually(
        target.drops,
        lambda drops: (
            drops.get("replayed", 0) - before.get("replayed", 0) == len(seen)
            and drops.get("not-authentic", 0) - before.get("not-authentic", 0) == len(damaged)
        ),
    )
    target.assert_well()


def test_garbage_on_the_configuration_socket_changes_nothing(target: Target) -> None:
    before = target.host.run("wg", "showconf", "wg0")
    pelt(target.host, "uapi", "/var/run/wireguard/wg0.sock")
    assert target.host.run("wg", "showconf", "wg0") == before
    target.assert_well()


def test_a_silent_client_holds_nobody_up(target: Target) -> None:
    silent = target.host.start(
        *(sys.executable, "-IS", "-c"),
        "import socket, sys; c = [socket.socket(socket.AF_UNIX) for _ in range(20)];"
        "[s.connect('/var/run/wireguard/wg0.sock') for s in c]; print('in', flush=True);"
        "c[0].recv(1)",
    )
    eventually(lambda: silent.output() == "in\n")
    target.assert_well()
    silent.stop()


def test_garbage_from_the_inside_is_dropped_and_counted(target: Target) -> None:
    before = target.drops()
    pelt(target.host, "tun", "wg0")
    target.assert_well()
    drops = target.drops()
    # The interface's queue may overflow before the engine sees everything.
    assert drops["not-ip"] - before.get("not-ip", 0) > 100
