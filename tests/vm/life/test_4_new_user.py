"""What a new user types: the README, and the example of wg(4)."""

from __future__ import annotations

import re

from tests.netns.openbsd import WG4
from tests.vm.cargo import ROOT
from tests.vm.life.conftest import Life
from tests.vm.life.network import PASSES


def test_the_hostname_file_of_the_readme_does_what_is_written_there(life: Life) -> None:
    """As a new user would type it; office and its network are only in documentation."""
    file, session = _first_file_and_session()
    life.run("netstart-wg stop; rm -f /etc/hostname.wg*")
    life.write("/etc/hostname.wg0", file)
    would = life.attempt("netstart-wg -n")
    assert (would.status, would.output) == (2, session["netstart-wg -n"])
    assert life.run("netstart-wg") == session["netstart-wg"]
    assert life.run("netstart-wg") == ""
    status = life.run("netstart-wg status wg0")
    assert _without_own_numbers(status) == _without_own_numbers(session["netstart-wg status wg0"])
    life.run("netstart-wg stop; rm /etc/hostname.wg0")


def _first_file_and_session() -> tuple[str, dict[str, str]]:
    """Return the README's first hostname file, and what each command after it says there."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"(?:^    .*\n)+", text[text.index("## A hostname file") :], re.MULTILINE)
    file, typed = (re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks[:2])
    said: dict[str, str] = {}
    for part in re.split("^# ", typed, flags=re.MULTILINE)[1:]:
        first, _, rest = part.partition("\n")
        said.setdefault(re.split(" {2,}", first)[0], rest)
    return file, said


def _without_own_numbers(status: str) -> str:
    """Leave out what is of one machine only: the index, and the link-local address."""
    return re.sub(r"index \d+|inet6 fe80::\S+|scopeid \S+", "...", status)


def test_the_example_of_wg4_runs_as_it_is_written(life: Life) -> None:
    life.write("/root/example", WG4, mode="755")
    life.run(
        f"""
        mkdir -p tree; tar -xf /dev/vdb tree
        PATH=/root/tree/contrib/openbsd:$PATH
        ./example
        route -T1 exec {PASSES} 192.168.5.2
        route -T 2 exec {PASSES} 192.168.5.1
        netstart-wg stop
        """,
        within=240,
    )
