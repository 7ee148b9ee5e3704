"""Where things lie in the file system: the only place that says so.

Nothing overrides these, no option and no environment variable: whoever wants
others gives the process a mount namespace of its own, as the tests do.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

RUN_DIRECTORY: Final = Path("/run/netstart-wg")
"""Our locks and records; gone after a reboot, on purpose."""

NAMES_LOCK: Final = RUN_DIRECTORY / "names.lock"
"""What the process that looks after names holds locked; it says its number."""

ADDRESS_BOOK: Final = Path("/var/lib/netstart-wg/endpoints.json")
"""Where hosts that peers are named by were last found."""

HISTORY_DIRECTORY: Final = Path("/var/lib/netstart-wg/history")
"""What was applied, in a folder for each interface; it lasts."""

SOCKET_DIRECTORY: Final = Path("/var/run/wireguard")
"""Where engines of every make have their UAPI sockets: `IF.sock`."""


SETTINGS_NAME: Final = "netstart-wg.toml"
"""What hostname files have no words for, in the folder where they are."""


def lock_path(interface: str) -> Path:
    """Return the file that whoever changes the interface holds locked."""
    return RUN_DIRECTORY / f"{interface}.lock"


def record_path(interface: str) -> Path:
    """Return the file that says what was last applied to the interface."""
    return RUN_DIRECTORY / f"{interface}.json"


def fixpoint_path(interface: str) -> Path:
    """Return the file that says what the last run found when there was nothing to do."""
    return RUN_DIRECTORY / f"{interface}.fixpoint"


def rdomain_mark_path(rdomain: int) -> Path:
    """Return the file that says that the namespace of an rdomain is ours."""
    return RUN_DIRECTORY / f"rdomain{rdomain}.namespace"


def vrf_mark_path(rdomain: int) -> Path:
    """Return the file that says that the VRF device of an rdomain is ours."""
    return RUN_DIRECTORY / f"rdomain{rdomain}.vrf"


def rdomains_lock_path() -> Path:
    """Return the file that whoever makes or enters rdomains holds locked."""
    return RUN_DIRECTORY / "rdomains.lock"


def socket_path(interface: str) -> Path:
    """Return the UAPI socket of the interface's engine."""
    return SOCKET_DIRECTORY / f"{interface}.sock"


def make_run_directory() -> None:
    """Make `RUN_DIRECTORY`, for us alone, or take the one that is there; raise OSError.

    One that is not ours is refused, as by `open_run_directory`.
    """
    with suppress(FileExistsError):
        RUN_DIRECTORY.mkdir(mode=0o700)
    folder = open_run_directory()
    try:
        if stat.S_IMODE(os.fstat(folder).st_mode) != 0o700:
            os.fchmod(folder, 0o700)
    finally:
        os.close(folder)


def open_run_directory() -> int:
    """Return a descriptor of `RUN_DIRECTORY`; raise OSError unless it is a folder of ours.

    In somebody else's, or by way of a link, that one would say what was last applied.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = os.open(RUN_DIRECTORY, flags)
    except NotADirectoryError as error:
        raise NotADirectoryError(error.errno, "it is a link, or no folder at all") from error
    if os.fstat(folder).st_uid != os.geteuid():
        os.close(folder)
        raise PermissionError(errno.EPERM, "it belongs to another user")
    return folder


def interfaces_in_run_directory() -> tuple[str, ...]:
    """Return the names for which there are files in `RUN_DIRECTORY`, sorted."""
    try:
        files = [*RUN_DIRECTORY.glob("[!.]*.lock"), *RUN_DIRECTORY.glob("[!.]*.json")]
    except OSError:
        return ()
    ours = (NAMES_LOCK, rdomains_lock_path())
    return tuple(sorted({file.stem for file in files if file not in ours}))


def interfaces_with_socket() -> tuple[str, ...]:
    """Return the names for which there is a UAPI socket file, sorted; it may be a stale one."""
    try:
        return tuple(sorted(path.stem for path in SOCKET_DIRECTORY.glob("*.sock")))
    except OSError:
        return ()
