"""systemd, where it is in charge of this machine: engines and others of ours are units of it.

It is asked by systemctl(1), and only where there is something to start or something is
missing: a run that has nothing to do does not come here.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import netstart_wg
from netstart_wg.errors import BackendError

ENGINE_UNIT: Final = "netstart-wgd@{}.service"
NAMES_UNIT: Final = "netstart-wg-names.service"
SERVICE: Final = "netstart-wg.service"

CREDENTIALS_FOLDER: Final = Path("/run/credentials") / SERVICE
"""Where the credentials of the service are as long as it is active (systemd.exec(5))."""

START_SECONDS: Final = 100.0
"""How long a unit may take to start; its own limit is below that."""

_BOOTED = Path("/run/systemd/system")
"""sd_booted(3)."""
_UNIT_FOLDERS = frozenset({"/usr/lib/systemd/system", "/usr/local/lib/systemd/system"})
_EXPECTED = frozenset({"active", "activating", "deactivating", "reloading"})
_HINT_IN_ONE_LINE: Final = "; hint: "
_HINT: Final = "\n    hint: "
"""An engine's status is one line, and its message here has two."""
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2


@cache
def is_in_charge() -> bool:
    """Say whether units of this very copy of ours can be started here.

    So not in a tree that nobody has installed, and not in a network namespace where the
    units' own processes would not be.
    """
    if not _BOOTED.is_dir() or os.geteuid() != 0 or not _has_units():
        return False
    try:
        return Path("/proc/self/ns/net").samefile("/proc/1/ns/net")
    except OSError:
        return False


def start(unit: str, operation: str, interface: str) -> None:
    """Start a unit, or wait for one that is being started; raise BackendError.

    One that cannot be started is stopped again, so that it is not tried any more, and
    the reason is what it has said itself (sd_notify(3)'s STATUS).
    """
    _systemctl("reset-failed", "--quiet", unit)
    if _systemctl("start", "--quiet", unit) == 0:
        return
    values = _show(unit, "StatusText", "Result")
    _systemctl("stop", "--quiet", unit)
    _systemctl("reset-failed", "--quiet", unit)
    said = values["StatusText"].removeprefix(f"{interface}: ").replace(_HINT_IN_ONE_LINE, _HINT)
    reason = said or f"{unit}: {values['Result'] or 'not started'}"
    raise BackendError(operation, interface, reason)


def while_expected(unit: str) -> Iterator[None]:
    """Yield every now and then as long as a unit runs, or is being stopped or started.

    The end comes when it does neither, or after `START_SECONDS`.
    """
    deadline, pause = time.monotonic() + START_SECONDS, _FIRST_PAUSE_SECONDS
    while _show(unit, "ActiveState")["ActiveState"] in _EXPECTED and time.monotonic() < deadline:
        yield
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def in_scope(name: str) -> list[str]:
    """Return the words in front of a command that make it a scope of its own.

    Then neither the end of a login nor that of a service ends it.
    """
    words = ("--quiet", "--collect", "--scope", f"--unit={name}")
    return ["systemd-run", *words, "--"]


def _has_units() -> bool:
    """Say whether our units are where `make install` puts them, with this copy of ours."""
    units = Path(netstart_wg.__file__).resolve().parents[2] / "systemd" / "system"
    return str(units) in _UNIT_FOLDERS and (units / ENGINE_UNIT.format("")).is_file()


def _show(unit: str, *properties: str) -> Mapping[str, str]:
    """Return properties of a unit, each empty if systemd does not tell."""
    values = dict.fromkeys(properties, "")
    try:
        told = subprocess.run(
            ["systemctl", "show", f"--property={','.join(properties)}", unit],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return values
    pairs = (line.partition("=") for line in told.splitlines())
    return values | {name: value for name, _, value in pairs if name in values}


def _systemctl(*words: str) -> int:
    """Return the exit status; 1 as well if it takes too long, or is not there."""
    try:
        return subprocess.run(
            ["systemctl", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=START_SECONDS,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1
