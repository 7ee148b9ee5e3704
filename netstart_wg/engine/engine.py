"""The engine of one interface: descriptors, the loop, and what wakes it.

One thread, one selector, one deadline.  Everything that decides is in `Tunnel`
and below; this file waits, reads the clocks once per wake-up, and calls.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import logging
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Collection
from types import FrameType

from netstart_wg import VERSION
from netstart_wg.datapath.base import MAX_JOINED_OCTETS, MAX_SEGMENTS
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.engine.bound_sockets import fwmark_of
from netstart_wg.engine.clock_steps import ClockSteps
from netstart_wg.engine.descriptors import Descriptors
from netstart_wg.engine.link import LinkEvents, LinkState
from netstart_wg.engine.network_changes import NetworkChanges
from netstart_wg.engine.opener import Opener, OpenerGoneError
from netstart_wg.engine.readiness import Pace, Readiness, Serve
from netstart_wg.engine.succession import Succession
from netstart_wg.engine.tun import Tun
from netstart_wg.engine.tun_device import TunGoneError
from netstart_wg.engine.tunnel import Tunnel
from netstart_wg.engine.uapi_server import MAX_CLIENTS, UapiClient
from netstart_wg.engine.udp import UdpPort, UdpSockets
from netstart_wg.errors import BackendError
from netstart_wg.model.change import UNCHANGED, DeviceChange
from netstart_wg.model.config import DEFAULT_MTU
from netstart_wg.model.now import NANOSECONDS_PER_SECOND, Now
from netstart_wg.model.offload import Offload
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.device import Device
from netstart_wg.protocol.messages import TAG_LENGTH, TRANSPORT_HEADER_LENGTH
from netstart_wg.protocol.notices import Level

log = logging.getLogger(__name__)
log.setLevel(logging.DEBUG)  # whether small things are said is decided by the interface's debug

_LEVELS = {
    Level.WARNING: logging.WARNING,
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
}

_LINK_POLL_NS = NANOSECONDS_PER_SECOND
"""How often to look at an interface in another network namespace, which sends us no word."""

_MOVE_NS = 3 * NANOSECONDS_PER_SECOND
"""How long an interface may be down for having been moved: whoever moves it brings it up again."""

_LAST_BATCHES = 64
"""How much, at most, is still taken from sockets that others replace."""

_TCP_HEADERS = 52
"""IPv4 and TCP with timestamps, octets."""


def now() -> Now:
    """Read both clocks."""
    return Now(boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME), realtime_ns=time.time_ns())


class Engine:
    """A running interface; `Configurable` by the UAPI."""

    def __init__(
        self,
        descriptors: Descriptors,
        opener: Opener,
        succession: Succession,
        *,
        without: Collection[Offload] = (),
        is_verbose: bool = False,
    ) -> None:
        """Take what is open, and close it in the end; the interface may be up already.

        Raise BackendError; then what was given stays its giver's to close.
        """
        self.name = descriptors.name
        self._descriptors = descriptors
        self._opener = opener
        self._succession = succession
        self._without = without
        self._is_verbose = is_verbose
        self._send_errors: Counter[int] = Counter()
        self._is_out_of_earshot = False
        self._looked_ns = 0
        self._namespace: int | None = None
        self._moved_ns: int | None = None
        self._refusal: str | None = None
        self._changes: NetworkChanges | None = None
        self._is_stopping = False
        self._is_told_to_stop = False
        self._moment = now()
        self._timeout: float | None = 0.0
        self._turn = 0
        self._pace = Pace()
        self._wake, self._wakes = self._install_signals()
        try:
            self._open()
        except OSError as error:
            reason = error.strerror or str(error)
            raise BackendError("start", self.name, reason, error.errno or 0) from error
        self._udp = UdpPort()
        self._device = Device(os.urandom)
        self._datapath = PythonDataPath(self._tun, self._udp, DEFAULT_MTU)
        self._tunnel = Tunnel(self._device, self._datapath)
        self._clients: list[UapiClient] = []
        succession.begin(self._device, self._sockets_namespace, self._moment)
        self._fit_super_packets(DEFAULT_MTU)

    def _open(self) -> None:
        """Open what else has a descriptor, all or nothing."""
        with contextlib.ExitStack() as opened:
            opened.callback(self._wake.close)
            opened.callback(self._wakes.close)
            opened.callback(signal.set_wakeup_fd, -1)  # signals may come until the very end
            self._readiness = opened.enter_context(contextlib.closing(Readiness()))
            self._tun = Tun(self._descriptors.device, self._without)
            self._link_events = opened.enter_context(contextlib.closing(LinkEvents()))
            self._clock_steps = opened.enter_context(contextlib.closing(ClockSteps(self._moment)))
            self._opened = opened.pop_all()

    # -- the loop ------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, or until the interface or its socket file is deleted.

        Raise BackendError when that is not why it ends; all is closed then, too.
        """
        self._watch(self._wake.fileno(), functools.partial(_drain, self._wake))
        self._watch(self._tun.descriptor, self._tun_is_readable)
        self._watch(self._link_events.descriptor, self._link_changed)
        self._watch(self._clock_steps.descriptor, self._clock_was_set)
        self._watch(self._descriptors.removal.descriptor, self._file_was_removed)
        self._watch(self._descriptors.listener.descriptor, self._client_connects)
        if self._opener.descriptor is not None:
            self._watch(self._opener.descriptor, self._opener_has_ended)
        try:
            self._file_was_removed()  # before anybody watched it, perhaps
            self._look_at_link()
            self._succession.is_ready(self._tun.descriptor)
            while not self._is_stopping:
                self._wait_and_serve()
            if self._is_told_to_stop and self._succession.has_successor:
                self._succession.hand_over()
            else:
                self._succession.leave_nothing()
        except TunGoneError:
            log.info("%s: interface was deleted", self.name)
            self._succession.leave_nothing()
        except OpenerGoneError:
            raise BackendError("serve", self.name, "its opener process has ended") from None
        except Exception:
            # in the background standard error leads nowhere
            log.critical("%s: ends by a mistake of its own", self.name, exc_info=True)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Delete the socket file, before a client finds nobody behind it, and the interface.

        Clients are hung up on last: who waits for that finds nothing left.
        """
        self._set_sockets(None)
        self._succession.close()
        self._opened.close()
        self._opener.remove_socket_file()
        self._descriptors.close()
        self._opener.close()
        for client in self._clients:
            client.close()

    def _opener_has_ended(self) -> None:
        """End, too: it speaks only when it is asked, and its answer does not come this way."""
        raise OpenerGoneError

    def _clock_was_set(self) -> None:
        """Say so, for it may be why peers do not answer one day."""
        seconds = round(self._clock_steps.take(self._moment) / NANOSECONDS_PER_SECOND)
        if seconds > 0:
            hint = "peers that hear of this date take no earlier one"
            log.warning("%s: the clock was set forward by %s s; %s", self.name, seconds, hint)
        elif seconds < 0:
            hint = "started anew, this engine may find peers deaf until it has caught up"
            log.warning("%s: the clock was set back by %s s; %s", self.name, -seconds, hint)

    def _wait_and_serve(self) -> None:
        ready = self._readiness.wait(self._timeout)
        self._turn += 1
        self._moment = now()
        for serve in ready:
            serve()
        deadline = self._next_deadline()
        if deadline is not None:
            self._moment = now()  # serving may have taken long
            if deadline <= self._moment.boottime_ns:
                self._carry_out_what_is_due()
                deadline = self._next_deadline()
        self._timeout = None if deadline is None else self._seconds_until(deadline)
        if self._device.has_notices:
            self._log_notices()

    def _next_deadline(self) -> int | None:
        """Return when something is due, boot-time ns, or None."""
        look_ns = self._looked_ns + _LINK_POLL_NS if self._is_out_of_earshot else None
        deadlines = (
            self._device.next_deadline(),
            self._sources_due_ns,
            self._succession.due_ns,
            look_ns,
        )
        return min((each for each in deadlines if each is not None), default=None)

    def _carry_out_what_is_due(self) -> None:
        moment = self._moment
        deadline = self._device.next_deadline()
        if deadline is not None and deadline <= moment.boottime_ns:
            self._tunnel.advance(moment)
        sources_due = self._sources_due_ns
        if sources_due is not None and sources_due <= moment.boottime_ns:
            self._check_sources()
        if self._is_out_of_earshot and moment.boottime_ns - self._looked_ns >= _LINK_POLL_NS:
            self._look_at_link()
        self._succession.advance(moment.boottime_ns)

    def _seconds_until(self, deadline: int) -> float:
        return max(0.0, (deadline - self._moment.boottime_ns) / NANOSECONDS_PER_SECOND)

    def _log_notices(self) -> None:
        """Say what an interface with `debug` has to say, to the log and to those who follow it."""
        notices = self._device.take_notices()
        for notice in notices:
            log.log(_LEVELS[notice.level], "%s: %s", self.name, notice.text)
        for client in [each for each in self._clients if notices and each.is_following]:
            if all(client.tell(f"{self.name}: {notice.text}") for notice in notices):
                self._await(client)
            else:
                self._hang_up(client)

    def _watch(self, descriptor: int, serve: Serve) -> None:
        self._readiness.watch(descriptor, serve)

    def _install_signals(self) -> tuple[socket.socket, socket.socket]:
        """Turn signals into something to wait on."""
        wake, wakes = socket.socketpair()
        wake.setblocking(False)
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        return wake, wakes

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:  # who is in a hurry sends it again
            log.info("%s: stopped by %s", self.name, signal.Signals(number).name)
        self._is_stopping = self._is_told_to_stop = True

    # -- packets ---------------------------------------------------------------------------

    def _tun_is_readable(self) -> None:
        self._tunnel.tun_is_readable(self._moment, self._pace.budget(self._turn))

    def _udp_is_readable(self) -> None:
        self._tunnel.udp_is_readable(self._moment)

    # -- the interface ---------------------------------------------------------------------

    def _link_changed(self) -> None:
        self._link_events.drain()
        self._look_at_link()

    def _look_at_link(self) -> LinkState | None:
        """Follow the interface up, down, and to another MTU; raise TunGoneError."""
        state = self._opener.look(self._descriptors.device)
        self._looked_ns = now().boottime_ns
        if state is None:
            self._is_out_of_earshot = True
            return None
        is_moving = self._is_moving(state)
        self._is_out_of_earshot = state.is_elsewhere or is_moving
        self._device.is_debug = state.is_debug or self._is_verbose
        if state.mtu is not None and state.mtu != self._datapath.mtu:
            self._datapath.mtu = state.mtu
            self._fit_super_packets(state.mtu)
        if state.is_up and not self._device.is_up:
            self._bring_up()
        elif not state.is_up and not is_moving:
            self._bring_down()
        return state

    def _is_moving(self, state: LinkState) -> bool:
        """Say whether it is down because it was moved, and may come up again in a moment.

        The kernel takes down what it moves.  On OpenBSD the driver does not hear of
        another rdomain, and the sessions go on.
        """
        if self._namespace not in (None, state.namespace):
            self._moved_ns = self._looked_ns
        self._namespace = state.namespace
        if state.is_up:
            self._moved_ns = None
        return self._moved_ns is not None and self._looked_ns - self._moved_ns < _MOVE_NS

    def _bring_up(self) -> None:
        device = self._device
        try:
            taken_over = self._taken_over()
            sockets = taken_over or self._open_sockets(
                device.listen_port, device.fwmark, device.wgrtable
            )
        except OSError as error:
            self._report_refusal(error)
            return
        self._refusal = None
        self._set_sockets(sockets, device.wgrtable)
        if taken_over is None:
            self._succession.sockets_changed(sockets)
        device.port_chosen(sockets.port)
        self._tunnel.bring_up(now())
        log.info("%s: up, port %s, wgrtable %s", self.name, sockets.port, device.wgrtable)

    def _taken_over(self) -> UdpSockets | None:
        """Return the sockets of a former process of this engine, once."""
        bound = self._succession.take_sockets()
        if bound is None:
            return None
        sockets = UdpSockets(bound, self._send_errors, self._without)
        self._mark(sockets, self._device.fwmark)
        return sockets

    def _sockets_namespace(self) -> int | None:
        return None if self._udp.sockets is None else self._udp.sockets.namespace

    def _report_refusal(self, error: OSError) -> None:
        """Say why there are no sockets: once, however often it is tried."""
        port, rdomain = self._device.listen_port, self._device.wgrtable
        refusal = f"port {port}, wgrtable {rdomain}: {error.strerror}"
        if refusal != self._refusal:
            log.error("%s: %s", self.name, refusal)
        self._refusal = refusal

    def _bring_down(self) -> None:
        self._refusal = None
        if self._device.is_up:
            self._tunnel.bring_down(now())
            self._set_sockets(None)
            self._succession.sockets_changed(None)
            log.info("%s: down", self.name)

    def _set_sockets(self, sockets: UdpSockets | None, rdomain: int = 0) -> None:
        """Use these, which are in that rdomain, and close those there were."""
        if self._udp.sockets is not None:
            for descriptor in self._udp.sockets.descriptors:
                self._readiness.forget(descriptor)
            self._udp.sockets.close()
        self._udp.sockets = sockets
        if sockets is not None:
            for descriptor in sockets.descriptors:
                self._watch(descriptor, self._udp_is_readable)

        self._set_changes(None if sockets is None else rdomain)

    def _set_changes(self, rdomain: int | None) -> None:
        """Hear of addresses and routes in that rdomain from now on, and nowhere else."""
        if self._changes is not None:
            self._readiness.forget(self._changes.descriptor)
            self._changes.close()
            self._changes = None
        if rdomain is None:
            return
        try:
            netlink = self._opener.open_network_changes(rdomain)
        except OSError as error:
            log.warning("%s: changes of routes go unnoticed: %s", self.name, error.strerror)
            return
        self._changes = NetworkChanges(netlink, self._vrf_of(rdomain))
        self._watch(self._changes.descriptor, self._network_changed)

    def _vrf_of(self, rdomain: int) -> int:
        """Return the index of the VRF that an rdomain is, 0 if it is a namespace."""
        try:
            return self._opener.index_of_interface(f"rdomain{rdomain}", 0) if rdomain else 0
        except OSError:
            return 0

    def _network_changed(self) -> None:
        if self._changes is not None:
            self._changes.note(self._moment.boottime_ns)

    @property
    def _sources_due_ns(self) -> int | None:
        return None if self._changes is None else self._changes.due_ns

    def _check_sources(self) -> None:
        """Answer no longer from an address with which the routing does not agree any more."""
        changes, fwmark = self._changes, self._device.fwmark
        if changes is not None:
            asked = functools.cache(lambda path: changes.leads_elsewhere(path, fwmark))
            self._tunnel.release_sources(asked, self._moment)
            changes.checked(self._moment.boottime_ns, now().boottime_ns)

    def _fit_super_packets(self, mtu: int) -> None:
        """Let one super-packet from the TUN be one UDP_SEGMENT send."""
        message = mtu + TRANSPORT_HEADER_LENGTH + TAG_LENGTH
        segments = max(1, min(MAX_SEGMENTS, MAX_JOINED_OCTETS // message))
        octets = max(mtu, segments * (mtu - _TCP_HEADERS) + _TCP_HEADERS)
        self._opener.limit_super_packets(self._descriptors.device, octets)

    # -- the UAPI --------------------------------------------------------------------------

    def state(self) -> WireGuardState:
        """See `Configurable`; the interface is looked at first."""
        link = self._look_at_link()
        sockets = self._udp.sockets
        offloads = self._tun.offloads + (sockets.offloads if sockets else ())
        state = self._device.state()
        return dataclasses.replace(
            state,
            implementation=f"netstart-wg {VERSION}",
            link_namespace=self._namespace_to_tell(link),
            wgrtable=self._device.wgrtable if self._has_rdomain() else None,
            peers=self._peers_with_refusals(state.peers),
            offloads=tuple(sorted(each.value for each in offloads)),
            send_errors=tuple(
                sorted(
                    (errno.errorcode.get(each, str(each)), count)
                    for each, count in self._send_errors.items()
                )
            ),
        )

    def _peers_with_refusals(self, peers: tuple[PeerState, ...]) -> tuple[PeerState, ...]:
        sockets = self._udp.sockets
        if sockets is None or not (refused := sockets.sent_singly):
            return peers
        names = (Offload.UDP_GSO.value,)
        return tuple(
            dataclasses.replace(peer, refused_offloads=names) if peer.endpoint in refused else peer
            for peer in peers
        )

    def _namespace_to_tell(self, link: LinkState | None) -> int | None:
        """Return where to look for an interface of our name; 0 if ours has another name now."""
        if link is None:
            return None
        return link.namespace if self._descriptors.device.interface() == self.name else 0

    def configure(self, change: DeviceChange) -> None:
        """See `Configurable`; the interface is looked at first.

        Whoever brought it up or down just now and then asks is sure to be answered as it is.
        What can fail, the sockets, comes before all else.
        """
        self._look_at_link()
        self._change_sockets(change)
        self._tunnel.configure(change, now())
        if self._udp.sockets is not None:
            self._device.port_chosen(self._udp.sockets.port)
        else:
            self._look_at_link()

    def index_of_interface(self, name: str) -> int:
        """See `Configurable`: it is one of where the UDP sockets are."""
        return self._opener.index_of_interface(name, self._device.wgrtable)

    def _change_sockets(self, change: DeviceChange) -> None:
        """Have the sockets that go with a change; raise OSError, and then the old ones stay.

        Who names the port or the rdomain gets them where that rdomain is now.
        """
        device, bound = self._device, self._udp.sockets
        port = device.listen_port if change.listen_port is UNCHANGED else change.listen_port
        fwmark = device.fwmark if change.fwmark is UNCHANGED else change.fwmark
        rdomain = device.wgrtable if change.wgrtable is UNCHANGED else change.wgrtable
        is_asked_for = not (change.listen_port is UNCHANGED and change.wgrtable is UNCHANGED)
        if bound is not None and (
            not is_asked_for
            or ((port, rdomain) == (bound.port, device.wgrtable) and self._has_rdomain())
        ):
            self._mark(bound, fwmark)
        elif bound is not None:
            replacement = self._replace_sockets(bound, port, fwmark, rdomain)
            self._receive_what_has_come()
            self._set_sockets(replacement, rdomain)
            self._succession.sockets_changed(replacement)
        elif is_asked_for:
            # they can be had; they are opened when the interface comes up
            self._open_sockets(port, fwmark, rdomain).close()

    def _replace_sockets(
        self, bound: UdpSockets, port: int, fwmark: int, rdomain: int
    ) -> UdpSockets:
        """Open others; raise OSError, and then those there are stay.

        A VRF has its ports in common with the namespace around it: to move there, or back,
        with the same port the former sockets have to go first.
        """
        device = self._device
        try:
            return self._open_sockets(port, fwmark, rdomain)
        except OSError as error:
            is_ours = port == bound.port and rdomain != device.wgrtable
            if error.errno != errno.EADDRINUSE or not is_ours:
                raise
        former = (bound.port, device.fwmark, device.wgrtable)
        self._receive_what_has_come()
        self._set_sockets(None)
        self._succession.sockets_changed(None)
        try:
            return self._open_sockets(port, fwmark, rdomain)
        except OSError:
            self._set_sockets(self._open_sockets(*former), device.wgrtable)
            self._succession.sockets_changed(self._udp.sockets)
            raise

    def _open_sockets(self, port: int, fwmark: int, rdomain: int) -> UdpSockets:
        """Open them in an rdomain; raise OSError, ENOENT if there is no such rdomain."""
        bound = self._opener.open_sockets(port, fwmark, rdomain)
        try:
            return UdpSockets(bound, self._send_errors, self._without)
        except OSError:
            bound.close()
            raise

    def _mark(self, sockets: UdpSockets, fwmark: int) -> None:
        """Have SO_MARK set where it is another: what is to stay as it is takes no right."""
        others = [each for each in sockets.all if fwmark_of(each) != fwmark]
        if others:
            self._opener.set_fwmark(others, fwmark)

    def _has_rdomain(self) -> bool:
        """Say whether the rdomain of the sockets exists, and is the one that they are in.

        Who deletes it, and makes it again, leaves them in the former.
        """
        namespace = self._opener.namespace_of(self._device.wgrtable)
        sockets = self._udp.sockets
        return namespace is not None and (sockets is None or namespace == sockets.namespace)

    def _receive_what_has_come(self) -> None:
        """Lose nothing that waits in sockets which are about to be closed."""
        for _ in range(_LAST_BATCHES):
            if not self._tunnel.udp_is_readable(now()):
                return

    def _client_connects(self) -> None:
        try:
            connection = self._descriptors.listener.accept()
        except OSError:
            if self._clients:
                self._hang_up(self._clients[0])  # for the newest, who is here again at once
            return
        if connection is None:
            return
        if len(self._clients) >= MAX_CLIENTS:
            self._hang_up(self._clients[0])
        client = UapiClient(connection, self)
        self._clients.append(client)
        self._watch(client.descriptor, functools.partial(self._serve_client, client))

    def _serve_client(self, client: UapiClient) -> None:
        if client not in self._clients:
            return  # hung up within this wake-up
        goes_on = client.is_writable() if client.wants_to_write else client.is_readable()
        if goes_on:
            self._await(client)
        else:
            self._hang_up(client)

    def _await(self, client: UapiClient) -> None:
        """Wait for what the client needs next."""
        self._readiness.await_room(client.descriptor, is_full=client.wants_to_write)

    def _hang_up(self, client: UapiClient) -> None:
        self._readiness.forget(client.descriptor)
        self._clients.remove(client)
        client.close()

    def _file_was_removed(self) -> None:
        self._descriptors.removal.drain()
        if not self._opener.has_socket_file():
            log.info("%s: socket file was deleted", self.name)
            self._is_stopping = True


def _drain(wake: socket.socket) -> None:
    try:
        wake.recv(4096)
    except BlockingIOError:
        return
