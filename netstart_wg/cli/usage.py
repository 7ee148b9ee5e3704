"""What `netstart-wg` says of its own use: in short, and of each command all of it.

The completion for shells, in contrib/completion, has the same options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PROGRAM: Final = "netstart-wg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How something is used."""

    synopses: tuple[str, ...]
    """Without the name of the program; one may have several lines."""
    summary: str
    """In a few words, for a list."""
    description: str


NETSTART: Final = Usage(
    synopses=(
        "[-nv] [-C directory] [--json] [--allow what]\n"
        "[--confirm time | --no-confirm] [interface ...]",
    ),
    summary="make interfaces what their hostname files say",
    description="""\
Make WireGuard interfaces what their hostname files say: those named, or every
wgN that has a file.

  -n              change nothing; print what would change, exit 2 if anything would
  -v              print each change as it is made, instead of a summary
  -C directory    read the files there instead of in /etc
  --json          one JSON object instead: what differs or differed, and how it ended
  --allow what    do what is refused as a likely mistake: key, peers, takeover,
                  rebuild, readable-secret, held; several with commas between
  --confirm time  go back after that time (30s, 5m, 1h), unless it is confirmed
  --no-confirm    change for good, also what may cut one's own SSH connection
  --version       print the version
  -h, --help      print this; after a command, what that takes""",
)

COMMANDS: Final[Mapping[str, Usage]] = {
    "check": Usage(
        synopses=(
            "[--openbsd] [--format text|json|errorformat] file ...",
            "--live [--json] [-C directory] [interface ...]",
        ),
        summary="say what is wrong with files; with --live, what differs from them",
        description="""\
Print what is wrong with hostname files or a netstart-wg.toml, or odd about them.
It takes no root and changes nothing. Exit 65 if there is an error.

  --openbsd     also warn of what OpenBSD's netstart would read differently
  --format how  text (the default), json, or errorformat: one line each, for editors

With --live, hold what runs against the files, as root, for monitoring: a line for
each difference, pending if the file is newer, drift if somebody has changed what was
applied. Exit 2 if there are any; it is quiet if there are none, and changes nothing.

  --live        do that
  --json        one JSON object instead
  -C directory  read the files there instead of in /etc""",
    ),
    "confirm": Usage(
        synopses=("[--revert] [interface ...]",),
        summary="let changes stay that were made with --confirm",
        description="""\
Let changes that were made with --confirm stay: of the interfaces named, or all that
wait. Exit 1 if there is nothing to confirm, or it comes too late.

  --revert  go back at once instead""",
    ),
    "debug": Usage(
        synopses=("interface",),
        summary="print what an engine does, as it happens",
        description="""\
Print what the engine of an interface does, line by line as it happens, while
`debug` is set on the interface; it ends with the interface, or when interrupted.""",
    ),
    "exec": Usage(
        synopses=("-T rdomain command [argument ...]",),
        summary="run a command in an rdomain",
        description=f"""\
Run a command in an rdomain, as OpenBSD's route does.

  -T rdomain  its number; 0 is where {PROGRAM} itself runs""",
    ),
    "fmt": Usage(
        synopses=("[-w | --check] file ...",),
        summary="print hostname files in canonical layout",
        description="""\
Print hostname files in canonical layout, with the keys that are in them.

  -w       write them back instead, where anything changes
  --check  print the names of those that would change instead, exit 2 if any""",
    ),
    "history": Usage(
        synopses=("[--show number] [interface ...]",),
        summary="list the states that were applied",
        description="""\
List the last ten states that were applied to each interface.

  --show number  print the hostname file of that one, without its secrets""",
    ),
    "ifconfig": Usage(
        synopses=("[-aA] [interface [word ...]]",),
        summary="change an interface as it runs, or show it",
        description="""\
OpenBSD's, for WireGuard interfaces and groups of them: words change an interface and
leave alone what they do not mention; without words it is shown.

  -a  show every interface, but no peers; as without an interface
  -A  show every interface with its peers""",
    ),
    "rollback": Usage(
        synopses=(
            "[-nv] [-C directory] [--to number]\n[--confirm time | --no-confirm] [interface ...]",
        ),
        summary="make an interface what it was in an earlier state",
        description="""\
Make an interface what it was in the state before the present one. The hostname file
stays as it is, and is left alone until it is edited.

  --to number     the state to go back to, as numbered by history
  -n              change nothing; print what would change, exit 2 if anything would
  -v              print each change as it is made, instead of a summary
  -C directory    read the files there instead of in /etc
  --confirm time  come back after that time (30s, 5m, 1h), unless it is confirmed
  --no-confirm    change for good, also what may cut one's own SSH connection""",
    ),
    "status": Usage(
        synopses=("[--json] [interface]",),
        summary="show interfaces in the layout of OpenBSD's ifconfig",
        description="""\
Print one interface, or all, in the layout of OpenBSD's ifconfig.

  --json  one JSON object instead, with everything there is to know""",
    ),
    "stop": Usage(
        synopses=("[-v] [interface ...]",),
        summary=f"take away what {PROGRAM} has made",
        description=f"""\
Take away the interfaces named, or all that {PROGRAM} has made, with their routes,
rules and rdomains; hostname files stay.

  -v  print each step, instead of a summary""",
    ),
}


def usage_of(command: str = "") -> str:
    """Return the synopsis of a command; without one, of the program."""
    if not command:
        return _lay_out("", (*NETSTART.synopses, "command [-h] ..."))
    return _lay_out(f" {command}", COMMANDS[command].synopses)


def help_of(command: str = "") -> str:
    """Return all that there is to say in a few lines."""
    if command:
        return f"{usage_of(command)}\n\n{COMMANDS[command].description}"
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {each.summary}" for name, each in COMMANDS.items())
    manuals = "See netstart-wg(8), hostname.wg(5) and netstart-wg.toml(5)."
    return f"{usage_of()}\n\n{NETSTART.description}\n\nCommands:\n{listed}\n\n{manuals}"


def _lay_out(command: str, synopses: tuple[str, ...]) -> str:
    """Write `usage:` before the first line, and everything below it in line."""
    return "usage: " + "\n       ".join(
        f"{PROGRAM}{command} {synopsis}".replace("\n", "\n" + " " * len(f"usage: {PROGRAM} "))
        for synopsis in synopses
    )
