"""The life of a keeper: wait for the word, or for the end of the time, whichever comes first."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import pkgutil
import select
import signal
import socket
from collections.abc import Callable

from netstart_wg import backends, reconcile, system, uapi
from netstart_wg.app.keeper import Charge, Keeper
from netstart_wg.app.machine import this_machine
from netstart_wg.app.syslog import Log
from netstart_wg.system.boot_timer import BootTimer
from netstart_wg.system.keeper_socket import KeeperSocket
from netstart_wg.system.processes import this_process

PROGRAM = "netstart-wg"

_OF_A_TERMINAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def decode_charge(octets: bytes) -> Charge:
    """Read what `app/trial.py` has encoded."""
    charge = pickle.loads(octets)  # noqa: S301 - it comes from ourselves, through a pipe
    if not isinstance(charge, Charge):
        raise TypeError("no charge")
    return charge


def keep(charge: Charge, caller: int, ready: Callable[[], None]) -> None:
    """Say when we are ready; return when nothing waits any more.

    `caller` is a pidfd of the process that makes the change.
    """
    _load_all_that_may_be_needed()
    terminated = _listen_for_signals()
    with this_machine() as machine, BootTimer() as timer, KeeperSocket() as listener:
        keeper = Keeper(charge, this_process(), machine, Log(PROGRAM), _killer(caller))
        keeper.begin()
        ready()
        poll = select.poll()
        for descriptor in (timer.fileno(), listener.fileno(), terminated):
            poll.register(descriptor, select.POLLIN)
        while keeper.has_wards:
            timer.set(keeper.deadline_ns)
            news = {descriptor for descriptor, _ in poll.poll()}
            if timer.fileno() in news or (terminated in news and _is_to_end(terminated)):
                keeper.expire()
            elif listener.fileno() in news:
                _serve(listener, keeper)
        while listener.serve(keeper.answer):  # who has asked meanwhile hears that it is too late
            pass


def _load_all_that_may_be_needed() -> None:
    """Load what else would be loaded when it is needed: before that there may be an upgrade."""
    for package in (backends, reconcile, system, uapi):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def _serve(listener: KeeperSocket, keeper: Keeper) -> None:
    """Answer a question; if we are at a loss, go back: nobody else will."""
    try:
        listener.serve(keeper.answer)
    except Exception as error:  # noqa: BLE001 - a bug of ours must not leave a change unwatched
        keeper.output.warn(f"internal error: {type(error).__name__}")
        keeper.expire()


def _listen_for_signals() -> int:
    """Take no notice of what a terminal sends; return a descriptor that tells of SIGTERM.

    By handlers that do nothing: what is ignored would be by the engines that we start, too.
    """
    for number in (*_OF_A_TERMINAL, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader.detach()


def _is_to_end(descriptor: int) -> bool:
    """Say whether it was SIGTERM: who is to end goes back first."""
    with contextlib.suppress(BlockingIOError):
        return signal.SIGTERM in os.read(descriptor, 4096)
    return False


def _killer(caller: int) -> Callable[[], None]:
    """Return what ends the process of that pidfd: no other can be hit."""

    def kill() -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(caller, signal.SIGKILL)

    return kill
