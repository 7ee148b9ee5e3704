"""A peer's whole state machine: handshakes, keypairs, timers, staged packets.

Nothing of it lives elsewhere.  The peer reads no clock and sends nothing: it is
told what happened and when, and leaves what it wants in its surroundings.
"""

from __future__ import annotations

from collections import deque
from typing import assert_never

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PresharedKey, PublicKey
from netstart_wg.model.now import NANOSECONDS_PER_SECOND, Now
from netstart_wg.model.saved import NO_TIMESTAMP, SavedKeypair, SavedPeer, SavedSession
from netstart_wg.model.state import PeerState
from netstart_wg.protocol.cookie import CookieMaker
from netstart_wg.protocol.effects import SendMessage, SendPackets, Surroundings
from netstart_wg.protocol.forwarding import (
    DropReason,
    Path,
    PeerForwarding,
    PeerId,
    PeerTraffic,
)
from netstart_wg.protocol.keypair import Keypair, Keypairs
from netstart_wg.protocol.messages import (
    KEEPALIVE_TIMEOUT_NS,
    MAX_STAGED_PACKETS,
    REJECT_AFTER_TIME_NS,
    REKEY_AFTER_MESSAGES,
    REKEY_AFTER_TIME_NS,
    REKEY_TIMEOUT_NS,
    HandshakeResponse,
)
from netstart_wg.protocol.noise import (
    InitiatorState,
    LocalIdentity,
    OpenedInitiation,
    RemoteIdentity,
    SessionKeys,
    authenticate_initiation,
    consume_response,
    create_initiation,
    create_response,
)
from netstart_wg.protocol.notices import peer_name
from netstart_wg.protocol.tai64n import STEP_NS, is_newer, timestamp
from netstart_wg.protocol.timers import Timer, Timers

MAX_TIMER_HANDSHAKES = 18
"""REKEY_ATTEMPT_TIME / REKEY_TIMEOUT; counted as the Linux driver does, 20 sends in all."""

INITIATION_INTERVAL_NS = NANOSECONDS_PER_SECOND // 50
"""A peer's initiations that follow each other more closely than this are refused."""

REKEY_ON_RECEIVE_AFTER_NS = REJECT_AFTER_TIME_NS - KEEPALIVE_TIMEOUT_NS - REKEY_TIMEOUT_NS
"""An initiator that only receives rekeys this early (paper §6.2)."""


