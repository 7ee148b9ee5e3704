"""Runs of netstart-wg that are killed, or refused, at each of their steps; itself a program.

    python -m tests.netns.faults killed|refused FOLDER STEPS

FOLDER has two folders with a hostname.wg0 each, `before` and `after`.  From what the
first says, or from nothing if there is none, a run begins that is to reach the second,
and at its first step it ends; then again, and at the second; and so on, at most
as many.  Everything is
real, kernel, engine and files, but for that end.  What became of each is printed as a
line of JSON.

The modules are loaded once; each run is a process of its own, a fork of this one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from errno import EIO
from functools import partial
from io import StringIO
from pathlib import Path

import netstart_wg.app.carry_out as steps
from netstart_wg.app.machine import this_machine
from netstart_wg.app.prepare import look
from netstart_wg.cli.netstart_wg import main
from netstart_wg.errors import BackendError
from netstart_wg.model.action import Action
from netstart_wg.model.state import InterfaceState, PeerState

INTERFACE = "wg0"

End = Callable[[Action], None]


@dataclass(slots=True)
class Fault:
    """What happens at one step."""

    end: End
    at: int
    is_after: bool
    """Whether it happens when the step is done, and not before that."""
    count: int = -1


def be_killed(action: Action) -> None:
    del action
    os.kill(os.getpid(), signal.SIGKILL)


def be_refused(action: Action) -> None:
    raise BackendError("try", action.interface, os.strerror(EIO).lower(), EIO)


def lay(fault: Fault) -> None:
    """Have it happen in this process, from now on."""
    names = ("execute", "run_command") if fault.end is be_killed else ("execute",)
    for name in names:  # a command that fails is only told of
        vars(steps)[name] = partial(around, fault, vars(steps)[name])


def around(fault: Fault, step: Callable[..., object], action: Action, *rest: object) -> object:
    """Do one step, or end before it or after it."""
    fault.count += 1
    if fault.count == fault.at and not fault.is_after:
        fault.end(action)
    answer = step(action, *rest)
    if fault.count == fault.at:
        fault.end(action)
    return answer


def run(arguments: Sequence[str], fault: Fault | None = None) -> tuple[int, str]:
    """Run netstart-wg; return what it ended with, minus a signal's number, and all that it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        if fault is not None:
            lay(fault)
        status = main(arguments)
        sys.stdout.flush()
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said


def observe() -> InterfaceState | None:
    """Return all that lasts until somebody changes it; order counts."""
    with this_machine() as machine:
        state, _ = look(INTERFACE, machine)
    if state is None or state.wireguard is None:
        return state
    peers = tuple(
        PeerState(
            public_key=peer.public_key,
            preshared_key=peer.preshared_key,
            endpoint=peer.endpoint,
            persistent_keepalive=peer.persistent_keepalive,
            allowed_ips=tuple(sorted(peer.allowed_ips, key=str)),
            description=peer.description,
        )
        for peer in sorted(state.wireguard.peers, key=lambda peer: peer.public_key.to_base64())
    )
    engine = replace(state.wireguard, peers=peers, drops=(), send_errors=(), link_namespace=None)
    routes = tuple(sorted(state.routes, key=repr))
    return replace(state, index=0, kernel_addresses=(), routes=routes, wireguard=engine)


def start_over(before: Path) -> InterfaceState | None:
    """Make it what it is to be before a run."""
    if (before / f"hostname.{INTERFACE}").exists():
        status, said = run(["-C", str(before)])
    else:
        gone = before / "gone"
        gone.mkdir(exist_ok=True)
        file = gone / f"hostname.{INTERFACE}"
        file.touch(mode=0o600)
        file.write_text("destroy\n")
        status, said = run(["-C", str(gone)])
    assert status in (0, 3), said
    return observe()


def try_each_step(end: End, folder: Path, limit: int, *, is_after: bool) -> None:
    before, after, log = folder / "before", folder / "after", folder / "log"
    for at in range(limit):
        was = start_over(before)
        log.write_text("")
        status, said = run(["-v", "-C", str(after)], Fault(end, at, is_after))
        if status == 0:
            return
        is_as_it_was = observe() == was
        again, said_then = run(["-C", str(after)])
        left, _ = run(["-n", "-C", str(after)])
        outcome = {
            "step": at,
            "status": status,
            "said": said,
            "is_as_it_was": is_as_it_was,
            "again": again,
            "said_then": said_then,
            "left": left,
            "ran": log.read_text().split(),
        }
        print(json.dumps(outcome), flush=True)


def load(folder: Path) -> None:
    """Have everything loaded that a run needs."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        main(["-n", "-C", str(folder / "after")])


if __name__ == "__main__":
    how, folder, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    load(folder)
    if how == "killed":  # after a step is before the next one
        try_each_step(be_killed, folder, limit, is_after=False)
    else:  # the worst: it was done, and nobody knows
        try_each_step(be_refused, folder, limit, is_after=True)
