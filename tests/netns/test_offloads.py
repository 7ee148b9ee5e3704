"""What the engine does without by `--without`, and what it says then.

left ───────── right, of which only the left one does without
"""

from __future__ import annotations

import pytest

from tests.netns.engines import NETSTART_WGD, OURS, Engine
from tests.netns.hosts import HostMaker
from tests.netns.pairs import Pair
from tests.netns.traffic import file_arrives_intact
from tests.netns.uapi import state

FILE_BYTES = 2_000_000
ALL = ("tun-csum", "tun-tso", "tun-uso", "udp-gro", "udp-gso")


@pytest.mark.parametrize(
    ("without", "left"),
    [
        *((name, tuple(each for each in ALL if each != name)) for name in ALL[1:]),
        ("tun-csum", ("udp-gro", "udp-gso")),
        ("tun-tso,tun-uso,udp-gso,udp-gro", ("tun-csum",)),
        (",".join(ALL), ()),
    ],
    ids=str,
)
def test_traffic_passes_without(new_host: HostMaker, without: str, left: tuple[str, ...]) -> None:
    poor = Engine("poor", (NETSTART_WGD, "--without", without))
    pair = Pair.start(poor, OURS, new_host)
    pair.configure(initiator=pair.left, outer=4)
    assert state(pair.left.outside, "wg0").offloads == left
    assert state(pair.right.outside, "wg0").offloads == ALL
    for end in (pair.left, pair.right):
        to = pair.inner(pair.other(end), 4)
        assert file_arrives_intact(end.outside, pair.other(end).outside, to, size=FILE_BYTES)
