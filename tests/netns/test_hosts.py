"""The hosts themselves: apart from each other, joined by a cable, and gone without a trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.netns.hosts import Host, HostMaker, link
from tests.netns.traffic import file_arrives_intact, pings
from tests.netns.waiting import eventually

DIE_WITH_A_HOST = """
import os, signal, sys
from pathlib import Path
from tests.netns.hosts import Host
host = Host("doomed", Path(sys.argv[1]))
inside = host.start("sleep", "86400")
print(host.pid, inside.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def is_alive(number: int) -> bool:
    """Tell whether it is more than a zombie that nobody has waited for."""
    try:
        return bool(Path(f"/proc/{number}/cmdline").read_bytes())
    except OSError:
        return False


def test_a_cable_joins_two_hosts_at_once(new_host: HostMaker) -> None:
    left, right = new_host("left"), new_host("right")
    cable = link(left, right)
    for family in (4, 6):
        assert pings(left, cable.address(right, family))
        assert pings(right, cable.address(left, family))
    assert file_arrives_intact(left, right, cable.address(right, 6), size=100_000)


def test_hosts_have_nothing_in_common_but_files(new_host: HostMaker) -> None:
    one, other = new_host("one"), new_host("other")
    one.run("touch", "/run/here")
    assert not other.exists("/run/here")
    one.run("ip", "link", "add", "mine", "type", "veth", "peer", "name", "too")
    assert not other.has_interface("mine")
    assert one.run("ls", "/sys/class/net").split() == ["lo", "mine", "too"]


def test_a_closed_host_takes_its_processes_along(tmp_path: Path) -> None:
    with Host("short", tmp_path) as host:
        inside = host.start("sleep", "86400").pid
        assert is_alive(inside)
    assert not is_alive(inside)


def test_a_host_ends_with_whoever_made_it_however_abruptly(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", DIE_WITH_A_HOST, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    numbers = [int(word) for word in made.stdout.split()]
    assert len(numbers) == 2
    eventually(lambda: not any(is_alive(number) for number in numbers))
