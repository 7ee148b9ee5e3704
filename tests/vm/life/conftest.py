"""The machine of all tests here, and what it said when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import pytest

from tests.vm.cargo import pack
from tests.vm.image import image
from tests.vm.life.packages import build
from tests.vm.machine import BOOT_SECONDS, SCRIPT_SECONDS, Ended, Machine, MachineError

PRELUDE = """\
set -eu
umask 022
eventually() {
    end=$(($(date +%s) + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || { echo "not in time: $*"; return 1; }
        sleep 0.1
    done
}
peer() { ip netns exec peer "$@"; }
uptime() { cut -d' ' -f1 /proc/uptime; }
ran() { wc -l </root/commands; }
"""
LAST_WORDS = "journalctl --no-pager --boot --lines=150; ip address; systemctl --failed; ps axf"
CONSOLE_LINES = 40


@dataclass(slots=True)
class Life:
    """The machine, and how long its boots took."""

    machine: Machine
    boots: list[float] = field(default_factory=list)

    def run(self, script: str, *, within: float = SCRIPT_SECONDS) -> str:
        """Run a script in which nothing may fail; return what it printed."""
        return self.machine.run(PRELUDE + script, within=within)

    def attempt(self, script: str) -> Ended:
        return self.machine.attempt(PRELUDE + script)

    def write(self, path: str, text: str, mode: str = "600") -> None:
        """Write a file as an administrator would who waits until it is on the disk."""
        self.run(f"cat >{path} <<'END-OF-FILE'\n{text}END-OF-FILE\nchmod {mode} {path}\nsync")

    def boot(self) -> None:
        """Switch it on and wait until it says of itself that it runs."""
        begun = time.monotonic()
        self.machine.boot()
        self.settle()
        self.boots.append(time.monotonic() - begun)

    def reboot(self) -> None:
        self.machine.power_off()
        self.boot()

    def cut_power_and_boot(self) -> None:
        self.machine.cut_power()
        self.boot()

    def settle(self) -> None:
        self.machine.attempt("systemctl is-system-running --wait", within=BOOT_SECONDS)


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("machine")
    cargo = pack(folder / "cargo.tar", build(folder))
    machine = Machine(image(), folder, cargo, keep=True)
    life = Life(machine)
    try:
        yield life
    finally:
        machine.cut_power()
        (folder / "disk").unlink()
    print("\nboots:", *(f"{seconds:.0f} s" for seconds in life.boots))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure that was seen, whatever comes of the test."""

    def told(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}", flush=True)

    return told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    life = item.funcargs.get("life") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(life, Life):
        console = life.machine.console().splitlines()[-CONSOLE_LINES:]
        report.sections.append(("console", "\n".join(console)))
        if life.machine.is_on:
            report.sections.append(("machine", _last_words(life)))
    return report


def _last_words(life: Life) -> str:
    try:
        return life.attempt(LAST_WORDS).output
    except MachineError as error:
        return str(error)
