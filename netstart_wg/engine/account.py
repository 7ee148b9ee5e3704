"""The user that an engine runs as."""

from __future__ import annotations

import pwd
from dataclasses import dataclass
from typing import Final

from netstart_wg.errors import BackendError, UsageError

NAMES: Final = ("_netstart-wg", "netstart-wg")
"""Whichever exists, the first one first."""

FALLBACK_ID: Final = 65530
"""Without such a user: a number that nobody has.

Debian reserves 65000 to 65533 (policy, 9.2.2), and of these systemd gives out
only those up to 65519.  It is small enough for a container that has 65536.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A user, who is not root, and a group."""

    name: str
    """To say who it is; the number of a user without a name."""
    user: int
    group: int


def find_account(name: str | None) -> Account:
    """Return the user of that name or number, or for None the one that engines have.

    Raise UsageError if there is none, or if it is root; BackendError if there
    is no user for engines, and the number for that case belongs to somebody.
    """
    if name is None:
        return _default()
    entry = _by_name(name)
    if entry is None:
        raise UsageError(f"there is no user '{name}'")
    if entry.pw_uid == 0:
        raise UsageError(f"'{name}' is root; to run as root, use --keep-root")
    return _account(entry)


def _default() -> Account:
    for name in NAMES:
        entry = _by_name(name)
        if entry is not None and entry.pw_uid != 0:
            return _account(entry)
    owner = _by_number(FALLBACK_ID)
    if owner is not None:
        reason = (
            f"there is no such user, and user {FALLBACK_ID} is '{owner.pw_name}'\n"
            "    hint: make one, or name one with --user"
        )
        raise BackendError("run as", NAMES[-1], reason)
    return Account(str(FALLBACK_ID), FALLBACK_ID, FALLBACK_ID)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _by_name(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return _by_number(int(name)) if name.isascii() and name.isdigit() else None


def _by_number(number: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(number)
    except (KeyError, OverflowError):
        return None
