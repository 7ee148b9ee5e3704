"""The protocol's life on a virtual clock: two whole tunnels and the link between them.

The constants are typed anew here, from the paper (§6) and not from the code.
"""

from __future__ import annotations

import itertools
from ipaddress import ip_address, ip_network

import pytest

from netstart_wg.model.address import Endpoint, IPAddress
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.forwarding import DropReason, Path
from tests.datapath.packets import udp_datagram
from tests.engine.simulation import SECOND, Host, Sent, Simulation

REKEY_AFTER_TIME = 120 * SECOND
REJECT_AFTER_TIME = 180 * SECOND
REKEY_TIMEOUT = 5 * SECOND
KEEPALIVE_TIMEOUT = 10 * SECOND
JITTER = SECOND // 3
INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def pair(**link: float) -> tuple[Simulation, Host, Host]:
    """Two hosts that know each other; only the first knows where the other is."""
    simulation = Simulation(**link)  # type: ignore[arg-type]
    a = simulation.host("192.0.2.1", "10.0.0.1")
    b = simulation.host("192.0.2.2", "10.0.0.2")
    a.add_peer(b)
    b.add_peer(a, knows_endpoint=False)
    return simulation, a, b


def session_index(host: Host) -> int:
    """The receiver index of the last data packet a host sent: it changes with the session."""
    last = [sent.message for sent in host.sent if sent.kind == DATA][-1]
    return int.from_bytes(last[4:8], "little")


def gaps(sent: list[Sent]) -> list[int]:
    times = [message.at_ns for message in sent if message.kind == INITIATION]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def drops(host: Host, reason: DropReason) -> int:
    return host.device.drops.get(reason, 0)


# -- sessions ------------------------------------------------------------------------------


def test_nothing_is_sent_without_traffic() -> None:
    simulation, a, b = pair()
    simulation.run(HOUR)
    assert a.sent == b.sent == []


def test_the_first_packet_waits_for_the_handshake_and_then_arrives() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    assert b.heard() == [b"hello"]
    assert [sent.kind for sent in a.sent] == [INITIATION, DATA]
    assert [sent.kind for sent in b.sent] == [RESPONSE]


def test_the_responder_answers_to_where_it_was_called_from() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    b.say(a, b"and to you")
    simulation.run(SECOND)
    assert a.heard() == [b"and to you"]


def test_a_responder_does_not_send_before_the_initiator_has_confirmed() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(simulation.latency_ns * 3 // 2)  # b has answered, a has not yet heard it
    b.configure(PeerChange(public_key=a.public_key, endpoint=a.endpoint))
    b.say(a, b"too early")
    assert b.count(DATA) == 0
    simulation.run(SECOND)
    assert a.heard() == [b"too early"]


def test_an_initiator_without_data_confirms_with_a_keepalive() -> None:
    simulation, a, b = pair()
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=25))
    simulation.run(SECOND)
    assert [sent.kind for sent in a.sent] == [INITIATION, DATA]
    assert a.sent[-1].is_keepalive


def test_both_initiating_at_once_end_with_sessions_that_work_both_ways() -> None:
    simulation, a, b = pair()
    b.configure(PeerChange(public_key=a.public_key, endpoint=a.endpoint))
    a.say(b, b"from a")
    b.say(a, b"from b")
    simulation.run(SECOND)
    assert b.heard() == [b"from a"]
    assert a.heard() == [b"from b"]
    a.say(b, b"again a")
    b.say(a, b"again b")
    simulation.run(SECOND)
    assert b.heard()[1:] == [b"again a"]
    assert a.heard()[1:] == [b"again b"]


@pytest.mark.parametrize("other", [None, PresharedKey(bytes([2]) * 32)], ids=["none", "another"])
def test_a_preshared_key_must_be_the_same_on_both_sides(other: PresharedKey | None) -> None:
    simulation, a, b = pair()
    key = PresharedKey(bytes([1]) * 32)
    a.configure(PeerChange(public_key=b.public_key, preshared_key=key))
    b.configure(PeerChange(public_key=a.public_key, preshared_key=other))
    a.say(b, b"hello")
    simulation.run(4 * SECOND)
    assert b.heard() == []
    assert drops(a, DropReason.INVALID_RESPONSE) == 1
    b.configure(PeerChange(public_key=a.public_key, preshared_key=key))
    simulation.run(2 * SECOND)
    assert b.heard() == [b"hello"]


