"""A virtual machine: booted, given scripts to run, rebooted, and its power cut.

It has two processors, 1 GiB, no network, and the whole of Debian's kernel; everything in it
takes some ten times as long as outside.  A service of the image runs what comes through a
port of the machine (`image.AGENT`): nobody logs in, and netstart-wg is not needed for it.
"""

from __future__ import annotations

import base64
import itertools
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.vm.image import KERNEL_ARGUMENTS, Image

BOOT_SECONDS = 300.0
POWER_OFF_SECONDS = 120.0
SCRIPT_SECONDS = 120.0
"""Limits for a machine that is slow because others compute; it is no failure to be slow."""

_QEMU = (
    *("setpriv", "--pdeathsig", "KILL"),  # it does not outlive us
    *("qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-smp", "2", "-m", "1024"),
    *("-cpu", "qemu64,-svm", "-nodefaults", "-display", "none", "-no-reboot"),
    *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
    *("-chardev", "stdio,id=agent,signal=off", "-device", "virtserialport,chardev=agent"),
)


class MachineError(Exception):
    """The machine did not boot, did not answer, or has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A script that has ended."""

    status: int
    output: str


class Machine:
    """One machine with one disk; off until `boot`."""

    def __init__(self, image: Image, folder: Path, cargo: Path, *, keep: bool) -> None:
        """Take an archive as the second disk; `keep` the first as it is written to."""
        self._image = image
        self._cargo = cargo
        self._console = folder / "console"
        self._disk = image.disk
        self._keeps = keep
        if keep:
            self._disk = folder / "disk"
            subprocess.run(["cp", "--sparse=always", image.disk, self._disk], check=True)
        self._qemu: subprocess.Popen[bytes] | None = None
        self._words = itertools.count()

    def boot(self) -> None:
        """Switch it on; return as soon as it takes scripts, which is long before it has booted."""
        assert self._qemu is None, "it is on"
        self._qemu = subprocess.Popen(
            self._command_line(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.attempt("true", within=BOOT_SECONDS)

    def run(self, script: str, *, within: float = SCRIPT_SECONDS) -> str:
        """Run a script of sh(1) as root, which must end with 0; return what it prints."""
        ended = self.attempt(script, within=within)
        assert ended.status == 0, f"status {ended.status} of {script}\n{ended.output}"
        return ended.output

    def attempt(
        self,
        script: str,
        *,
        within: float = SCRIPT_SECONDS,
        told: Callable[[bytes], object] = len,
    ) -> Ended:
        """Run a script; hand on what it prints on both sides as it comes, and return it."""
        word = f"end-{next(self._words)}"
        end = f"\n{word} ".encode()
        self._send(word, script)
        deadline = time.monotonic() + within
        output = b""
        shown = 0
        while (at := output.find(end)) < 0 or not output.endswith(b"\n", at + 1):
            if not (read := self._read(deadline)):
                reason = f"no end after {within:.0f} s, or of the machine"
                raise MachineError(f"{reason}: {script}\n{output.decode(errors='replace')}")
            output += read
            certain = max(shown, len(output) - len(end) - 8)  # what follows may be the end
            told(output[shown:certain])
            shown = certain
        told(output[shown:at])
        status = int(output[at + len(end) :])
        return Ended(status=status, output=output[:at].decode(errors="replace"))

    def begin(self, script: str) -> None:
        """Run a script of which nobody will hear the end: the power will be cut."""
        self._send("lost", script)

    def reboot(self) -> None:
        """Shut it down in order, and boot it again."""
        self.power_off()
        self.boot()

    def power_off(self) -> None:
        """Shut it down in order."""
        self.begin("systemctl --no-block poweroff")
        assert self._qemu is not None
        try:
            self._qemu.wait(POWER_OFF_SECONDS)
        except subprocess.TimeoutExpired:
            raise MachineError("it does not shut down") from None
        finally:
            self.cut_power()

    def cut_power(self) -> None:
        """Switch it off as it is: what it has not written is lost."""
        if self._qemu is None:
            return
        self._qemu.kill()
        self._qemu.wait()
        for pipe in self._pipes():
            pipe.close()
        self._qemu = None

    @property
    def is_on(self) -> bool:
        """Whether somebody has switched it on, and not off again."""
        return self._qemu is not None and self._qemu.poll() is None

    def console(self) -> str:
        """Return what was written to the console since the last boot began."""
        return self._console.read_text(errors="replace") if self._console.exists() else ""

    def _send(self, word: str, script: str) -> None:
        to_agent, _ = self._pipes()
        to_agent.write(f"{word} ".encode() + base64.b64encode(script.encode()) + b"\n")
        to_agent.flush()

    def _read(self, deadline: float) -> bytes:
        """Return what comes next; nothing if it is too late, or if the machine has ended."""
        _, from_agent = self._pipes()
        left = max(0.0, deadline - time.monotonic())
        if not select.select([from_agent], [], [], left)[0]:
            return b""
        return os.read(from_agent.fileno(), 1 << 16)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        qemu = self._qemu
        assert qemu is not None, "it is off"
        assert qemu.stdin is not None
        assert qemu.stdout is not None
        return qemu.stdin, qemu.stdout

    def _command_line(self) -> list[str]:
        def drive(path: Path, *options: str) -> list[str]:
            return ["-drive", ",".join((f"file={path}", "format=raw", "if=virtio", *options))]

        return [
            *_QEMU,
            *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)),
            *("-append", KERNEL_ARGUMENTS, "-serial", f"file:{self._console}"),
            *drive(self._disk, "cache=unsafe" if self._keeps else "snapshot=on"),
            *drive(self._cargo, "readonly=on"),
        ]