class Peer:
    """One peer of a device."""

    def __init__(self, number: PeerId, public_key: PublicKey, surroundings: Surroundings) -> None:
        self.number = number
        self.public_key = public_key
        self.description: str | None = None
        self.preshared_key: PresharedKey | None = None
        self.persistent_keepalive = 0
        self.path: Path | None = None
        self.tx_bytes = 0
        self.rx_bytes = 0
        self.last_handshake_realtime_ns = 0
        self._around = surroundings
        self._notices = surroundings.notices
        self._computed_remote: RemoteIdentity | None = None
        self._timers = Timers()
        self._keypairs = Keypairs()
        self._cookies = CookieMaker(public_key)
        self._staged: deque[bytes] = deque()
        self._initiator: InitiatorState | None = None
        self._initiator_index = 0
        self._last_initiation_sent_ns: int | None = None
        self._last_initiation_consumed_ns: int | None = None
        self._latest_timestamp = NO_TIMESTAMP
        self._latest_date_sent_ns = 0
        self._attempts = 0
        self._sent_last_minute_handshake = False
        self.identity_changed()

    def __str__(self) -> str:
        """Name it as notices do."""
        return peer_name(self.number, self.path.endpoint.address if self.path else None)

    # -- configuration ----------------------------------------------------------------

    def identity_changed(self) -> None:
        """Note that our own key is another: old sessions only receive, a new one may start now."""
        self._computed_remote = None
        self._forget_initiation()
        self._keypairs.stop_sending()
        self._last_initiation_sent_ns = None
        self._around.changed.add(self.number)

    def set_endpoint(self, endpoint: Endpoint) -> None:
        """Send there from now on; the session stays."""
        if self.path is None or self.path.endpoint != endpoint:
            self._set_path(Path(endpoint))

    def set_persistent_keepalive(self, seconds: int, now: Now) -> None:
        """Set the interval; switching it on sends one at once."""
        switched_on = seconds and not self.persistent_keepalive
        self.persistent_keepalive = seconds
        self._timers.set_persistent_keepalive(seconds)
        if switched_on and self._around.is_up:
            self.send_keepalive(now)

    def start(self, now: Now) -> None:
        """Note that the interface came up."""
        if self.persistent_keepalive and not self._has_session(now):
            self._timers.word_is_owed(now.boottime_ns)
        self.flush(now)

    def stop(self) -> None:
        """Note that the interface went down: sessions, timers and staged packets go."""
        self._staged.clear()
        self._timers.stop()
        self._forget_secrets()
        self._last_initiation_sent_ns = None

    # -- what the device asks ------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """Return when `advance` has something to do, boot-time ns, or None."""
        return self._timers.next_deadline()

    def forwarding(self) -> PeerForwarding:
        """Return the entry for the data path."""
        return PeerForwarding(
            peer=self.number,
            path=self.path,
            sending=self._keypairs.current,
            receiving=tuple(self._keypairs),
        )

    # -- packets that have been moved ----------------------------------------------------

    def packets_sent(self, traffic: PeerTraffic, now: Now) -> None:
        """Note that packets went out under the current keypair."""
        self.tx_bytes += traffic.bytes
        self._timers.any_authenticated_packet_traversal(now.boottime_ns)
        self._timers.any_authenticated_packet_sent()
        for _ in range(traffic.keepalives):
            self._notices.debug(f"Sending keepalive packet to {self}")
        if traffic.data_packets and not self._timers.is_pending(Timer.NEW_HANDSHAKE):
            self._timers.data_sent(now.boottime_ns, self._around.jitter_ns())
        self._keep_key_fresh_sending(traffic.keypair, now)

    def packets_received(self, traffic: PeerTraffic, now: Now) -> None:
        """Note that authentic packets came in."""
        self.rx_bytes += traffic.bytes
        if traffic.path is not None:
            self._set_path(traffic.path)
        for _ in range(traffic.keepalives):
            self._notices.debug(f"Receiving keepalive packet from {self}")
        for keypair in traffic.used:
            fell_out = self._keypairs.confirm(keypair)
            if fell_out is not None:
                self._release(fell_out)
                self._handshake_complete(now)
                self.flush(now)
        self._timers.any_authenticated_packet_received()
        self._timers.any_authenticated_packet_traversal(now.boottime_ns)
        if traffic.data_packets:
            self._timers.data_received(now.boottime_ns)
        self._keep_key_fresh_receiving(now)

    def message_sent(self, length: int) -> None:
        """Note that a handshake message of that many bytes left the socket."""
        self.tx_bytes += length

    def tell_fault(self, reason: DropReason) -> None:
        """Tell of a packet to or from this peer that the data path dropped."""
        match reason:
            case DropReason.NO_ENDPOINT:
                self._notices.debug(
                    f"No valid endpoint has been configured or discovered for peer {self.number}"
                )
            case DropReason.UNALLOWED_SOURCE:
                self._notices.warning(f"Packet has unallowed source IP from {self}")
            case DropReason.NOT_IP:
                self._notices.warning(f"Packet is neither IPv4 nor IPv6 from {self}")
            case _:
                pass

    def stage(self, packet: bytes) -> None:
        """Keep an inner packet until there is a session; of too many the oldest is dropped."""
        if len(self._staged) >= MAX_STAGED_PACKETS:
            self._count_dropped(self._staged.popleft())
        self._staged.append(packet)

    def flush(self, now: Now) -> None:
        """Send what is staged, or start the handshake that it waits for."""
        if not self._staged or not self._around.is_up:
            return
        if self._has_session(now):
            self._around.effects.append(SendPackets(self.number, tuple(self._staged)))
            self._staged.clear()
        else:
            self.initiate(now)

    def send_keepalive(self, now: Now) -> None:
        """Send an empty packet, or whatever is staged, which does as well."""
        if not self._staged:
            self._staged.append(b"")
        self.flush(now)

    def announce(self, now: Now) -> bool:
        """Send an empty packet if there is a session; return whether there is one.

        Without a session the peer sends nothing that could get lost.
        """
        has_session = self._has_session(now)
        if has_session:
            self.send_keepalive(now)
        return has_session

    # -- handshakes ----------------------------------------------------------------------

    def initiate(self, now: Now) -> None:
        """Send an initiation, unless the last one is younger than REKEY_TIMEOUT."""
        self._attempts = 0
        self._send_initiation(now)

    def initiation_received(
        self, opened: OpenedInitiation, length: int, path: Path, now: Now
    ) -> bool:
        """Answer an initiation; return False if it is a replay, a flood or not authentic."""
        remote = self._remote()
        responder = authenticate_initiation(opened, remote) if remote else None
        if responder is None or not is_newer(responder.timestamp, self._latest_timestamp):
            return False
        consumed_ns = self._last_initiation_consumed_ns
        if consumed_ns is not None and now.boottime_ns - consumed_ns < INITIATION_INTERVAL_NS:
            return False
        self._latest_timestamp = responder.timestamp
        self._last_initiation_consumed_ns = now.boottime_ns
        index = self._allocate_index()
        assert remote is not None
        created = create_response(
            responder, remote, self.preshared_key, index, self._around.ephemeral()
        )
        if created is None:
            self._around.indices.release(index)
            return False
        response, keys = created
        self.rx_bytes += length
        self._set_path(path)
        self._notices.info(f"Receiving handshake initiation from {self}")
        self._notices.info(f"Sending handshake response to {self}")
        self._add_keypair(keys, index, opened.remote_index, is_initiator=False, now=now)
        self._last_initiation_sent_ns = now.boottime_ns
        self._send(response.encode(), now)
        self._timers.any_authenticated_packet_received()
        return True

    def response_received(
        self, response: HandshakeResponse, length: int, path: Path, now: Now
    ) -> bool:
        """Take in an answer to our initiation; return False if it is none."""
        identity, initiator = self._around.identity, self._initiator
        if initiator is None or identity is None:
            return False
        if response.receiver_index != self._initiator_index:
            return False
        keys = consume_response(identity, initiator, self.preshared_key, response)
        if keys is None:
            return False
        index, self._initiator = self._initiator_index, None
        self.rx_bytes += length
        self._set_path(path)
        self._notices.info(f"Receiving handshake response from {self}")
        self._add_keypair(keys, index, response.sender_index, is_initiator=True, now=now)
        self._handshake_complete(now)
        self._timers.any_authenticated_packet_received()
        self._timers.any_authenticated_packet_traversal(now.boottime_ns)
        self.send_keepalive(now)
        return True

    @property
    def cookies(self) -> CookieMaker:
        """The peer's cookies, for a cookie reply that names an index of this peer."""
        return self._cookies

    # -- timers --------------------------------------------------------------------------

    def advance(self, now: Now) -> None:
        """Carry out the timers that are due."""
        for timer in self._timers.expired(now.boottime_ns):
            match timer:
                case Timer.RETRANSMIT_HANDSHAKE:
                    self._retransmit_handshake(now)
                case Timer.SEND_KEEPALIVE:
                    self.send_keepalive(now)
                case Timer.PERSISTENT_KEEPALIVE:
                    # armed again here, for the packet may not get out
                    self._timers.any_authenticated_packet_traversal(now.boottime_ns)
                    self.send_keepalive(now)
                case Timer.NEW_HANDSHAKE:
                    self._notices.info(
                        f"Retrying handshake with {self}"
                        " because we stopped hearing back after 15 seconds"
                    )
                    self.release_source()
                    self.initiate(now)
                case Timer.ZERO_KEY_MATERIAL:
                    self._notices.info(f"Zeroing out keys for {self}")
                    self._forget_secrets()
                case _:
                    assert_never(timer)

    def _retransmit_handshake(self, now: Now) -> None:
        if self._attempts > MAX_TIMER_HANDSHAKES:
            tries = MAX_TIMER_HANDSHAKES + 2
            self._notices.info(
                f"Handshake for {self} did not complete after {tries} retries, giving up"
            )
            self._count_dropped(*self._staged)
            self._staged.clear()
            self._timers.handshake_given_up(now.boottime_ns)
            return
        self._attempts += 1
        self._notices.info(
            f"Handshake for {self} did not complete after 5 seconds,"
            f" retrying (try {self._attempts + 1})"
        )
        self.release_source()
        self._send_initiation(now)

    # -- what outlives the process -----------------------------------------------------

    def save(self, state: PeerState) -> SavedPeer:
        """Return what is to be known of it afterwards, beside what everybody may know."""
        return SavedPeer(
            state=state,
            latest_timestamp=self._latest_timestamp,
            latest_date_sent_ns=self._latest_date_sent_ns,
        )

    def restore(self, saved: SavedPeer, now: Now) -> None:
        """Take in what is no configuration; who had a session lately hears from us at once."""
        state = saved.state
        self.tx_bytes, self.rx_bytes = state.tx_bytes, state.rx_bytes
        self.last_handshake_realtime_ns = state.last_handshake_ns
        self._latest_timestamp = saved.latest_timestamp
        self._latest_date_sent_ns = saved.latest_date_sent_ns
        if 0 <= now.realtime_ns - state.last_handshake_ns < REJECT_AFTER_TIME_NS:
            self._timers.word_is_owed(now.boottime_ns)

    def save_session(self) -> SavedSession:
        """Return what goes on; to be called when nothing is sent or received here any more."""
        keypairs, path = self._keypairs, self.path
        return SavedSession(
            public_key=self.public_key,
            previous=_saved(keypairs.previous),
            current=_saved(keypairs.current),
            next=_saved(keypairs.next),
            deadlines=self._timers.save(),
            initiation_sent_ns=self._last_initiation_sent_ns,
            initiation_consumed_ns=self._last_initiation_consumed_ns,
            is_initiating=self._initiator is not None,
            sent_last_minute_handshake=self._sent_last_minute_handshake,
            source=path.source if path else None,
            interface=path.interface if path else 0,
            staged=tuple(self._staged),
        )

    def restore_session(self, saved: SavedSession, now: Now) -> None:
        """Go on where another process has stopped.

        A response to its last initiation means nothing to us, so there will be another one.
        """
        self._timers.stop()
        self._timers.restore(saved.deadlines)
        self._last_initiation_sent_ns = saved.initiation_sent_ns
        self._last_initiation_consumed_ns = saved.initiation_consumed_ns
        self._sent_last_minute_handshake = saved.sent_last_minute_handshake
        self._staged.extend(saved.staged[-MAX_STAGED_PACKETS:])
        keypairs = self._keypairs
        keypairs.previous = self._restored(saved.previous)
        keypairs.current = self._restored(saved.current)
        keypairs.next = self._restored(saved.next)
        if self.path is not None:
            self.path = Path(self.path.endpoint, saved.source, saved.interface)
        if saved.is_initiating:
            self._last_initiation_sent_ns = None
            if not self._has_session(now):
                self._timers.word_is_owed(now.boottime_ns)
        self._around.changed.add(self.number)

    def _restored(self, saved: SavedKeypair | None) -> Keypair | None:
        if saved is None or not self._around.indices.claim(saved.local_index, self.number):
            return None
        return Keypair.restored(saved)

    # -- inside --------------------------------------------------------------------------

    def _has_session(self, now: Now) -> bool:
        current = self._keypairs.current
        return current is not None and current.can_send(now.boottime_ns)

    def _send_initiation(self, now: Now) -> None:
        identity = self._around.identity
        sent_ns = self._last_initiation_sent_ns
        if identity is None or not self._around.is_up:
            return
        if sent_ns is not None and now.boottime_ns - sent_ns < REKEY_TIMEOUT_NS:
            return
        self._forget_initiation()
        self._notices.info(f"Sending handshake initiation to {self}")
        if not self._create_initiation(identity, now):
            return
        self._last_initiation_sent_ns = now.boottime_ns
        self._timers.handshake_initiated(now.boottime_ns, self._around.jitter_ns())

    def _remote(self) -> RemoteIdentity | None:
        """Return whom a handshake is with; None while we have no key.

        Computed for the first one: with thousands of peers, most of the time to
        configure them would go into secrets of which few are soon needed.
        """
        identity = self._around.identity
        if self._computed_remote is None and identity is not None:
            self._computed_remote = RemoteIdentity.of(identity, self.public_key)
        return self._computed_remote

    def _create_initiation(self, identity: LocalIdentity, now: Now) -> bool:
        remote = self._remote()
        assert remote is not None  # we have a key
        index = self._allocate_index()
        created = create_initiation(
            identity, remote, index, self._around.ephemeral(), self._next_date(now)
        )
        if created is None:  # a low-order key: it must never get a packet
            self._around.indices.release(index)
            return False
        initiation, self._initiator = created
        self._initiator_index = index
        self._send(initiation.encode(), now)
        return True

    def _next_date(self, now: Now) -> bytes:
        """Return a later date than the peer had from us: with none other will it be content.

        A clock that was ahead for a while, and is set right, does not shut us out by that.
        """
        self._latest_date_sent_ns = max(now.realtime_ns, self._latest_date_sent_ns + STEP_NS)
        return timestamp(self._latest_date_sent_ns)

    def _send(self, message: bytes, now: Now) -> None:
        """Send a handshake message, with its macs."""
        self._timers.any_authenticated_packet_traversal(now.boottime_ns)
        self._timers.any_authenticated_packet_sent()
        with_macs = self._cookies.add_macs(message, now.boottime_ns)
        if self.path is None:
            self._around.drops[DropReason.NO_ENDPOINT] += 1
        else:
            self._around.effects.append(SendMessage(with_macs, self.path, self.number))

    def _add_keypair(
        self,
        keys: SessionKeys,
        local_index: int,
        remote_index: int,
        *,
        is_initiator: bool,
        now: Now,
    ) -> None:
        keypair = Keypair.of(
            keys,
            local_index=local_index,
            remote_index=remote_index,
            is_initiator=is_initiator,
            created_ns=now.boottime_ns,
        )
        self._release(self._keypairs.add(keypair))
        self._timers.session_derived(now.boottime_ns)

    def _handshake_complete(self, now: Now) -> None:
        self._timers.handshake_complete()
        self._attempts = 0
        self._sent_last_minute_handshake = False
        self.last_handshake_realtime_ns = now.realtime_ns

    def _keep_key_fresh_sending(self, keypair: Keypair, now: Now) -> None:
        age_ns = now.boottime_ns - keypair.created_ns
        if keypair.send_counter > REKEY_AFTER_MESSAGES or (
            keypair.is_initiator and age_ns >= REKEY_AFTER_TIME_NS
        ):
            self.initiate(now)

    def _keep_key_fresh_receiving(self, now: Now) -> None:
        current = self._keypairs.current
        if current is None or not current.is_initiator or self._sent_last_minute_handshake:
            return
        if now.boottime_ns - current.created_ns >= REKEY_ON_RECEIVE_AFTER_NS:
            self._sent_last_minute_handshake = True
            self.initiate(now)

    def _set_path(self, path: Path) -> None:
        """Send there from now on, unless it was sent from port 0: then nobody expects an answer."""
        if path != self.path and path.endpoint.port:
            self.path = path
            self._around.changed.add(self.number)

    def release_source(self) -> None:
        """Let the routing choose our address anew: the old one may be why nobody answers."""
        if self.path is not None and self.path.source is not None:
            self._set_path(Path(self.path.endpoint))

    def _count_dropped(self, *packets: bytes) -> None:
        """Count staged packets that go nowhere; an empty one is only a keepalive."""
        self._around.drops[DropReason.NO_SESSION] += sum(map(bool, packets))

    def _allocate_index(self) -> int:
        return self._around.indices.allocate(self.number, self._around.random)

    def _release(self, keypairs: list[Keypair]) -> None:
        for keypair in keypairs:
            self._around.indices.release(keypair.local_index)
        self._around.changed.add(self.number)

    def _forget_initiation(self) -> None:
        if self._initiator is not None:
            self._around.indices.release(self._initiator_index)
            self._initiator = None

    def _forget_secrets(self) -> None:
        self._forget_initiation()
        self._release(self._keypairs.clear())


def _saved(keypair: Keypair | None) -> SavedKeypair | None:
    return None if keypair is None else keypair.save()