def test_a_preshared_key_that_changes_leaves_the_running_session_alone() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    a.configure(PeerChange(public_key=b.public_key, preshared_key=PresharedKey(bytes([1]) * 32)))
    a.say(b, b"two")
    simulation.run(SECOND)
    assert b.heard() == [b"one", b"two"]
    assert a.count(INITIATION) == 1


# -- rekeying ------------------------------------------------------------------------------


def test_the_initiator_rekeys_after_two_minutes_of_sending() -> None:
    simulation, a, b = pair()
    begin = simulation.clock_ns
    simulation.every(SECOND, begin + 10 * MINUTE, lambda: a.say(b, b"."))
    simulation.run(10 * MINUTE)
    initiations = [sent.at_ns - begin for sent in a.sent if sent.kind == INITIATION]
    assert len(initiations) == 5
    assert b.count(INITIATION) == 0
    assert all(REKEY_AFTER_TIME <= gap <= REKEY_AFTER_TIME + 2 * SECOND for gap in gaps(a.sent))
    assert len(b.heard()) == 600


def test_an_initiator_that_only_receives_rekeys_before_its_keys_expire() -> None:
    simulation, a, b = pair()
    a.say(b, b"begin")
    simulation.run(SECOND)
    begin = simulation.clock_ns
    simulation.every(SECOND, begin + 170 * SECOND, lambda: b.say(a, b"."))
    simulation.run(170 * SECOND)
    # a sends nothing but keepalives; those count as sending, so 120 s rule
    assert a.count(INITIATION) == 2
    assert b.count(INITIATION) == 0
    assert len(a.heard()) == 170


def test_a_session_is_not_used_after_three_minutes() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(REJECT_AFTER_TIME + SECOND)
    a.say(b, b"two")
    assert a.count(INITIATION) == 2
    simulation.run(SECOND)
    assert b.heard() == [b"one", b"two"]


def test_a_packet_for_an_expired_session_is_dropped() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    a.say(b, b"two")
    late = a.sent[-1].message
    b.is_connected = False
    simulation.run(REJECT_AFTER_TIME)
    b.is_connected = True
    b.arrives(late, Path(a.endpoint))
    assert b.heard() == [b"one"]
    assert drops(b, DropReason.EXPIRED) == 1


def test_keys_are_forgotten_after_nine_minutes_without_a_new_session() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(30 * SECOND)
    assert len(b.tunnel.datapath._table.by_index) == 1  # type: ignore[attr-defined]
    simulation.run(3 * REJECT_AFTER_TIME)
    assert b.tunnel.datapath._table.by_index == {}  # type: ignore[attr-defined]
    assert a.device.next_deadline() is None
    assert b.device.next_deadline() is None


def test_the_table_of_indices_does_not_grow() -> None:
    simulation, a, b = pair()
    simulation.every(SECOND, simulation.clock_ns + HOUR, lambda: a.say(b, b"."))
    simulation.run(HOUR)
    assert len(a.device._around.indices) <= 3
    assert len(b.device._around.indices) <= 3


# -- timers --------------------------------------------------------------------------------


def test_an_unanswered_initiation_is_repeated_every_five_seconds_and_given_up() -> None:
    simulation, a, b = pair()
    b.is_connected = False
    a.say(b, b"anybody?")
    simulation.run(10 * MINUTE)
    assert a.count(INITIATION) == 20
    assert all(REKEY_TIMEOUT <= gap <= REKEY_TIMEOUT + JITTER + 1 for gap in gaps(a.sent))
    assert len(set(gaps(a.sent))) > 1
    assert drops(a, DropReason.NO_SESSION) == 1


def test_traffic_starts_the_handshake_again_after_it_was_given_up() -> None:
    simulation, a, b = pair()
    b.is_connected = False
    a.say(b, b"anybody?")
    simulation.run(5 * MINUTE)
    b.is_connected = True
    a.say(b, b"hello")
    simulation.run(SECOND)
    assert b.heard() == [b"hello"]


def test_a_receiver_with_nothing_to_say_sends_one_keepalive_after_ten_seconds() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(9 * SECOND)
    assert b.count(DATA) == 0
    simulation.run(2 * SECOND)
    assert [sent.is_keepalive for sent in b.sent if sent.kind == DATA] == [True]
    simulation.run(5 * MINUTE)
    assert b.count(DATA) == 1


