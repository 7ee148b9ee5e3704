"""What an interface with `debug` says: OpenBSD's texts, word for word (sys/net/if_wg.c)."""

from __future__ import annotations

from netstart_wg.model.change import PeerChange
from netstart_wg.model.keys import PublicKey
from netstart_wg.protocol.forwarding import PeerId
from tests.datapath.packets import udp_datagram
from tests.engine.simulation import SECOND, Host, Simulation


def talking_hosts(simulation: Simulation) -> tuple[Host, Host]:
    alice = simulation.host("192.0.2.1", "10.0.0.1")
    bob = simulation.host("192.0.2.2", "10.0.0.2")
    for host, other in ((alice, bob), (bob, alice)):
        host.device.is_debug = True
        host.add_peer(other)
        assert said(host) == ["info: Peer 0 created"]
    return alice, bob


def said(host: Host) -> list[str]:
    return [f"{notice.level.value}: {notice.text}" for notice in host.device.take_notices()]


def test_a_handshake_is_told_on_both_sides() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    alice.say(bob, b"hello")
    simulation.run(SECOND)
    assert said(alice) == [
        "info: Sending handshake initiation to peer 0 (192.0.2.2)",
        "info: Receiving handshake response from peer 0 (192.0.2.2)",
    ]
    assert said(bob) == [
        "info: Receiving handshake initiation from peer 0 (192.0.2.1)",
        "info: Sending handshake response to peer 0 (192.0.2.1)",
    ]


def test_a_keepalive_is_told_on_both_sides() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    alice.say(bob, b"hello")
    simulation.run(SECOND)
    said(alice), said(bob)
    simulation.run(11 * SECOND)
    assert said(bob) == ["debug: Sending keepalive packet to peer 0 (192.0.2.1)"]
    assert said(alice) == ["debug: Receiving keepalive packet from peer 0 (192.0.2.2)"]


def test_each_retry_is_numbered_and_the_last_gives_up() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    bob.is_connected = False
    alice.say(bob, b"hello")
    simulation.run(120 * SECOND)
    initiation = "info: Sending handshake initiation to peer 0 (192.0.2.2)"
    failure = "info: Handshake for peer 0 (192.0.2.2) did not complete after "
    expected = [initiation]
    for number in range(2, 21):
        expected += [f"{failure}5 seconds, retrying (try {number})", initiation]
    assert said(alice) == [*expected, f"{failure}20 retries, giving up"]
    simulation.run(541 * SECOND)
    assert said(alice) == ["info: Zeroing out keys for peer 0 (192.0.2.2)"]


def test_silence_after_data_is_told() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    alice.say(bob, b"hello")
    simulation.run(SECOND)
    said(alice)
    bob.is_connected = False
    alice.say(bob, b"are you there?")
    simulation.run(16 * SECOND)
    assert said(alice)[0] == (
        "info: Retrying handshake with peer 0 (192.0.2.2)"
        " because we stopped hearing back after 15 seconds"
    )


def test_a_peer_without_endpoint_is_told_of_by_its_number() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    bob.device.is_debug = False
    alice.add_peer(simulation.host("192.0.2.3", "10.0.0.3"), knows_endpoint=False)
    assert said(alice) == ["info: Peer 1 created"]
    alice.send(udp_datagram("10.0.0.1", "10.0.0.3", b"anybody?"))
    text = "debug: No valid endpoint has been configured or discovered for peer 1"
    assert said(alice) == [text]
    assert said(bob) == []


def test_packets_that_may_not_come_from_a_peer_are_told() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    alice.say(bob, b"hello")
    simulation.run(SECOND)
    said(bob)
    alice.send(udp_datagram("10.0.0.99", "10.0.0.2", b"who am I?"))
    simulation.run(SECOND)
    assert said(bob) == ["warning: Packet has unallowed source IP from peer 0 (192.0.2.1)"]
    alice.tunnel.datapath.send_packets(PeerId(0), [b"\x90" + bytes(31)], alice.now)
    simulation.run(SECOND)
    assert said(bob) == ["warning: Packet is neither IPv4 nor IPv6 from peer 0 (192.0.2.1)"]


def test_messages_that_are_none_of_ours_are_told_with_their_sender() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    stranger = simulation.host("192.0.2.9", "10.0.0.9")
    stranger.add_peer(bob)
    stranger.say(bob, b"let me in")
    simulation.run(SECOND)
    assert said(bob) == ["info: Invalid handshake initiation from 192.0.2.9"]

    wrong = stranger.sent[0].message
    corrupted = wrong[:116] + bytes(16) + wrong[132:]
    simulation.carry(stranger, corrupted, bob.endpoint)
    simulation.run(SECOND)
    assert said(bob) == ["info: Invalid initiation MAC from 192.0.2.9"]

    alice.say(bob, b"hello")
    simulation.run(SECOND)
    said(alice), said(bob)
    response = next(sent.message for sent in bob.sent if sent.kind == 2)
    simulation.carry(bob, response, alice.endpoint)
    simulation.run(SECOND)
    assert said(alice) == ["info: Invalid handshake response from 192.0.2.2"]
    cookie_reply = bytes([3, 0, 0, 0]) + response[8:12] + bytes(56)
    simulation.carry(bob, cookie_reply, alice.endpoint)
    simulation.carry(bob, bytes([3]) + bytes(63), alice.endpoint)
    simulation.run(SECOND)
    assert said(alice) == [
        "debug: Could not decrypt cookie response from 192.0.2.2",
        "debug: Unknown cookie index from 192.0.2.2",
    ]


def test_a_removed_peer_is_destroyed_and_numbers_are_not_used_again() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    remove(alice, bob.public_key)
    alice.add_peer(bob)
    assert said(alice) == ["info: Peer 0 destroyed", "info: Peer 1 created"]


def remove(host: Host, public_key: PublicKey) -> None:
    host.configure(PeerChange(public_key=public_key, remove=True))


def test_nothing_is_kept_without_debug() -> None:
    simulation = Simulation()
    alice, bob = talking_hosts(simulation)
    alice.device.is_debug = False
    alice.say(bob, b"hello")
    simulation.run(SECOND)
    assert said(alice) == []
