"""`netstart-wgd [-f] IF`: the engine of one interface.

By default it returns when the interface and its UAPI socket are there and goes
on in the background, as wg-quick(8) and others expect of a WireGuard engine.
The environment of wireguard-go means the same here: WG_PROCESS_FOREGROUND,
WG_TUN_FD, WG_UAPI_FD and LOG_LEVEL; an option goes before it.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import resource
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from netstart_wg import VERSION
from netstart_wg.cli.terminal import fill_standard_descriptors, leave_terminal
from netstart_wg.errors import ExitStatus, NetstartError, UsageError
from netstart_wg.model.offload import Offload

if TYPE_CHECKING:
    from netstart_wg.engine.launch import Launch
    from netstart_wg.engine.notify import ServiceManager

PROGRAM = "netstart-wgd"

_NAME = re.compile(r"[A-Za-z0-9_.=+-]{1,15}")
_DESCRIPTOR = re.compile(r"[3-9]|[1-9][0-9]{1,5}")

_LOG_LEVELS = {
    "verbose": logging.DEBUG,
    "debug": logging.DEBUG,
    "error": logging.ERROR,
    "silent": logging.CRITICAL + 1,
}
"""The words of wireguard-go; without one, what an administrator has to know is logged."""


class _ArgumentParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    fill_standard_descriptors()
    try:
        options = _parse(sys.argv[1:] if arguments is None else arguments)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the keys
        if options.foreground:
            return _serve_in_foreground(options)
        return _serve_in_background(_launch_of(options))
    except NetstartError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return error.exit_status


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _ArgumentParser(
        prog=PROGRAM,
        description="Make a WireGuard interface and carry its traffic.",
        epilog="See netstart-wgd(8).",
    )
    parser.add_argument("-f", "--foreground", action="store_true", help="stay in the foreground")
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--user", help="run as this user, a name or a number, and not as its own")
    whom.add_argument("--keep-root", action="store_true", help="remain root, in one process")
    parser.add_argument("--tun-fd", metavar="N", help="use this TUN device, which is open already")
    parser.add_argument("--uapi-fd", metavar="N", help="use this socket, which listens already")
    parser.add_argument(
        "--udp-fd",
        metavar="N",
        action="append",
        default=[],
        help="use this UDP socket, which is bound already; once for each family",
    )
    parser.add_argument(
        "--without",
        metavar="OFFLOAD[,...]",
        type=_offloads,
        default=frozenset(),
        help="do without kernel offloads: " + ", ".join(each.value for each in Offload),
    )
    parser.add_argument("--version", action="version", version=f"netstart-wg {VERSION}")
    parser.add_argument("interface", metavar="IF", help="name of the interface, as in wg0")
    options = parser.parse_args(arguments)
    if not _NAME.fullmatch(options.interface) or options.interface in (".", ".."):
        raise UsageError(f"'{options.interface}' cannot be the name of an interface")
    if os.environ.get("WG_PROCESS_FOREGROUND") == "1":
        options.foreground = True
    return options


def _offloads(text: str) -> frozenset[Offload]:
    """Read names with commas between; raise ArgumentTypeError."""
    names = text.split(",")
    known = [each.value for each in Offload]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f'"{name}" is none of {", ".join(known)}')
    return frozenset(map(Offload, names))


def _launch_of(options: argparse.Namespace) -> Launch:
    """Put options and environment together."""
    from netstart_wg.engine.descriptors import HandedIn
    from netstart_wg.engine.launch import Launch

    handed_in = HandedIn(
        tun=_descriptor("--tun-fd", options.tun_fd) or _from_environment("WG_TUN_FD"),
        uapi=_descriptor("--uapi-fd", options.uapi_fd) or _from_environment("WG_UAPI_FD"),
        udp=tuple(number for each in options.udp_fd if (number := _descriptor("--udp-fd", each))),
    )
    return Launch(
        interface=options.interface,
        user=options.user,
        keeps_root=options.keep_root,
        handed_in=handed_in,
        without=options.without,
        is_verbose=_log_level() == logging.DEBUG,
    )


def _from_environment(name: str) -> int | None:
    return _descriptor(name, os.environ.get(name) or None)


def _descriptor(name: str, text: str | None) -> int | None:
    """Return the number of a descriptor that was handed in; raise UsageError."""
    if text is None:
        return None
    if not _DESCRIPTOR.fullmatch(text):
        raise UsageError(f"{name}: '{text}' is not the number of a descriptor from 3 on")
    return int(text)


def _log_level() -> int:
    return _LOG_LEVELS.get(os.environ.get("LOG_LEVEL", ""), logging.INFO)


def _serve_in_foreground(options: argparse.Namespace) -> int:
    """Serve, and tell the service manager, if there is one, why that is not possible."""
    from dataclasses import replace

    from netstart_wg.app.syslog import standard_error_log
    from netstart_wg.engine.descriptor_store import Inherited
    from netstart_wg.engine.notify import ServiceManager
    from netstart_wg.engine.predecessor import GivenUpError, InterfaceDeletedError

    _log_to(standard_error_log())
    service_manager = ServiceManager.of_environment()
    inherited = Inherited.of_environment()
    try:
        how = replace(_launch_of(options), inherited=inherited)
        return _serve(how, service_manager)
    except InterfaceDeletedError as error:
        # as if it had been deleted a moment later
        logging.getLogger(__name__).info("%s", error)
        service_manager.is_ready("its interface was deleted")
        return ExitStatus.OK
    except NetstartError as error:
        service_manager.status(str(error))
        if inherited.is_empty or isinstance(error, GivenUpError):
            raise
        # there is an interface to lose, so it is worth another try
        logging.getLogger(__name__).critical("%s", error)
        return ExitStatus.BUSY


def _serve(how: Launch, service_manager: ServiceManager, ready: int | None = None) -> int:
    """Make the interface, tell `ready`, and serve until the end."""
    from netstart_wg.engine.launch import launch

    engine = launch(how, service_manager)
    if ready is not None:
        leave_terminal()
        os.write(ready, b"\0")
        os.close(ready)
    try:
        engine.run()
    except NetstartError as error:
        logging.getLogger(__name__).critical("%s", error)
        return ExitStatus.INTERNAL
    except Exception:  # noqa: BLE001 - whatever it was, it has been logged
        return ExitStatus.INTERNAL
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the interpreter would let them kill it again
    return ExitStatus.OK


def _serve_in_background(how: Launch) -> int:
    """Fork; return in the parent when the child serves, or with its message when it cannot."""
    from netstart_wg.engine.descriptors import close_others
    from netstart_wg.engine.notify import ServiceManager

    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return _await(reading)
    close_others({0, 1, 2, writing, *how.handed_in.numbers})  # a lock of our caller's, perhaps
    os.setsid()
    _log_to_syslog()
    try:
        status = _serve(how, ServiceManager(), writing)
    except NetstartError as error:
        status = error.exit_status
        try:
            os.write(writing, bytes([status]) + str(error).encode())
        except OSError:  # nobody waits any more
            logging.getLogger(__name__).error("%s", error)
    os._exit(status)


def _await(reading: int) -> int:
    """Return 0 when the child says so, else print what it said."""
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    if answer == b"\0":
        return ExitStatus.OK
    message = answer[1:].decode() if answer else "the engine died before it was ready"
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return answer[0] if answer else ExitStatus.FAILED


def _log_to_syslog() -> None:
    from netstart_wg.app.syslog import system_log

    _log_to(system_log(PROGRAM))


def _log_to(handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(_log_level())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