def test_keepalives_are_not_answered_with_keepalives() -> None:
    simulation, a, b = pair()
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=1))
    simulation.run(MINUTE)
    assert a.count(DATA) >= 55
    assert b.count(DATA) == 0


def test_one_keepalive_answers_all_data_that_came_before_it() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(5 * SECOND)
    a.say(b, b"two")
    simulation.run(30 * SECOND)
    assert b.count(DATA) == 1


def test_silence_after_data_starts_a_new_handshake_after_fifteen_seconds() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(12 * SECOND)
    b.is_connected = False
    begin = simulation.clock_ns
    a.say(b, b"two")
    simulation.run(MINUTE)
    first = next(s.at_ns for s in a.sent if s.kind == INITIATION and s.at_ns >= begin)
    waited = first - begin
    assert waited >= KEEPALIVE_TIMEOUT + REKEY_TIMEOUT
    assert waited <= KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + JITTER + 1


def test_what_waits_for_a_private_key_is_sent_when_it_comes() -> None:
    simulation, a, b = pair()
    a.tunnel.configure(DeviceChange(private_key=None), a.now)
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=25))
    a.say(b, b"hello")
    simulation.run(MINUTE)
    assert a.sent == []
    a.tunnel.configure(DeviceChange(private_key=a.private_key), a.now)
    simulation.run(SECOND)
    assert [sent.kind for sent in a.sent] == [INITIATION, DATA, DATA]
    assert b.heard() == [b"hello"]


def test_a_persistent_keepalive_keeps_a_session_for_ever() -> None:
    simulation, a, b = pair()
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=25))
    simulation.run(HOUR)
    b.say(a, b"still there?")
    simulation.run(SECOND)
    assert a.heard() == [b"still there?"]
    assert b.count(INITIATION) == 0


def test_at_most_one_initiation_in_five_seconds_whatever_the_traffic() -> None:
    simulation, a, b = pair()
    b.is_connected = False
    simulation.every(SECOND // 10, simulation.clock_ns + MINUTE, lambda: a.say(b, b"."))
    simulation.run(MINUTE)
    assert min(gaps(a.sent)) >= REKEY_TIMEOUT


# -- an hour -------------------------------------------------------------------------------


def test_an_hour_of_life_with_losses_a_vanishing_peer_and_its_return() -> None:
    simulation, a, b = pair(loss=0.05, seed=7)
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=25))
    begin = simulation.clock_ns
    said = itertools.count()

    def talk() -> None:
        number = next(said)
        a.say(b, b"a%d" % number)
        b.say(a, b"b%d" % number)

    simulation.every(3 * SECOND, begin + 20 * MINUTE, talk)  # talk,
    simulation.run(35 * MINUTE)  # and be silent
    heard_before = len(b.heard())
    assert heard_before >= 0.9 * 400
    assert a.count(INITIATION) >= 16  # a rekey every two minutes, kept up by the keepalive

    b.is_connected = False  # vanish
    vanished = simulation.clock_ns
    simulation.every(10 * SECOND, vanished + 10 * MINUTE, lambda: a.say(b, b"lost"))
    simulation.run(10 * MINUTE)
    assert len(b.heard()) == heard_before

    b.start()  # come back, with no memory
    b.add_peer(a, knows_endpoint=False)
    b.is_connected = True
    returned = simulation.clock_ns
    simulation.every(SECOND, returned + 15 * MINUTE, lambda: a.say(b, b"%d" % simulation.clock_ns))
    simulation.run(15 * MINUTE)
    first_heard = int(next(content for content in b.heard() if content != b"lost"))
    assert first_heard - returned <= 30 * SECOND
    assert len(b.heard()) >= 0.9 * 870
    assert simulation.clock_ns - begin == HOUR
    assert min(gaps(a.sent)) >= REKEY_TIMEOUT
    assert len(a.device._around.indices) <= 4


# -- roaming -------------------------------------------------------------------------------


