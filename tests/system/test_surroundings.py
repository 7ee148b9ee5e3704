"""Against the real kernel; what enters for good is a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netstart_wg.system import libc
from netstart_wg.system.namespaces import make_rdomain

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]

ENTER = """
import subprocess, sys
from netstart_wg.errors import NetstartError
from netstart_wg.system.surroundings import enter_for_good
try:
    enter_for_good(3)
except NetstartError as error:
    sys.exit(str(error))
subprocess.run(["sh", "-c", sys.argv[1]], check=True)
"""


@pytest.fixture
def etc(private: None, tmp_path: Path) -> Path:
    """An /etc of the test's own, over the machine's."""
    for name, text in {"resolv.conf": "of the machine\n", "hosts": "of the machine\n"}.items():
        (tmp_path / name).write_text(text)
    libc.mount(tmp_path, Path("/etc"), "none", libc.MS_BIND)
    return Path("/etc")


def enter_and_run(text: str, *prefix: str) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-c", ENTER, text]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_sys_shows_the_interfaces_of_the_rdomain_and_outside_those_of_here() -> None:
    make_rdomain(3)
    words = "ip -n rdomain3 link add there type veth peer far"
    subprocess.run(words.split(), check=True)
    before = sorted(path.name for path in Path("/sys/class/net").iterdir())
    ended = enter_and_run("ls /sys/class/net")
    assert ended.stderr == ""
    assert {"there", "far", "lo"} <= set(ended.stdout.split())
    assert sorted(path.name for path in Path("/sys/class/net").iterdir()) == before


def test_files_of_the_rdomain_take_the_place_of_those_in_etc(etc: Path) -> None:
    make_rdomain(3)
    folder = etc / "netns/rdomain3"
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text("of the rdomain\n")
    ended = enter_and_run("cat /etc/resolv.conf /etc/hosts")
    assert (ended.stdout, ended.stderr) == ("of the rdomain\nof the machine\n", "")
    assert (etc / "resolv.conf").read_text() == "of the machine\n"


def test_a_file_without_its_like_in_etc_is_warned_of_and_the_others_stay(etc: Path) -> None:
    make_rdomain(3)
    folder = etc / "netns/rdomain3"
    folder.mkdir(parents=True)
    (folder / "absent").touch()
    (folder / "hosts").write_text("of the rdomain\n")
    ended = enter_and_run("cat /etc/hosts")
    assert ended.stdout == "of the rdomain\n"
    assert ended.stderr == (
        "rdomain 3: warning: /etc/netns/rdomain3/absent does not take the place of /etc/absent: "
        "no such file or directory\n"
    )


def test_a_read_only_sys_stays_read_only() -> None:
    make_rdomain(3)
    flags = libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
    libc.mount(None, Path("/sys"), "sysfs", flags)
    ended = enter_and_run("grep ' /sys ' /proc/mounts | tail -n 1")
    assert ended.stdout.split()[3].split(",")[0] == "ro"


def test_an_rdomain_that_is_not_there_is_not_made() -> None:
    ended = enter_and_run("true")
    assert (ended.returncode, ended.stderr) == (1, "rdomain 3 does not exist\n")


def test_only_root_may_enter() -> None:
    make_rdomain(3)
    ended = enter_and_run("true", "setpriv", "--bounding-set", "-sys_admin")
    assert (ended.returncode, ended.stderr) == (1, "rdomain 3: only root may enter it\n")
