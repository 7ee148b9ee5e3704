"""The engine of one interface in this process: its loop does not run, its parts are called."""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from ipaddress import IPv4Address
from types import FrameType
from typing import NoReturn

import pytest

from netstart_wg.engine.descriptors import Descriptors, HandedIn
from netstart_wg.engine.engine import Engine, now
from netstart_wg.engine.notify import ServiceManager
from netstart_wg.engine.opener import DirectOpener
from netstart_wg.engine.succession import Succession
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.system.linux import Linux
from netstart_wg.system.namespaces import inside_rdomain, make_rdomain
from tests.private_namespaces import private_namespaces

pytestmark = pytest.mark.root

SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_DEBUG = 1, 4


@pytest.fixture
def engine_to_run() -> Iterator[Engine]:
    """An engine wg0 in a network of its own, whose loopback is up, beside an rdomain 1.

    It closes itself when it has run.
    """
    with ExitStack() as stack:
        stack.enter_context(private_namespaces())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            stack.callback(signal.signal, number, signal.getsignal(number))
        make_rdomain(1)
        set_flags("lo", IFF_UP)
        descriptors = Descriptors.open("wg0", HandedIn())
        opener = DirectOpener(descriptors.listener.file)
        yield Engine(descriptors, opener, Succession("wg0", ServiceManager()))


@pytest.fixture
def engine(engine_to_run: Engine) -> Iterator[Engine]:
    """One whose loop does not run."""
    with closing(engine_to_run):
        yield engine_to_run


def set_flags(interface: str, flags: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags))


@pytest.mark.parametrize(
    "change", [DeviceChange(listen_port=7), DeviceChange(wgrtable=1)], ids=["port", "rdomain"]
)
def test_what_waits_in_the_old_sockets_is_still_received(
    engine: Engine, change: DeviceChange
) -> None:
    set_flags("wg0", IFF_UP)
    port = engine.state().listen_port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(b"no message of the protocol at all", ("127.0.0.1", port))
    engine.configure(change)
    assert sum(count for _, count in engine.state().drops) == 200


def test_a_refused_change_leaves_all_as_it_was(engine: Engine) -> None:
    set_flags("wg0", IFF_UP)
    before = engine.state()
    with inside_rdomain(1):
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with other:
        other.bind(("", before.listen_port))
        with pytest.raises(OSError, match="in use"):
            engine.configure(DeviceChange(wgrtable=1, fwmark=7, groups=("vpn",)))
    with pytest.raises(FileNotFoundError):
        engine.configure(DeviceChange(wgrtable=2, fwmark=7, groups=("vpn",)))
    assert engine.state() == before


def is_up(engine: Engine) -> bool:
    """Tell whether it has sockets, once it has looked at its interface."""
    engine.state()
    return bool(engine._udp.sockets)


def move(rdomain: int) -> None:
    with closing(Linux()) as system:
        system.links().move("wg0", rdomain)


def test_a_move_to_another_rdomain_and_up_again_is_no_down(engine: Engine) -> None:
    set_flags("wg0", IFF_UP)
    assert is_up(engine)
    sockets = engine._udp.sockets
    move(1)
    assert is_up(engine)
    with inside_rdomain(1):
        set_flags("wg0", IFF_UP)
    assert is_up(engine)
    assert engine._udp.sockets is sockets


def test_down_after_a_move_is_down(engine: Engine) -> None:
    set_flags("wg0", IFF_UP)
    assert is_up(engine)
    move(1)
    with inside_rdomain(1):
        set_flags("wg0", IFF_UP)
        assert is_up(engine)
        set_flags("wg0", 0)
        assert not is_up(engine)


def test_what_is_moved_and_not_brought_up_is_down_a_moment_later(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_flags("wg0", IFF_UP)
    assert is_up(engine)
    move(1)
    assert is_up(engine)
    monkeypatch.setattr("netstart_wg.engine.engine._MOVE_NS", 0)
    assert not is_up(engine)


CALL_NOBODY = DeviceChange(
    private_key=PrivateKey(bytes([1]) * 32),
    peers=(
        PeerChange(
            public_key=PublicKey(bytes([2]) * 32),
            endpoint=Endpoint(IPv4Address("127.0.0.1"), 9),
            persistent_keepalive=25,
        ),
    ),
)


def test_a_socket_file_that_was_deleted_before_it_was_watched_ends_the_engine(
    engine_to_run: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine_to_run._descriptors.listener.file.remove()
    engine_to_run._descriptors.removal.drain()  # as if the watch had begun after that
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(5)
    engine_to_run.run()
    signal.alarm(0)
    assert "wg0: socket file was deleted" in caplog.messages


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    raise LookupError("it did not end")


def test_an_end_that_is_a_mistake_is_logged_with_where_it_was(
    engine_to_run: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(LookupError):
        engine_to_run.run()
    (record,) = (each for each in caplog.records if each.levelname == "CRITICAL")
    assert record.exc_info is not None
    assert "_give_up" in caplog.text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (IFF_UP, []),
        (
            IFF_UP | IFF_DEBUG,
            ["wg0: Peer 0 created", "wg0: Sending handshake initiation to peer 0 (127.0.0.1)"],
        ),
    ],
    ids=["without debug", "with debug"],
)
def test_an_interface_with_debug_says_what_it_does(
    engine: Engine, caplog: pytest.LogCaptureFixture, flags: int, said: list[str]
) -> None:
    set_flags("wg0", flags)
    engine.configure(CALL_NOBODY)
    caplog.clear()
    engine._log_notices()
    assert caplog.messages == said
    engine._log_notices()
    assert caplog.messages == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (3_600_000, ["wg0: the clock was set forward by 3600 s; peers that hear of this date"]),
        (-3_600_000, ["wg0: the clock was set back by 3600 s; started anew, this engine may find"]),
        (400, []),
    ],
)
def test_a_clock_that_was_set_is_logged(
    engine: Engine, caplog: pytest.LogCaptureFixture, milliseconds: int, said: list[str]
) -> None:
    moment = now()
    engine._moment = moment._replace(realtime_ns=moment.realtime_ns + milliseconds * 1_000_000)
    engine._clock_was_set()
    assert [" ".join(message.split()[:15]) for message in caplog.messages] == said
    engine._clock_was_set()
    assert len(caplog.messages) == len(said)


def test_the_engine_does_without_the_heavy_libraries_of_others() -> None:
    program = (
        "import sys, netstart_wg.engine.engine\n"
        "heavy = {'pyroute2', 'lark', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