def test_a_peer_that_moves_is_answered_where_it_is_after_one_data_packet() -> None:
    simulation, a, b = pair()
    a.say(b, b"from home")
    simulation.run(SECOND)
    simulation.move(a, "198.51.100.9")
    a.say(b, b"from a train")
    simulation.run(SECOND)
    b.say(a, b"safe journey")
    simulation.run(SECOND)
    assert a.heard() == [b"safe journey"]
    assert a.count(INITIATION) == 1
    (peer,) = b.device.state().peers
    assert peer.endpoint == a.endpoint


def test_a_peer_that_sends_from_port_0_is_heard_and_answered_where_it_was() -> None:
    simulation, a, b = pair()
    nowhere = Path(Endpoint(a.endpoint.address, 0))
    a.say(b, b"hello")
    b.arrives(a.sent[-1].message, nowhere)  # the initiation
    (peer,) = b.device.state().peers
    assert peer.endpoint is None
    simulation.run(6 * SECOND)
    a.is_connected = False
    a.say(b, b"from nowhere")
    b.arrives(a.sent[-1].message, nowhere)
    assert b.heard() == [b"hello", b"from nowhere"]
    (peer,) = b.device.state().peers
    assert peer.endpoint == a.endpoint


def test_nothing_unauthentic_moves_a_peer() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    elsewhere = Path(Endpoint(ip_network("203.0.113.66").network_address, 666))
    replayed = a.sent[-1].message
    forged = replayed[:8] + (99).to_bytes(8, "little") + replayed[16:]
    for message in (replayed, forged, a.sent[0].message, b.sent[0].message, bytes(64)):
        b.arrives(message, elsewhere)
    (peer,) = b.device.state().peers
    assert peer.endpoint == a.endpoint
    assert drops(b, DropReason.REPLAYED) == 1
    assert drops(b, DropReason.NOT_AUTHENTIC) == 1
    assert drops(b, DropReason.INVALID_INITIATION) == 1
    assert drops(b, DropReason.INVALID_MAC) == 1
    assert drops(b, DropReason.NOT_A_MESSAGE) == 1


# -- who owns which address -------------------------------------------------------------------


def test_an_inner_source_that_is_not_the_peers_is_dropped_though_it_is_authentic() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    forged = udp_datagram("10.0.0.77", b.inner, b"it is somebody else")
    a.send(forged)
    simulation.run(SECOND)
    assert b.heard() == [b"hello"]
    assert drops(b, DropReason.UNALLOWED_SOURCE) == 1


def test_a_broader_prefix_does_not_let_its_owner_speak_for_a_narrower_one() -> None:
    simulation, a, b = pair()
    c = simulation.host("192.0.2.3", "10.0.0.3")
    b.configure(PeerChange(public_key=a.public_key, add_allowed_ips=(ip_network("10.0.0.0/8"),)))
    b.add_peer(c, knows_endpoint=False)
    a.say(b, b"hello")
    simulation.run(SECOND)
    a.send(udp_datagram(c.inner, b.inner, b"I am c"))
    simulation.run(SECOND)
    assert b.heard() == [b"hello"]
    assert drops(b, DropReason.UNALLOWED_SOURCE) == 1


def test_a_destination_that_nobody_has_is_dropped() -> None:
    _simulation, a, _b = pair()
    a.send(udp_datagram(a.inner, "10.9.9.9", b"hello?"))
    assert a.sent == []
    assert drops(a, DropReason.NO_PEER) == 1


def test_a_peer_without_endpoint_is_not_called() -> None:
    simulation, a, b = pair()
    b.say(a, b"where are you?")
    simulation.run(MINUTE)
    assert b.sent == []
    assert drops(b, DropReason.NO_ENDPOINT) == 1


# -- configuration that touches nothing else ---------------------------------------------------


def test_a_change_to_one_peer_leaves_the_others_session_alone() -> None:
    simulation, a, b = pair()
    c = simulation.host("192.0.2.3", "10.0.0.3")
    for host in (a, b):
        host.add_peer(c)
    a.say(b, b"one")
    simulation.run(SECOND)
    before, index = a.device.state().peers[0], session_index(a)
    a.configure(PeerChange(public_key=c.public_key, description="c", replace_allowed_ips=True))
    a.configure(PeerChange(public_key=c.public_key, remove=True))
    a.say(b, b"two")
    simulation.run(SECOND)
    after = a.device.state().peers[0]
    assert b.heard() == [b"one", b"two"]
    assert session_index(a) == index
    assert after.last_handshake_ns == before.last_handshake_ns
    assert a.count(INITIATION) == 1


