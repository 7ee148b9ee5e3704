"""`netstart-wg exec`: run a command in an rdomain, as OpenBSD's `route -T N exec` does.

What goes wrong is told in the words of route(8), and so are the exit statuses:
127 for a command that is not there, 126 for one that cannot be run, else 1.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from typing import NoReturn

from netstart_wg.app.output import Output
from netstart_wg.errors import (
    ExitStatus,
    NetstartError,
    NoSuchRdomainError,
    PermissionDeniedError,
)
from netstart_wg.system.commands import replace_process

_RDOMAIN_MAX = 255
"""As ifconfig(8) has it; the grammar that knows it, too, is not worth loading here."""

_NUMBER = re.compile(r"([+-]?)(?=[0-9])0*([0-9]*)", re.ASCII)
"""As strtonum(3) reads it, leading blanks aside."""


def exec_command(rdomain: str, command: Sequence[str], output: Output) -> ExitStatus:
    """Become the command, of at least one word, in the rdomain of that number.

    Return only if that cannot be, when it has been told why.
    """
    try:
        _enter_and_run(_table_id(rdomain), command)
    except NetstartError as error:
        output.warn(f"route: {error}")
        return error.exit_status


def _enter_and_run(rdomain: int, command: Sequence[str]) -> NoReturn:
    try:
        replace_process(rdomain, command)
    except NoSuchRdomainError as error:
        reason = os.strerror(errno.ENOENT).lower()
        hint = f'the first interface with "rdomain {rdomain}" makes it'
        raise NetstartError(f"routing table {rdomain}: {reason}\n    hint: {hint}") from error
    except PermissionDeniedError as error:
        raise NetstartError(f"setrtable: {os.strerror(errno.EPERM).lower()}") from error


def _table_id(text: str) -> int:
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise NetstartError("invalid table id: invalid")
    sign, digits = number.groups()
    if digits and sign == "-":
        raise NetstartError("invalid table id: too small")
    if len(digits) > len(str(_RDOMAIN_MAX)) or int(digits or 0) > _RDOMAIN_MAX:
        raise NetstartError("invalid table id: too large")
    return int(digits or 0)
