"""contrib/openbsd: which program `ifconfig` and `route` hand their words to.

What those words then do is for tests/netns.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SHIMS = Path(__file__).parent.parent / "contrib" / "openbsd"

TELL = """\
#!/bin/sh
printf '%s' "$(basename "$(dirname "$0")")/$(basename "$0")"
for word; do printf '|%s' "$word"; done
echo
"""
"""A program that says where it is and what it was given."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A PATH with the shims in front, and behind them programs that tell what reached them."""

    folder: Path
    path: str

    def add(self, folder: str, *names: str) -> None:
        for name in names:
            file = self.folder / folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(TELL)
            file.chmod(0o755)

    def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            env={**os.environ, "PATH": self.path},
        )

    def reached(self, *words: str) -> str:
        result = self.attempt(*words)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.rstrip("\n")


@pytest.fixture
def bare(tmp_path: Path) -> Shell:
    """Without a system that has an ifconfig or a route of its own."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "basename", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    path = f"{SHIMS}:{tmp_path}/ours:{tmp_path}/system:{tmp_path}/second:{tools}"
    shell = Shell(tmp_path, path)
    shell.add("ours", "netstart-wg")
    return shell


@pytest.fixture
def shell(bare: Shell) -> Shell:
    bare.add("system", "ifconfig", "route")
    bare.add("second", "ifconfig", "route")
    return bare


@pytest.mark.parametrize("name", ["wg", "wg0", "wg123"])
def test_a_wireguard_interface_goes_to_netstart_wg_word_for_word(shell: Shell, name: str) -> None:
    assert shell.reached("ifconfig", name) == f"ours/netstart-wg|ifconfig|{name}"
    words = ("-wgpeer", "a b", "", "description", 'it\'s "here" $HOME *')
    expected = "|".join(["ours/netstart-wg", "ifconfig", name, *words])
    assert shell.reached("ifconfig", name, *words) == expected


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-a",),
        ("eth0", "up"),
        ("wgx",),
        ("wg0x",),
        ("wg-0",),
        ("xwg0",),
        ("",),
        ("eth0", "wg0"),
    ],
)
def test_anything_else_goes_to_the_next_ifconfig(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.reached("ifconfig", *words) == "|".join(["system/ifconfig", *words])


def test_without_another_ifconfig_there_is_a_hint(bare: Shell) -> None:
    result = bare.attempt("ifconfig", "eth0")
    assert result.returncode == 127
    assert result.stdout == ""
    assert "no other ifconfig in PATH" in result.stderr
    assert "hint: ip address" in result.stderr


def test_what_precedes_the_shim_in_path_is_not_the_next(shell: Shell) -> None:
    path = f"{shell.folder}/second:{SHIMS}:{shell.folder}/system:{shell.path}"
    behind = Shell(shell.folder, path)
    assert behind.reached(str(SHIMS / "ifconfig"), "lo") == "system/ifconfig|lo"


def test_a_shim_that_is_in_path_twice_does_not_run_itself_for_ever(shell: Shell) -> None:
    for folder in ("linked", "copied"):
        (shell.folder / folder).mkdir()
    (shell.folder / "linked" / "ifconfig").symlink_to(SHIMS / "ifconfig")
    shutil.copy(SHIMS / "ifconfig", shell.folder / "copied")
    for order in (("linked", "copied"), ("copied", "linked")):
        front = ":".join(str(shell.folder / folder) for folder in order)
        assert Shell(shell.folder, f"{front}:{shell.path}").reached("ifconfig") == "system/ifconfig"


def test_a_folder_or_a_text_of_that_name_is_no_program(shell: Shell) -> None:
    (shell.folder / "system" / "ifconfig").chmod(0o644)
    (shell.folder / "system" / "route").unlink()
    (shell.folder / "system" / "route").mkdir()
    assert shell.reached("ifconfig") == "second/ifconfig"
    assert shell.reached("route") == "second/route"


@pytest.mark.parametrize(
    "flags", [("-T", "1"), ("-T1",), ("-nT1",), ("-n", "-T", "1"), ("-nqT", "1")]
)
def test_route_exec_goes_to_netstart_wg_exec(shell: Shell, flags: tuple[str, ...]) -> None:
    said = shell.reached("route", *flags, "exec", "ping", "-c", "1", "a b", "-T2")
    assert said == "ours/netstart-wg|exec|-T|1|ping|-c|1|a b|-T2"


@pytest.mark.parametrize(
    ("words", "handed_on"),
    [
        (("-T", "1", "-n"), "-n"),
        (("-nT1",), "-n"),
        (("-nvT1",), "-nv"),
        (("-T1", "add", "default", "gw", "10.0.0.1"), "add|default|gw|10.0.0.1"),
        (("-n", "-T1", "add", "-net", "a b"), "-n|add|-net|a b"),
    ],
)
def test_route_in_an_rdomain_is_the_systems_route_there(
    shell: Shell, words: tuple[str, ...], handed_on: str
) -> None:
    system = shell.folder / "system" / "route"
    expected = f"ours/netstart-wg|exec|-T|1|{system}|{handed_on}"
    assert shell.reached("route", *words) == expected


@pytest.mark.parametrize(
    "words", [(), ("-n",), ("-T",), ("--help",), ("-A", "inet6"), ("-e", "-T1"), ("add", "-T1")]
)
def test_any_other_route_is_the_systems_own(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.reached("route", *words) == "|".join(["system/route", *words])


@pytest.mark.parametrize(
    ("words", "hint"), [(("-n",), "ip route"), (("-T3",), "ip -n rdomain3 route")]
)
def test_without_another_route_there_is_a_hint(
    bare: Shell, words: tuple[str, ...], hint: str
) -> None:
    result = bare.attempt("route", *words)
    assert result.returncode == 127
    assert "no other route in PATH" in result.stderr
    assert hint in result.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck")
@pytest.mark.parametrize("shim", ["ifconfig", "route"])
def test_shellcheck_has_nothing_to_say(shim: str) -> None:
    result = subprocess.run(
        ["shellcheck", str(SHIMS / shim)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (result.returncode, result.stdout) == (0, "")
