"""From a command line to an engine that is about to run: what is opened, by whom, as whom.

    root        opens everything ─┬─ fork ─ opener, keeps three capabilities
                                  └─ engine, a user of its own, keeps none
    --keep-root opens everything ─── engine and opener in one, root with three capabilities
    not root    takes what it is given, opens the rest with what rights it has

What is heavy is loaded between the fork and the change of user: the opener does
without it, and the user might not be allowed to read it.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netstart_wg.engine import opener_process, privileges
from netstart_wg.engine.account import Account, find_account
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.descriptor_store import Inherited
from netstart_wg.engine.descriptors import Descriptors, HandedIn
from netstart_wg.engine.notify import ServiceManager
from netstart_wg.engine.opener import DirectOpener, HandedInSockets, Opener, OpenerGoneError
from netstart_wg.engine.succession import Succession
from netstart_wg.engine.tun_device import TunGoneError
from netstart_wg.errors import BackendError, UsageError
from netstart_wg.model.offload import Offload

if TYPE_CHECKING:
    from netstart_wg.engine.engine import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What an engine is started with."""

    interface: str
    user: str | None = None
    """Name or number; None for the one that engines have."""
    keeps_root: bool = False
    handed_in: HandedIn = field(default_factory=HandedIn)
    inherited: Inherited = field(default_factory=Inherited)
    without: frozenset[Offload] = frozenset()
    """Offloads to do without, although the kernel may have them."""
    is_verbose: bool = False
    """As if the interface always had `debug`."""


def launch(how: Launch, service_manager: ServiceManager) -> Engine:
    """Open everything and give up what rights it took; raise NetstartError and leave nothing."""
    account = _account(how)
    with _holding_signals(), _without_collection(), ExitStack() as opened:
        succession = Succession(how.interface, service_manager, how.inherited)
        opened.callback(succession.close)
        sockets = how.handed_in.sockets()
        if sockets is not None:
            opened.callback(sockets.close)
        descriptors = Descriptors.open(how.interface, how.handed_in, succession.tun)
        opened.callback(descriptors.close)
        opener = _opener(descriptors, sockets, has_process=account is not None)
        opened.callback(opener.close)
        opened.callback(opener.remove_socket_file)
        from netstart_wg.engine.engine import Engine
        from netstart_wg.engine.rehearsal import rehearse

        rehearse()
        succession.take_over()
        try:
            _give_up(account, descriptors.name)
            engine = Engine(
                descriptors,
                opener,
                succession,
                without=how.without,
                is_verbose=how.is_verbose,
            )
        except OpenerGoneError:
            reason = "its opener process has ended"
            raise BackendError("start", descriptors.name, reason) from None
        except TunGoneError:
            reason = "its interface was deleted"
            raise BackendError("start", descriptors.name, reason) from None
        opened.pop_all()
    return engine


@contextmanager
def _holding_signals() -> Iterator[None]:
    """Let a signal wait until the engine is there to end as it should."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave the garbage collector off: what thousands of peers are made of is none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _account(how: Launch) -> Account | None:
    """Return whom to become; None to stay who we are."""
    if os.geteuid() == 0:
        return None if how.keeps_root else find_account(how.user)
    if how.user is not None:
        raise UsageError("only root can run it as another user")
    return None


def _opener(descriptors: Descriptors, sockets: BoundSockets | None, *, has_process: bool) -> Opener:
    file = descriptors.listener.file
    opener: Opener = DirectOpener(file)
    if has_process:
        try:
            opener = opener_process.start(file, f"netstart-wg: opener of {descriptors.name}")
        except OSError as error:
            reason = error.strerror or str(error)
            raise BackendError("fork", descriptors.name, reason, error.errno or 0) from error
    return opener if sockets is None else HandedInSockets(opener, sockets)


def _give_up(account: Account | None, name: str) -> None:
    is_locked = privileges.lock_memory()
    if account is None:
        privileges.keep(privileges.OPENER)
    else:
        privileges.become(account)
    who = "as it was started" if account is None else f"as user {account.name}"
    log.info("%s: runs %s%s", name, who, "" if is_locked else ", memory may be swapped")
