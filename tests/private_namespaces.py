"""Network and mount namespaces for the length of one test, in the test's own process.

The test sees a network with nothing but a loopback interface that is down, and
an empty /run and /var/lib; the machine's own stay as they are.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.netns.waiting import eventually

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def private_namespaces() -> Iterator[None]:
    """Move this thread into new namespaces and back; skip the test without the right to."""
    if os.geteuid() != 0:
        _do_without("needs root")
    with ExitStack() as stack:
        # /proc/self is the process's first thread, which is also the one that tests run in
        namespaces = {
            flag: os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
            for kind, flag in (("mnt", CLONE_NEWNS), ("net", CLONE_NEWNET))
        }
        for descriptor in namespaces.values():
            stack.callback(os.close, descriptor)
        if _libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            _do_without(f"no namespaces here: {os.strerror(ctypes.get_errno())}")
        stack.callback(os.chdir, Path.cwd())
        for flag, descriptor in namespaces.items():
            stack.callback(_call, "setns", descriptor, flag)
        stack.callback(_await_the_end_of_other_threads)
        _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        for folder in ("/run", "/var/run", "/var/lib"):
            if not Path(folder).is_symlink():
                _call("mount", b"none", folder.encode(), b"tmpfs", 0, None)
        yield


def _await_the_end_of_other_threads() -> None:
    """Wait until the kernel has one thread of us left: only such a process may leave (setns(2)).

    A thread that was joined is still there for a moment.
    """
    threads = Path("/proc/self/task")
    eventually(lambda: len(list(threads.iterdir())) == 1, what="the end of other threads")


def _do_without(reason: str) -> NoReturn:
    """Skip the test; but on CI there must be namespaces."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _call(function: str, *arguments: object) -> None:
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
