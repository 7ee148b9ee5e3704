"""`netstart-wgd [-f] IF`: the engine of one interface.

By default it returns when the interface and its UAPI socket are there and goes
on in the background, as wg-quick(8) and others expect of a WireGuard engine;
WG_PROCESS_FOREGROUND=1 in the environment is another spelling of -f.
"""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import re
import resource
import sys
from pathlib import Path
from typing import NoReturn

from netstart_wg import VERSION
from netstart_wg.cli.terminal import fill_standard_descriptors
from netstart_wg.errors import ExitStatus, NetstartError, UsageError

PROGRAM = "netstart-wgd"

_NAME = re.compile(r"[A-Za-z0-9_.=+-]{1,15}")


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
            _log_to(logging.StreamHandler())
            return _serve(options.interface)
        return _serve_in_background(options.interface)
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
    parser.add_argument("--version", action="version", version=f"netstart-wg {VERSION}")
    parser.add_argument("interface", metavar="IF", help="name of the interface, as in wg0")
    options = parser.parse_args(arguments)
    if not _NAME.fullmatch(options.interface) or options.interface in (".", ".."):
        raise UsageError(f"'{options.interface}' cannot be the name of an interface")
    if os.environ.get("WG_PROCESS_FOREGROUND") == "1":
        options.foreground = True
    return options


def _serve(name: str, ready: int | None = None) -> int:
    """Make the interface, tell `ready`, and serve until the end."""
    from netstart_wg.engine.engine import Engine

    engine = Engine(name)
    if ready is not None:
        _leave_terminal()
        os.write(ready, b"\0")
        os.close(ready)
    engine.run()
    return ExitStatus.OK


def _serve_in_background(name: str) -> int:
    """Fork; return in the parent when the child serves, or with its message when it cannot."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return _await(reading)
    os.close(reading)
    os.setsid()
    _log_to_syslog()
    try:
        status = _serve(name, writing)
    except NetstartError as error:
        os.write(writing, bytes([error.exit_status]) + str(error).encode())
        status = error.exit_status
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


def _leave_terminal() -> None:
    """Hold on to no terminal, pipe or folder of whoever started us."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


def _log_to_syslog() -> None:
    if Path("/dev/log").exists():
        handler = logging.handlers.SysLogHandler(
            "/dev/log", logging.handlers.SysLogHandler.LOG_DAEMON
        )
        handler.ident = f"{PROGRAM}[{os.getpid()}]: "
        _log_to(handler)


def _log_to(handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