def test_setting_what_is_set_already_touches_nothing() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    a.tunnel.configure(
        DeviceChange(
            private_key=a.private_key,
            listen_port=a.device.listen_port,
            fwmark=0,
            peers=(
                PeerChange(
                    public_key=b.public_key,
                    preshared_key=None,
                    endpoint=b.endpoint,
                    persistent_keepalive=0,
                    replace_allowed_ips=True,
                    add_allowed_ips=(ip_network(b.inner),),
                ),
            ),
        ),
        a.now,
    )
    sent = len(a.sent)
    assert a.device.take_update() is None
    a.say(b, b"two")
    simulation.run(SECOND)
    assert b.heard() == [b"one", b"two"]
    assert [message.kind for message in a.sent[sent:]] == [DATA]


def test_a_removed_peer_is_silenced_at_once() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    b.configure(PeerChange(public_key=a.public_key, remove=True))
    a.say(b, b"two")
    simulation.run(SECOND)
    assert b.heard() == [b"one"]
    assert drops(b, DropReason.UNKNOWN_INDEX) == 1


def test_a_new_private_key_starts_a_new_handshake_at_once() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    another = PrivateKey(bytes(range(32)))
    a.tunnel.configure(DeviceChange(private_key=another), a.now)
    b.configure(
        PeerChange(public_key=a.public_key, remove=True),
        PeerChange(public_key=public_key_of(another), add_allowed_ips=(ip_network(a.inner),)),
    )
    a.say(b, b"two")
    simulation.run(SECOND)
    assert b.heard() == [b"one", b"two"]


def test_the_own_public_key_is_no_peer_in_either_order() -> None:
    _simulation, a, b = pair()
    a.configure(PeerChange(public_key=a.public_key))
    assert [peer.public_key for peer in a.device.state().peers] == [b.public_key]
    a.tunnel.configure(DeviceChange(private_key=b.private_key), a.now)
    assert a.device.state().peers == ()


def test_going_down_ends_sessions_and_coming_up_keeps_all_else() -> None:
    simulation, a, b = pair()
    a.say(b, b"one")
    simulation.run(SECOND)
    before = a.device.state()
    a.tunnel.bring_down(a.now)
    a.say(b, b"into the void")
    a.tunnel.bring_up(a.now)
    assert a.device.state().peers[0].allowed_ips == before.peers[0].allowed_ips
    assert a.device.state().peers[0].tx_bytes == before.peers[0].tx_bytes
    a.say(b, b"two")
    simulation.run(SECOND)
    assert b.heard()[-1] == b"two"
    assert a.count(INITIATION) == 2


# -- counters ------------------------------------------------------------------------------


def test_byte_counters_count_whole_messages_and_agree_on_both_ends() -> None:
    simulation, a, b = pair()
    simulation.every(SECOND, simulation.clock_ns + 300 * SECOND, lambda: a.say(b, b"x" * 100))
    simulation.run(400 * SECOND)
    (at_a,), (at_b,) = a.device.state().peers, b.device.state().peers
    assert at_a.tx_bytes == sum(len(sent.message) for sent in a.sent) == at_b.rx_bytes
    assert at_b.tx_bytes == sum(len(sent.message) for sent in b.sent) == at_a.rx_bytes


def test_of_too_many_waiting_packets_the_oldest_are_dropped() -> None:
    simulation, a, b = pair()
    b.is_connected = False
    for number in range(200):
        a.say(b, b"%d" % number)
    b.is_connected = True
    simulation.run(6 * SECOND)
    assert b.heard() == [b"%d" % number for number in range(200 - 128, 200)]
    assert drops(a, DropReason.NO_SESSION) == 200 - 128


# -- load ----------------------------------------------------------------------------------


def test_under_load_a_stranger_is_asked_for_a_cookie_and_a_friend_gets_through_with_it() -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    valid = a.sent[0].message  # its mac1 is right
    flood = Path(Endpoint(ip_network("203.0.113.66").network_address, 666))
    for _ in range(600):
        b.arrives(valid, flood)
    assert b.count(COOKIE) > 0

    def flood_b() -> None:
        for _ in range(600):
            b.arrives(valid, flood)

    simulation.every(SECOND, simulation.clock_ns + 8 * SECOND, flood_b)
    simulation.run(20 * SECOND)
    assert b.heard() == [b"hello"]
    assert drops(b, DropReason.COOKIE_DEMANDED) > 600


