"""`netstart-wg ifconfig`: one command of OpenBSD's ifconfig(8), on interfaces as they run.

The words are folded onto what runs as the lines of a hostname file are onto a
fresh interface, and the outcome is brought about like a file's: so whatever
they do not mention stays as it is.  One thing is stricter than OpenBSD, whose
words act one after the other: a word that is wrong, or a name without an
address, and nothing is done.

Errors are told as ifconfig tells them, and the exit status is 0 or 1.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.carry_out import carry_out
from netstart_wg.app.engine import with_engine
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import ElsewhereError
from netstart_wg.app.output import Output
from netstart_wg.app.pending import refuse_if_pending
from netstart_wg.app.permissions import repair_permissions
from netstart_wg.app.prepare import Resolved, Situation, look
from netstart_wg.app.rdomains import check_places
from netstart_wg.app.records import read_record
from netstart_wg.app.settings import read_settings
from netstart_wg.app.status import NoSuchInterfaceError, print_status
from netstart_wg.app.system import Machine
from netstart_wg.errors import (
    ConfigError,
    ExitStatus,
    InternalError,
    NetstartError,
    NotOursError,
    PermissionDeniedError,
)
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.guard import ALL_GUARDS
from netstart_wg.model.settings import InterfaceSettings
from netstart_wg.reconcile.adopt import config_of, without_what_linux_takes
from netstart_wg.system.hostname_files import is_interface_name
from netstart_wg.system.names import service_port
from netstart_wg.system.netlink import NAME_LIMIT

if TYPE_CHECKING:
    from netstart_wg.syntax.statements import HostnameFile

PROGRAM = "ifconfig"

_WIREGUARD_NAME = re.compile(r"wg[0-9]+")
_HINT = "a WireGuard interface is named wg and a number"


def show_interfaces(machine: Machine, output: Output) -> ExitStatus:
    """Print every interface of ours without its peers: `ifconfig -a`."""
    return _as_ifconfig(lambda: print_status(None, machine, output, with_peers=False), output)


def show_interfaces_with_peers(machine: Machine, output: Output) -> ExitStatus:
    """Print every interface of ours: `ifconfig -A`."""
    return _as_ifconfig(lambda: print_status(None, machine, output), output)


def show_interface(name: str, machine: Machine, output: Output) -> ExitStatus:
    """Print an interface, or those of a group, with peers."""

    def show() -> ExitStatus:
        _check_length(name)
        return print_status(name, machine, output)

    return _as_ifconfig(show, output)


def change_interface(
    folder: Path, name: str, words: Sequence[str], machine: Machine, output: Output
) -> ExitStatus:
    """Carry out one command, of at least one word; the settings are those of the folder."""
    return _as_ifconfig(lambda: _change(folder, name, words, machine, output), output)


def _as_ifconfig(work: Callable[[], ExitStatus], output: Output) -> ExitStatus:
    """Do the work; tell what goes wrong as ifconfig(8) does, and return its 1 for that."""
    try:
        return work()
    except InternalError:
        raise
    except ConfigError as error:
        for diagnostic in error.diagnostics:
            output.warn(diagnostic.format_after(PROGRAM))
    except NoSuchInterfaceError as error:
        output.warn(str(error))
    except NetstartError as error:
        output.warn(f"{PROGRAM}: {error}")
    return ExitStatus.FAILED


def _change(
    folder: Path, name: str, words: Sequence[str], machine: Machine, output: Output
) -> ExitStatus:
    from netstart_wg.syntax.command_line import parse_words

    _check_name(name)
    file = parse_words(words, name, service_port)
    if not machine.system.is_root():
        raise PermissionDeniedError("need root privileges")
    settings = _settings(folder, name, machine, output)
    resolved = _resolve(file, machine)
    machine.system.links().observe(name)  # loads what it takes to look before others have to wait
    with machine.system.lock(name):
        before = replace(_look(name, words[0], machine), settings=settings)
        situation, is_whole = _fold(file, before)
        check_places(situation.desired, settings, machine)
        desired = with_engine(situation.desired, settings, situation.running, machine)
        situation = replace(situation, desired=desired)
        for warning in situation.warnings:
            output.warn(warning.format_after(PROGRAM))
        if not situation.plan(resolved).is_empty:
            refuse_if_pending(name, machine)
            carry_out(situation, resolved, machine, _Quiet(output), ALL_GUARDS)
    return ExitStatus.OK if is_whole else ExitStatus.FAILED


def _settings(folder: Path, name: str, machine: Machine, output: Output) -> InterfaceSettings:
    """Return what netstart-wg.toml says of the interface; raise NetstartError."""
    try:
        return read_settings(folder, repair_permissions, machine, output).settings.of(name)
    except ConfigError as error:  # its places are not those of words
        raise NetstartError(str(error)) from None


def _resolve(file: HostnameFile, machine: Machine) -> Resolved:
    """Look up the names of the command; raise NetstartError if one has no address."""
    from netstart_wg.syntax.statements import Ifconfig, WgEndpoint

    commands = (line for line in file.lines if isinstance(line, Ifconfig))
    words = (word for command in commands for word in command.statements)
    endpoints = [word.endpoint for word in words if isinstance(word, WgEndpoint)]
    names = [endpoint for endpoint in endpoints if isinstance(endpoint, EndpointName)]
    resolved: dict[EndpointName, Endpoint] = {}
    for name, answer in machine.system.resolve(names).items():
        if not isinstance(answer, Endpoint):
            raise NetstartError(f'endpoint "{name.host}": {answer.reason}')
        resolved[name] = answer
    return resolved


def _look(name: str, first_word: str, machine: Machine) -> Situation:
    """Return the interface as it is, as if that were desired; raise NetstartError if words cannot.

    What is not there may become one of ours, if it is named like them.  What is out
    of sight can be destroyed, and no more.
    """
    try:
        running, applied = look(name, machine)
    except ElsewhereError as error:
        if first_word != "destroy":
            raise
        running, applied = error.state, read_record(name, machine)
    except NotOursError:
        if first_word == "create":
            raise _refused(name, "SIOCIFCREATE", errno.EEXIST) from None
        raise
    if running is None and not _WIREGUARD_NAME.fullmatch(name):
        raise _refused(name, "SIOCIFCREATE", errno.EINVAL, _HINT)
    if running is not None and first_word == "create":
        raise _refused(name, "SIOCIFCREATE", errno.EEXIST)
    now = config_of(running, applied) if running else InterfaceConfig(name=name, exists=False)
    return Situation(desired=now, running=running, applied=applied, is_incremental=True)


def _fold(file: HostnameFile, before: Situation) -> tuple[Situation, bool]:
    """Fold the command onto what is; say, too, whether every word had something to do."""
    from netstart_wg.syntax.lower import lower

    base = before.desired
    lowered = lower(file, base.name, derive_public_key, onto=base)
    desired = without_what_linux_takes(lowered.config)
    return replace(before, desired=desired, warnings=lowered.warnings), lowered.is_whole


def _refused(name: str, request: str, number: int, hint: str | None = None) -> NetstartError:
    """Say what ioctl(2) would have said on OpenBSD."""
    text = f"{name}: {request}: {os.strerror(number)}"
    return NetstartError(text if hint is None else f"{text}\n    hint: {hint}")


def _check_name(name: str) -> None:
    """Raise NetstartError for what no interface of ours can be called."""
    _check_length(name)
    if not is_interface_name(name):
        raise _refused(name, "SIOCIFCREATE", errno.EINVAL, _HINT)


def _check_length(name: str) -> None:
    """Raise NetstartError for a name that is too long; it may be a key that has gone astray."""
    if len(name) > NAME_LIMIT:
        raise NetstartError(f"interface name too long: {len(name)} characters of {NAME_LIMIT}")


@dataclass(frozen=True, slots=True)
class _Quiet:
    """An output that does not tell what was done: ifconfig(8) says nothing when all is well."""

    output: Output

    @property
    def has_reader(self) -> bool:
        """Whether what is said still arrives."""
        return self.output.has_reader

    def say(self, text: str) -> None:
        """Print what was asked for."""
        self.output.say(text)

    def step(self, text: str) -> None:
        """Say nothing."""

    def done(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Tell what went wrong."""
        self.output.warn(text)
