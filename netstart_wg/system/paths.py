"""Where things lie in the file system: the only place that says so.

Nothing overrides these, no option and no environment variable: whoever wants
others gives the process a mount namespace of its own, as the tests do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

RUN_DIRECTORY: Final = Path("/run/netstart-wg")
"""Our locks and records; gone after a reboot, on purpose."""

SOCKET_DIRECTORY: Final = Path("/var/run/wireguard")
"""Where engines of every make have their UAPI sockets: `IF.sock`."""


def lock_path(interface: str) -> Path:
    """Return the file that whoever changes the interface holds locked."""
    return RUN_DIRECTORY / f"{interface}.lock"


def record_path(interface: str) -> Path:
    """Return the file that says what was last applied to the interface."""
    return RUN_DIRECTORY / f"{interface}.json"


def socket_path(interface: str) -> Path:
    """Return the UAPI socket of the interface's engine."""
    return SOCKET_DIRECTORY / f"{interface}.sock"


def make_run_directory() -> None:
    """Make `RUN_DIRECTORY`, for root alone; one that is there keeps its owner but not its mode."""
    RUN_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    if RUN_DIRECTORY.stat().st_mode & 0o777 != 0o700:
        RUN_DIRECTORY.chmod(0o700)


def interfaces_with_socket() -> tuple[str, ...]:
    """Return the names for which there is a UAPI socket file, sorted; it may be a stale one."""
    try:
        return tuple(sorted(path.stem for path in SOCKET_DIRECTORY.glob("*.sock")))
    except OSError:
        return ()