# -- what must not end or run away -----------------------------------------------------------


def test_a_keepalive_that_does_not_get_out_is_tried_again() -> None:
    simulation, a, b = pair()
    a.configure(PeerChange(public_key=b.public_key, persistent_keepalive=25))
    simulation.run(MINUTE)
    a.can_send = False
    simulation.run(MINUTE)
    a.can_send = True
    begin = simulation.clock_ns
    simulation.run(10 * MINUTE)
    assert a.count(DATA, since_ns=begin) >= 20


def test_our_own_message_that_is_routed_back_into_the_tunnel_goes_no_further() -> None:
    simulation, a, b = pair()
    a.configure(PeerChange(public_key=b.public_key, add_allowed_ips=(ip_network("0.0.0.0/0"),)))
    a.say(b, b"hello")
    simulation.run(SECOND)
    before = len(a.sent)
    ports = (51820, b.endpoint.port)
    a.send(udp_datagram("192.0.2.1", str(b.endpoint.address), b"sealed", ports=ports))
    assert len(a.sent) == before
    assert drops(a, DropReason.ROUTING_LOOP) == 1


def test_timers_of_many_peers_are_carried_out_in_portions() -> None:
    simulation, a, _b = pair()
    keys = [public_key_of(PrivateKey(n.to_bytes(4, "big") * 8)) for n in range(1, 201)]
    nowhere = Endpoint(ip_network("203.0.113.1").network_address, 9)
    a.configure(
        *(PeerChange(public_key=key, endpoint=nowhere, persistent_keepalive=25) for key in keys)
    )
    before = a.count(INITIATION)
    simulation.clock_ns += MINUTE
    a.tunnel.advance(a.now)
    assert 0 < a.count(INITIATION) - before <= 64
    deadline = a.device.next_deadline()
    assert deadline is not None
    assert deadline <= simulation.clock_ns


def path_of_only_peer(host: Host) -> Path | None:
    (peer,) = host.device._peers.values()
    return peer.path


@pytest.mark.parametrize(
    ("change", "source"),
    [
        (DeviceChange(listen_port=7), None),
        (DeviceChange(fwmark=7), None),
        (DeviceChange(wgrtable=7), None),
        (DeviceChange(wgrtable=0, fwmark=0, groups=("vpn",)), ip_address("192.0.2.2")),
    ],
    ids=["port", "mark", "rdomain", "none of them"],
)
def test_other_sockets_let_go_of_the_learnt_source_address(
    change: DeviceChange, source: IPAddress | None
) -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    learnt = Path(a.endpoint, b.endpoint.address)
    a.say(b, b"again")
    b.arrives(a.sent[-1].message, learnt)
    assert path_of_only_peer(b) == learnt
    b.tunnel.configure(change, b.now)
    assert path_of_only_peer(b) == Path(a.endpoint, source)


def test_groups_and_rdomain_are_kept_until_others_are_set() -> None:
    _, a, _ = pair()
    a.tunnel.configure(DeviceChange(wgrtable=3, groups=("vpn", "egress")), a.now)
    a.tunnel.configure(DeviceChange(listen_port=7), a.now)
    assert (a.device.state().wgrtable, a.device.state().groups) == (3, ("vpn", "egress"))
    a.tunnel.configure(DeviceChange(wgrtable=0, groups=()), a.now)
    assert (a.device.state().wgrtable, a.device.state().groups) == (0, ())


@pytest.mark.parametrize("change", [DeviceChange(listen_port=7), DeviceChange(wgrtable=7)])
def test_whoever_has_a_session_hears_at_once_from_other_sockets(change: DeviceChange) -> None:
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    before = len(b.sent)
    b.tunnel.configure(change, b.now)
    assert [sent.is_keepalive for sent in b.sent[before:]] == [True]
    b.tunnel.configure(change, b.now)
    assert len(b.sent) == before + 1, "where it is no more than before"


def test_without_a_session_other_sockets_are_nobodys_business() -> None:
    _, a, _ = pair()
    a.tunnel.configure(DeviceChange(listen_port=7), a.now)
    assert a.sent == []
