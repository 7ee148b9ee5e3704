"""contrib/completion: what bash and zsh offer when the tab key is pressed, each in a terminal."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import which

import pytest

from netstart_wg.cli.usage import COMMANDS, help_of
from netstart_wg.model.guard import Guard
from netstart_wg.syntax.grammar import literal_words
from netstart_wg.syntax.keywords import KEYWORDS
from tests.netns.obstacles import give_up
from tests.netns.waiting import eventually

COMPLETION = Path(__file__).parent.parent / "contrib" / "completion"
TAB, CLEAR = "\t", "\x15"
END = "(end)"

BASH = r"""
bind 'set completion-query-items 0'; bind 'set page-completions off'
. {completion}/netstart-wg.bash
tell() {{ _netstart_wg "$@"; printf '%s\n' "${{COMPREPLY[@]}}" >> {told}; }}
complete -F tell netstart-wg
"""

ZSH = r"""
LISTMAX=9999; unsetopt beep; bindkey -e
fpath=({completion} $fpath); autoload -Uz compinit; compinit -u -D
compadd() {{
  local -a offered; local -i options=${{@[(i)(-|--)]}}
  [[ " ${{(j: :)@[1,options]}} " == *' -'[OAD]' '* ]] || {{
    builtin compadd -A offered "$@"; print -rl -- $offered >> {told}
  }}
  builtin compadd "$@"
}}
"""


class Shell:
    """A shell in a terminal, which writes down what it offers."""

    def __init__(self, folder: Path, command: list[str], setup: str) -> None:
        self._told = folder / "told"
        self._terminal, terminal = os.openpty()
        os.set_blocking(self._terminal, False)
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.environ["PATH"], "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(terminal)
        self._screen = ""
        script = folder / "setup"
        script.write_text(setup.format(completion=COMPLETION, told=self._told))
        self._type(f". {script}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def offers(self, line: str) -> set[str]:
        """Return what is offered for the last word of a line."""
        return set(self._type(f"{line}{TAB}{CLEAR}"))

    def becomes(self, line: str) -> str:
        """Return what a line has become when the tab key was pressed."""
        told = self._type(f'netstart-wg() {{ echo "ran $*" >> {self._told}; }}\n{line}{TAB}')
        return next(each for each in told if each.startswith("ran "))

    def _type(self, text: str) -> list[str]:
        """Press keys, and return what has been written down when the shell reads on."""
        self._told.unlink(missing_ok=True)
        keys = f"{text}\necho {shlex.quote(END)} >> {self._told}\n"
        os.write(self._terminal, keys.encode())
        told = eventually(self._lines, lambda lines: END in lines, within=30)
        return [line.rstrip() for line in told if line not in ("", END)]

    def _lines(self) -> list[str]:
        with suppress(BlockingIOError):
            while said := os.read(self._terminal, 65536):
                self._screen += said.decode(errors="replace")
        return self._told.read_text().splitlines() if self._told.exists() else []


@pytest.fixture(scope="module", params=["bash", "zsh"])
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    if which(request.param) is None:
        give_up(f"no {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("hostname.wg0", "hostname.wg7", "hostname.wg7.bak", "hostname.if", "other"):
        (folder / name).touch()
    (folder / "folder").mkdir()
    commands = {
        "bash": (["bash", "--norc", "--noprofile", "-i"], BASH),
        "zsh": (["zsh", "-f", "-i"], ZSH),
    }
    made = Shell(folder, *commands[request.param])
    yield made
    made.close()


def options_of(command: str) -> set[str]:
    """Return the options that the help describes, and those of every help."""
    _, _, description = help_of(command).partition("\n\n")
    described = re.findall(r"^  (-.*?)(?:  |$)", description, re.M)
    found = {option for each in described for option in re.findall(r"(?<!\w)--?\w[\w-]*", each)}
    return found | {"-h", "--help"}


def test_the_first_word_is_a_command_or_an_interface(shell: Shell) -> None:
    offered = shell.offers("netstart-wg -C . ") | shell.offers("netstart-wg ")
    assert offered >= {*COMMANDS, "wg0", "wg7"}
    assert offered.isdisjoint({"wg7.bak", "if", "hostname.wg0", "other"})


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_option_of_the_help_is_offered_and_no_other(shell: Shell, command: str) -> None:
    line = f"netstart-wg {command}".rstrip()
    offered = {
        option
        for lead in ("-", "--", *(["--live -"] if command == "check" else []))
        for option in shell.offers(f"{line} {lead}")
    }
    assert offered == options_of(command)


def test_interfaces_are_those_of_the_folder_that_is_named(shell: Shell) -> None:
    for line in ("-n -C .", "check --live -C .", "rollback -C ."):
        assert {"wg0", "wg7"} <= shell.offers(f"netstart-wg {line} ")
    assert shell.offers("netstart-wg status wg") & {"wg0", "wg7"} == set(), "they are not in /etc"


def test_what_an_option_takes_is_offered(shell: Shell) -> None:
    assert shell.offers("netstart-wg check --format ") == {"text", "json", "errorformat"}
    assert {"30s", "5m", "1h"} == shell.offers("netstart-wg --confirm ")
    assert "0" in shell.offers("netstart-wg exec -T ")
    assert shell.becomes("netstart-wg -C fold").rstrip("/") == "ran -C folder"


def test_the_words_of_allow_are_offered_one_after_the_other(shell: Shell) -> None:
    assert shell.offers("netstart-wg --allow ") == {guard.value for guard in Guard}
    assert shell.becomes("netstart-wg --allow key,tak").startswith("ran --allow key,takeover")


def test_check_and_fmt_take_files(shell: Shell) -> None:
    for command in ("check", "fmt -w"):
        assert shell.becomes(f"netstart-wg {command} oth") == f"ran {command} other"
    assert shell.becomes("netstart-wg check hostname.i") == "ran check hostname.if"


def test_exec_takes_a_command(shell: Shell) -> None:
    assert "mkdir" in shell.offers("netstart-wg exec -T 0 mkdi")


def test_ifconfig_takes_the_words_of_the_language(shell: Shell) -> None:
    assert shell.offers("netstart-wg ifconfig wg0 up ") == literal_words()
    assert shell.offers("netstart-wg ifconfig wg0 up -wgp") == {"-wgpeer", "-wgpeerall", "-wgpsk"}


def test_nothing_is_offered_where_a_word_of_the_language_takes_an_argument(shell: Shell) -> None:
    for word in KEYWORDS.values():
        if word.arguments and not word.arguments.startswith("[alias]"):
            assert shell.offers(f"netstart-wg ifconfig wg0 {word.name} ") == set(), word
    assert shell.offers("netstart-wg ifconfig wg0 wgpeer K wgendpoint host ") == set()


def test_a_command_that_is_begun_is_completed(shell: Shell) -> None:
    assert shell.becomes("netstart-wg stat") == "ran status"
    assert shell.becomes("netstart-wg confirm --rev") == "ran confirm --revert"


def test_shellcheck_has_nothing_to_say_of_that_of_bash() -> None:
    subprocess.run(["shellcheck", "--shell=bash", COMPLETION / "netstart-wg.bash"], check=True)
