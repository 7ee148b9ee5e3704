"""What a program finds around it in an rdomain: as in ip-netns(8), more than another network.

/sys tells of the interfaces that are there, and each file of /etc/netns/rdomainN
takes the place of the one of its name in /etc.  Only the thread that enters
sees these mounts, and what it starts; it cannot go back.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from netstart_wg.errors import NoSuchRdomainError, PermissionDeniedError
from netstart_wg.system import libc
from netstart_wg.system.namespaces import enter, is_rdomain, open_rdomain
from netstart_wg.system.refusal import refusal

FILES_FOLDER: Final = Path("/etc/netns")
"""ip-netns(8)."""

_ETC = Path("/etc")
_SYS = Path("/sys")
_SYSFS_FLAGS = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC

log = logging.getLogger(__name__)


def enter_for_good(rdomain: int) -> None:
    """Move the calling thread to an rdomain and what belongs to it; rdomain 0 is where it is.

    Raise NoSuchRdomainError, or PermissionDeniedError.  What cannot be mounted is
    missing, with a warning.
    """
    if rdomain == 0:
        return
    if not is_rdomain(rdomain):
        raise NoSuchRdomainError(rdomain)
    try:
        _enter_network(rdomain)
        libc.unshare(libc.CLONE_NEWNS)
        libc.mount(None, Path("/"), "none", libc.MS_SLAVE | libc.MS_REC)
    except PermissionError as error:
        raise PermissionDeniedError(f"rdomain {rdomain}: only root may enter it") from error
    except OSError as error:
        raise refusal("enter", f"rdomain {rdomain}", error) from error
    _show_interfaces_in_sys(rdomain)
    _replace_files_of_etc(rdomain)


def _enter_network(rdomain: int) -> None:
    namespace = open_rdomain(rdomain)
    try:
        enter(namespace)
    finally:
        os.close(namespace)


def _show_interfaces_in_sys(rdomain: int) -> None:
    """Mount a new /sys, which tells of the namespace of who mounts it; read-only if it was that."""
    try:
        was_read_only = os.statvfs(_SYS).f_flag & os.ST_RDONLY
        flags = _SYSFS_FLAGS | (libc.MS_RDONLY if was_read_only else 0)
        libc.mount(None, _SYS, "sysfs", flags)
    except OSError as error:
        reason = str(error.strerror).lower()
        log.warning("rdomain %d: warning: /sys shows other interfaces: %s", rdomain, reason)


def _replace_files_of_etc(rdomain: int) -> None:
    try:
        files = sorted((FILES_FOLDER / f"rdomain{rdomain}").iterdir())
    except OSError:  # most have none
        return
    for file in files:
        try:
            libc.mount(file, _ETC / file.name, "none", libc.MS_BIND)
        except OSError as error:
            reason = str(error.strerror).lower()
            message = "rdomain %d: warning: %s does not take the place of %s: %s"
            log.warning(message, rdomain, file, _ETC / file.name, reason)
