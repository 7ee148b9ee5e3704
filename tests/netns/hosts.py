"""Hosts without machines: a network, a mount and a process namespace each, joined by cables.

    Host("left") ── eth1 ──────── link(left, right, 1) ──────── eth1 ── Host("right")
                192.0.2.5/30                             192.0.2.6/30
                2001:db8:0:1::1/64                       2001:db8:0:1::2/64

A host lives as long as one process: the first of its process namespace, which
reads from a pipe that only we hold.  When we close the pipe or die, however
abruptly, it ends, and with it the kernel ends every process in the host and
takes back every interface and mount.  Nothing is ever left behind.

/run and /var/lib are the host's own, so that the sockets and records of two hosts
do not meet; /proc and /sys show what is in the host; the rest of the file system is shared.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.netns.waiting import eventually

HOLDER = """
read -r pid rest < /proc/self/stat   # our number as the outside sees it
trap '' CHLD                         # nobody waits for orphans here: let the kernel reap them
set -e
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad   # addresses are usable at once
echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
ip link set lo up
echo "$pid"
exec cat
"""

TIMEOUT_SECONDS = 90.0
"""Long: the machine may be emulated."""


class CommandFailedError(AssertionError):
    """A command in a host did not end as it should have."""


class Background:
    """A command that goes on in a host; what it says is kept in a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, command: str) -> None:
        self._process = process
        self._output = output
        self.command = command

    def __repr__(self) -> str:
        return f"Background({self.command})"

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The command's number, as we see it; it must not have ended."""
        child = self._child()
        assert child is not None, f"{self.command} has ended: {self.output()}"
        return child

    def _child(self) -> int | None:
        """Return the only child of nsenter, which may not yet have it; None when all is over."""
        children = eventually(
            lambda: _children(self._process.pid) if self.is_running else [None],
            what=f"{self.command} inside nsenter",
        )
        return children[0]

    def output(self) -> str:
        """Return what it has said so far, standard error included."""
        return self._output.read_text(errors="replace")

    def wait(self, within: float = TIMEOUT_SECONDS) -> int:
        """Return its exit status, negative for a signal; fail if it goes on too long."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise CommandFailedError(
                f"{self.command}: still running after {within} s: {self.output()}"
            ) from None

    def send_signal(self, number: signal.Signals) -> None:
        """Send to the command; nsenter around it ends with it, and as it does."""
        child = self._child()
        if child is not None:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def stop(self) -> None:
        """End it, politely first."""
        self.send_signal(signal.SIGTERM)
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self._process.kill()
            self._process.wait()


class Host:
    """One host; a context manager, or `close` it."""

    def __init__(self, name: str, folder: Path) -> None:
        """Make it; `folder` takes the output of its background commands."""
        self.name = name
        self._folder = folder
        self._background: list[Background] = []
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        assert self._holder.stdout is not None
        assert self._holder.stderr is not None
        first_line = self._holder.stdout.readline().strip()
        if not first_line.isdigit():
            raise CommandFailedError(f"{name}: {self._holder.stderr.read().strip()}")
        self.pid = int(first_line)

    def __repr__(self) -> str:
        return f"Host({self.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything in it."""
        self._holder.kill()
        for stream in (self._holder.stdin, self._holder.stdout, self._holder.stderr):
            assert stream is not None
            stream.close()
        self._holder.wait()
        for command in self._background:
            command.wait()

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the words that run `command` in this host, from its root folder."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--", *command]

    def run(
        self,
        *command: str,
        text: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        environment: dict[str, str] | None = None,
    ) -> str:
        """Run to the end and return standard output; fail unless the exit status is 0."""
        result = self.attempt(*command, text=text, timeout=timeout, environment=environment)
        if result.returncode:
            raise CommandFailedError(
                f"{self.name}: {' '.join(command)}: {result.returncode}: "
                f"{result.stderr.strip() or result.stdout.strip()}"
            )
        return result.stdout

    def attempt(
        self,
        *command: str,
        text: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        environment: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end, however that is; `text` is its standard input."""
        try:
            return subprocess.run(
                self.inside(command),
                input=text or "",
                capture_output=True,
                text=True,
                timeout=timeout,
                env={**os.environ, **(environment or {})},
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            raise CommandFailedError(
                f"{self.name}: {' '.join(command)}: not done after {timeout} s: {expired.stderr!r}"
            ) from None

    def start(self, *command: str, environment: dict[str, str] | None = None) -> Background:
        """Begin a command that ends with the host at the latest."""
        output = self._folder / f"{self.name}.{len(self._background)}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                self.inside(command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        background = Background(process, output, " ".join(command))
        self._background.append(background)
        return background

    def processes(self, name: str) -> list[int]:
        """Return the numbers, as we see them, of its processes with `name` in their command line.

        One that has ended but was not waited for has no command line any more.
        """
        here = _process_namespace(self.pid)
        return [
            number
            for number in _processes()
            if name in _command_line(number) and _process_namespace(number) == here
        ]

    def exists(self, path: str) -> bool:
        """Tell whether the host sees a file of that name."""
        return self.attempt("test", "-e", path).returncode == 0

    def has_interface(self, name: str) -> bool:
        return self.attempt("ip", "link", "show", "dev", name).returncode == 0


HostMaker = Callable[[str], Host]
"""Makes a host of that name, which somebody else will close."""


@contextmanager
def hosts(folder: Path) -> Iterator[HostMaker]:
    """Give out hosts, and close them all at the end."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(Host(name, folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A cable between two hosts: an interface of the same name, `ethN`, in both."""

    number: int
    left: Host
    right: Host

    @property
    def interface(self) -> str:
        return f"eth{self.number}"

    def address(self, host: Host, family: int) -> str:
        """Return the host's address on this cable; `family` is 4 or 6."""
        side = 1 if host is self.left else 2
        if family == 4:
            return f"192.0.2.{4 * self.number + side}"
        return f"2001:db8:0:{self.number:x}::{side}"


def link(left: Host, right: Host, number: int = 1) -> Link:
    """Join two hosts; `number` (1 to 62) keeps several cables apart.

    The addresses are those set aside for documentation (RFC 5737, RFC 3849).
    """
    cable = Link(number=number, left=left, right=right)
    # Made inside a host, so that it is never, not even for a moment, anywhere else.  The two
    # indices differ because the kernel takes up to a second to notice the carrier of an
    # interface whose index is that of its peer (linkwatch_urgent_event).
    subprocess.run(
        [
            *("nsenter", f"--target={left.pid}", "--net", "--"),
            *("ip", "link", "add", cable.interface, "index", str(100 + number), "type", "veth"),
            *("peer", "name", cable.interface, "index", str(200 + number)),
            *("netns", str(right.pid)),
        ],
        check=True,
    )
    for host in (left, right):
        for family, length in ((4, 30), (6, 64)):
            address = f"{cable.address(host, family)}/{length}"
            host.run("ip", "address", "add", address, "dev", cable.interface)
        host.run("ip", "link", "set", cable.interface, "up")
    for host in (left, right):
        eventually(
            partial(host.run, "cat", f"/sys/class/net/{cable.interface}/operstate"),
            lambda state: state.strip() == "up",
        )
    return cable


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _children(parent: int) -> list[int | None]:
    return [number for number in _processes() if _parent(number) == parent]


def _parent(number: int) -> int | None:
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything, but nothing after it does.
    return int(status.rpartition(")")[2].split()[1])


def _process_namespace(number: int) -> int | None:
    try:
        return Path(f"/proc/{number}/ns/pid").stat().st_ino
    except OSError:
        return None


def _command_line(number: int) -> str:
    try:
        octets = Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return ""
    return octets.replace(b"\0", b" ").decode(errors="replace")
