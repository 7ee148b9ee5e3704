"""A WireGuard device: its peers, who owns which address, and what comes in by the door.

The device decides and does nothing: it is told what arrived and what moved, and
leaves effects, forwarding updates and one deadline to be carried out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.now import Now
from netstart_wg.model.saved import SavedDevice, SavedPeer, SavedSession
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.cookie import CookieChecker
from netstart_wg.protocol.effects import Effect, SendMessage, Surroundings
from netstart_wg.protocol.forwarding import (
    DropReason,
    ForwardingUpdate,
    Path,
    PeerId,
    TrafficReport,
)
from netstart_wg.protocol.load import LoadGauge
from netstart_wg.protocol.messages import (
    HANDSHAKE_INITIATION_LENGTH,
    CookieReply,
    HandshakeInitiation,
    HandshakeResponse,
)
from netstart_wg.protocol.noise import LocalIdentity, open_initiation
from netstart_wg.protocol.notices import Notice
from netstart_wg.protocol.peer import Peer
from netstart_wg.protocol.ratelimiter import RateLimiter
from netstart_wg.protocol.schedule import Schedule

PEERS_AT_ONCE = 64
"""Whose timers are carried out between two looks at packets: some twenty milliseconds."""


class Device:
    """The pure core of one interface."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        """Take the source of random bytes: the system's, or a test's own."""
        self._around = Surroundings(random=random)
        self._private_key: PrivateKey | None = None
        self._listen_port = 0
        self._fwmark = 0
        self._wgrtable = 0
        self._groups: tuple[str, ...] = ()
        self._notices = self._around.notices
        self._peers: dict[PublicKey, Peer] = {}
        self._by_number: dict[PeerId, Peer] = {}
        self._peers_ever = 0
        self._allowed_ips: AllowedIps[PeerId] = AllowedIps()
        self._allowed_ips_changed = True
        self._removed: list[PeerId] = []
        self._checker: CookieChecker | None = None
        self._ratelimiter = RateLimiter()
        self._load = LoadGauge()
        self._schedule = Schedule()
        self.revision = 0
        """Grows whenever something changes that a successor should know."""
        self.configurations = 0
        """How often it was configured."""

    # -- configuration -------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether the interface is up."""
        return self._around.is_up

    @property
    def listen_port(self) -> int:
        """The UDP port wished for, or the one that was chosen; 0 if neither."""
        return self._listen_port

    @property
    def fwmark(self) -> int:
        """The mark of the UDP sockets; 0 is none."""
        return self._fwmark

    @property
    def wgrtable(self) -> int:
        """The rdomain of the UDP sockets."""
        return self._wgrtable

    @property
    def is_debug(self) -> bool:
        """Whether it shall say what it does: the interface's IFF_DEBUG."""
        return self._notices.is_wanted

    @is_debug.setter
    def is_debug(self, is_on: bool) -> None:
        self._notices.is_wanted = is_on

    def port_chosen(self, port: int) -> None:
        """Note the port that the system chose, to be kept from now on."""
        if port != self._listen_port:
            self._listen_port = port
            self.revision += 1

    def bring_up(self, now: Now) -> None:
        """Note that the interface came up and its sockets are open."""
        if not self._around.is_up:
            self._around.is_up = True
            self.revision += 1
            for peer in self._peers.values():
                peer.start(now)
                self._reschedule(peer)

    def bring_down(self) -> None:
        """Note that the interface went down: all sessions end."""
        if self._around.is_up:
            self._around.is_up = False
            self.revision += 1
            for peer in self._peers.values():
                peer.stop()

    def configure(self, change: DeviceChange, now: Now) -> None:
        """Apply a change, which cannot fail; what is equal is not touched."""
        self.configurations += 1
        self.revision += 1
        had_no_key = self._private_key is None
        was_at = self._listen_port, self._wgrtable
        if change.private_key is not UNCHANGED:
            self._set_private_key(change.private_key)
        self._set_sockets(change)
        if change.groups is not UNCHANGED:
            self._groups = change.groups
        if change.replace_peers:
            for peer in list(self._peers.values()):
                self._remove_peer(peer)
        for peer_change in change.peers:
            self._configure_peer(peer_change, now)
        if had_no_key and self._private_key is not None:
            self._send_staged(now)
        if (self._listen_port, self._wgrtable) != was_at:
            self._announce(now)

    def state(self) -> WireGuardState:
        """Return what `wg show` shows."""
        peers = tuple(self._peer_state(peer) for peer in self._peers.values())
        return dataclasses.replace(self.own_state(), peers=peers)

    def own_state(self) -> WireGuardState:
        """Return the same without the peers."""
        return WireGuardState(
            private_key=self._private_key,
            listen_port=self._listen_port,
            fwmark=self._fwmark,
            wgrtable=self._wgrtable,
            groups=self._groups,
            drops=tuple(sorted((reason.value, n) for reason, n in self._around.drops.items() if n)),
        )

    def _peer_state(self, peer: Peer) -> PeerState:
        return PeerState(
            public_key=peer.public_key,
            preshared_key=peer.preshared_key,
            endpoint=peer.path.endpoint if peer.path else None,
            last_handshake_ns=peer.last_handshake_realtime_ns,
            tx_bytes=peer.tx_bytes,
            rx_bytes=peer.rx_bytes,
            persistent_keepalive=peer.persistent_keepalive,
            allowed_ips=self._allowed_ips.of(peer.number),
            description=peer.description,
        )

    # -- what outlives the process -------------------------------------------------------

    def save_peers(self) -> Iterator[SavedPeer]:
        """Yield the peers, each as it is when its turn comes."""
        for peer in list(self._peers.values()):
            if peer.number in self._by_number:
                yield peer.save(self._peer_state(peer))

    def save_sessions(self) -> Iterator[SavedSession]:
        """Yield what goes on with each peer; to be called when nothing is moved any more."""
        if self._around.is_up:
            for peer in self._peers.values():
                yield peer.save_session()

    def restore(self, saved: SavedDevice, now: Now) -> None:
        """Be what another process was, without its sessions; to be called when new and down."""
        self.configure(saved.configuration(), now)
        for each in saved.peers:
            if (peer := self._peers.get(each.state.public_key)) is not None:
                peer.restore(each, now)

    def restore_sessions(self, sessions: Iterable[SavedSession], now: Now) -> None:
        """Go on with these; to be called between `restore` and `bring_up`, and once ever."""
        for each in sessions:
            if (peer := self._peers.get(each.public_key)) is not None:
                peer.restore_session(each, now)

    # -- configuration, one thing at a time ----------------------------------------------

    def _set_sockets(self, change: DeviceChange) -> None:
        """Take in port, mark and rdomain; our learnt addresses may not go with other ones."""
        before = self._listen_port, self._fwmark, self._wgrtable
        if change.listen_port is not UNCHANGED:
            self._listen_port = change.listen_port
        if change.fwmark is not UNCHANGED:
            self._fwmark = change.fwmark
        if change.wgrtable is not UNCHANGED:
            self._wgrtable = change.wgrtable
        if (self._listen_port, self._fwmark, self._wgrtable) != before:
            for peer in self._peers.values():
                peer.release_source()

    def _set_private_key(self, private_key: PrivateKey | None) -> None:
        if private_key == self._private_key:
            return
        identity = LocalIdentity.of(private_key) if private_key else None
        self._private_key, self._around.identity = private_key, identity
        self._checker = CookieChecker(identity.public_key) if identity else None
        if identity and identity.public_key in self._peers:
            self._remove_peer(self._peers[identity.public_key])
        for peer in self._peers.values():
            peer.identity_changed()

    def _send_staged(self, now: Now) -> None:
        """Begin with what waited for a private key: no timer does, for without one none can."""
        for peer in self._peers.values():
            peer.flush(now)
            self._reschedule(peer)

    def _announce(self, now: Now) -> None:
        """Be heard at once from where we are now: until then peers send to where we were."""
        for peer in self._peers.values():
            if peer.announce(now):
                self._reschedule(peer)

    def _configure_peer(self, change: PeerChange, now: Now) -> None:
        peer = self._peers.get(change.public_key)
        if change.remove:
            if peer is not None:
                self._remove_peer(peer)
            return
        if peer is None:
            if change.update_only or self._is_own(change.public_key):
                return
            peer = self._add_peer(change.public_key)
        if change.preshared_key is not UNCHANGED:
            peer.preshared_key = change.preshared_key
        if change.description is not UNCHANGED:
            peer.description = change.description
        if change.endpoint is not UNCHANGED:
            peer.set_endpoint(change.endpoint)
        self._configure_allowed_ips(peer, change)
        if change.persistent_keepalive is not UNCHANGED:
            peer.set_persistent_keepalive(change.persistent_keepalive, now)
        peer.flush(now)
        self._reschedule(peer)

    def _configure_allowed_ips(self, peer: Peer, change: PeerChange) -> None:
        if change.replace_allowed_ips:
            wanted = tuple(dict.fromkeys(change.add_allowed_ips))
            if wanted == self._allowed_ips.of(peer.number) and not change.remove_allowed_ips:
                return
            self._allowed_ips.remove_owner(peer.number)
            self._allowed_ips_changed = True
        for network in change.add_allowed_ips:
            self._allowed_ips.insert(network, peer.number)
            self._allowed_ips_changed = True
        for network in change.remove_allowed_ips:
            self._allowed_ips.remove(network, peer.number)
            self._allowed_ips_changed = True

    def _is_own(self, public_key: PublicKey) -> bool:
        identity = self._around.identity
        return identity is not None and identity.public_key == public_key

    def _add_peer(self, public_key: PublicKey) -> Peer:
        peer = Peer(PeerId(self._peers_ever), public_key, self._around)
        self._peers_ever += 1
        self._notices.info(f"Peer {peer.number} created")
        self._peers[public_key] = self._by_number[peer.number] = peer
        return peer

    def _remove_peer(self, peer: Peer) -> None:
        peer.stop()
        self._notices.info(f"Peer {peer.number} destroyed")
        self._allowed_ips.remove_owner(peer.number)
        self._allowed_ips_changed = True
        del self._peers[peer.public_key], self._by_number[peer.number]
        self._around.changed.discard(peer.number)
        self._schedule.forget(peer.number)
        self._removed.append(peer.number)

    def release_sources(self, is_wrong: Callable[[Path], bool]) -> None:
        """Let the routing choose our address anew for the peers of which that says so."""
        for peer in self._peers.values():
            if peer.path is not None and peer.path.source is not None and is_wrong(peer.path):
                peer.release_source()

    # -- what arrives and what moved -------------------------------------------------------

    def traffic(self, report: TrafficReport, now: Now) -> None:
        """Take in what the data path did, as the events of paper §6."""
        if report.drops:
            self._around.drops.update(report.drops)
            self._tell_faults(report)
        for number, traffic in report.sent.items():
            if (peer := self._by_number.get(number)) is not None:
                peer.packets_sent(traffic, now)
                self._reschedule(peer)
        for number, traffic in report.received.items():
            if (peer := self._by_number.get(number)) is not None:
                peer.packets_received(traffic, now)
                self._reschedule(peer)
        if report.unsent:
            self._stage(report, now)
        for message, path in report.messages:
            self.message_received(message, path, now)

    def _tell_faults(self, report: TrafficReport) -> None:
        for (number, reason), count in report.faults.items() if self.is_debug else ():
            if (peer := self._by_number.get(number)) is not None:
                for _ in range(count):
                    peer.tell_fault(reason)

    def _stage(self, report: TrafficReport, now: Now) -> None:
        waiting: dict[PeerId, Peer] = {}
        for number, packet in report.unsent:
            peer = self._by_number.get(number)
            if peer is None or not self._around.is_up:
                self._around.drops[DropReason.NO_SESSION] += 1
            else:
                peer.stage(packet)
                waiting[number] = peer
        for peer in waiting.values():
            peer.flush(now)
            self._reschedule(peer)

    def message_sent(self, number: PeerId | None, length: int) -> None:
        """Note that an effect `SendMessage` was carried out, and how many bytes it took."""
        if number is not None and (peer := self._by_number.get(number)) is not None:
            peer.message_sent(length)

    def message_received(self, message: bytes, path: Path, now: Now) -> None:
        """Take in a datagram that looks like a handshake message or a cookie reply."""
        if (initiation := HandshakeInitiation.decode(message)) is not None:
            if self._admit(message, initiation.sender_index, path, now):
                self._initiation_received(initiation, len(message), path, now)
        elif (response := HandshakeResponse.decode(message)) is not None:
            if self._admit(message, response.sender_index, path, now):
                self._response_received(response, len(message), path, now)
        elif (reply := CookieReply.decode(message)) is not None:
            self._cookie_reply_received(reply, path, now)
        else:
            self._drop(DropReason.NOT_A_MESSAGE)

    def _admit(self, message: bytes, sender_index: int, path: Path, now: Now) -> bool:
        """Check the macs; under load, demand a cookie and hold to the rate (paper §5.3, §5.4.4)."""
        checker = self._checker
        sender = path.endpoint.address
        if checker is None or not checker.check_mac1(message):
            kind = "initiation" if len(message) == HANDSHAKE_INITIATION_LENGTH else "response"
            self._notices.info(f"Invalid {kind} MAC from {sender}")
            self._drop(DropReason.INVALID_MAC)
            return False
        if not self._load.is_under_load(now.boottime_ns):
            return True
        random = self._around.random
        if not checker.check_mac2(message, path.endpoint, now.boottime_ns, random):
            reply = checker.create_reply(
                message, sender_index, path.endpoint, now.boottime_ns, random
            )
            self._around.effects.append(SendMessage(reply.encode(), path, None))
            self._notices.debug("Sending cookie response for denied handshake message")
            self._drop(DropReason.COOKIE_DEMANDED)
            return False
        if not self._ratelimiter.allow(sender, now.boottime_ns):
            self._notices.debug(f"Handshake ratelimited from {sender}")
            self._drop(DropReason.RATE_LIMITED)
            return False
        return True

    def _initiation_received(
        self, initiation: HandshakeInitiation, length: int, path: Path, now: Now
    ) -> None:
        identity = self._around.identity
        opened = open_initiation(identity, initiation) if identity and self.is_up else None
        peer = self._peers.get(opened.public_key) if opened else None
        if opened and peer and peer.initiation_received(opened, length, path, now):
            self._reschedule(peer)
        else:
            self._notices.info(f"Invalid handshake initiation from {path.endpoint.address}")
            self._drop(DropReason.INVALID_INITIATION)

    def _response_received(
        self, response: HandshakeResponse, length: int, path: Path, now: Now
    ) -> None:
        peer = self._peer_of_index(response.receiver_index)
        if peer is None or not peer.response_received(response, length, path, now):
            what = "Unknown" if peer is None else "Invalid"
            self._notices.info(f"{what} handshake response from {path.endpoint.address}")
            self._drop(DropReason.INVALID_RESPONSE)
        else:
            self._reschedule(peer)

    def _cookie_reply_received(self, reply: CookieReply, path: Path, now: Now) -> None:
        sender = path.endpoint.address
        peer = self._peer_of_index(reply.receiver_index)
        if peer is None:
            self._notices.debug(f"Unknown cookie index from {sender}")
            self._drop(DropReason.INVALID_COOKIE)
        elif peer.cookies.consume_reply(reply, now.boottime_ns):
            self._notices.debug(f"Receiving cookie response from {sender}")
        else:
            self._notices.debug(f"Could not decrypt cookie response from {sender}")
            self._drop(DropReason.INVALID_COOKIE)

    def _peer_of_index(self, index: int) -> Peer | None:
        number = self._around.indices.lookup(index)
        return None if number is None else self._by_number.get(number)

    def _drop(self, reason: DropReason) -> None:
        self._around.drops[reason] += 1

    # -- what is wanted ----------------------------------------------------------------------

    def take_effects(self) -> list[Effect]:
        """Return what is to be sent, in order, once."""
        if not self._around.effects:
            return []
        effects, self._around.effects = self._around.effects, []
        return effects

    @property
    def has_notices(self) -> bool:
        """Whether `take_notices` has anything to return."""
        return self._notices.is_waiting

    def take_notices(self) -> list[Notice]:
        """Return what there is to say, in order, once; nothing without `is_debug`."""
        return self._notices.take()

    def take_update(self) -> ForwardingUpdate | None:
        """Return what the data path has to learn before the effects are carried out, once."""
        if not (self._around.changed or self._removed or self._allowed_ips_changed):
            return None
        self.revision += 1
        changed, self._around.changed = self._around.changed, set()
        removed, self._removed = tuple(self._removed), []
        allowed_ips = self._allowed_ips if self._allowed_ips_changed else None
        self._allowed_ips_changed = False
        return ForwardingUpdate(
            allowed_ips=allowed_ips,
            peers=tuple(self._by_number[number].forwarding() for number in sorted(changed)),
            removed=removed,
        )

    def next_deadline(self) -> int | None:
        """Return when `advance` is to be called at the latest, boot-time ns, or None."""
        return self._schedule.next_deadline()

    def advance(self, now: Now) -> None:
        """Carry out timers that are due; calling it late or early does no harm.

        Of many peers only some have their turn, so that packets have theirs;
        `next_deadline` then lies in the past.
        """
        for _ in range(PEERS_AT_ONCE):
            number = self._schedule.take(now.boottime_ns)
            if number is None:
                return
            peer = self._by_number[number]
            peer.advance(now)
            self._reschedule(peer)

    def _reschedule(self, peer: Peer) -> None:
        """See to it that the peer is looked at in time."""
        self._schedule.enter(peer.number, peer.next_deadline())

    @property
    def drops(self) -> Mapping[DropReason, int]:
        """What was dropped since the device was made."""
        return self._around.drops
