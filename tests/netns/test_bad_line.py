"""Loss, duplication, delay and reordering on the way: TCP arrives whole, sessions survive.

    client ──── eth1 ──── line ──── eth2 ──── server
     wg0                relay.py                wg0
    10.9.0.1                                 10.9.0.2

Both ends of the tunnel know the line's host as their peer's endpoint.  TCP waits as
long after the sixth loss in a row as after the first, or a fifth of all packets lost
would now and then mean half a minute of silence.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.netns.engines import (
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Host, HostMaker, link
from tests.netns.traffic import file_arrives_intact
from tests.netns.waiting import eventually

PORT = 51820
RELAY = Path(__file__).with_name("relay.py")
DELAY_SECONDS = 0.02
PATIENCE_SECONDS = 60.0


@pytest.mark.parametrize(("rate", "size"), [(0.01, 1_000_000), (0.05, 300_000), (0.2, 40_000)])
def test_a_file_arrives_intact_over_a_line_of_that_badness(
    new_host: HostMaker, rate: float, size: int
) -> None:
    client, line, server = new_host("client"), new_host("line"), new_host("server")
    near, far = link(client, line, 1), link(line, server, 2)
    relaying = line.start(
        *(sys.executable, "-IS", str(RELAY), far.address(server, 4), str(PORT)),
        *(str(rate), str(DELAY_SECONDS)),
    )
    eventually(relaying.output, what="the relay")
    client_keys, server_keys = new_key_pair(), new_key_pair()
    for host in (client, server):
        OURS.start(host, "wg0")
    to_server = PeerSection(
        public_key=server_keys.public,
        allowed_ips=("10.9.0.2/32",),
        endpoint=endpoint(near.address(line, 4), PORT),
    )
    to_client = PeerSection(public_key=client_keys.public, allowed_ips=("10.9.0.1/32",))
    setconf(client, "wg0", configuration(client_keys.private, PORT, to_server))
    setconf(server, "wg0", configuration(server_keys.private, PORT, to_client))
    bring_up(client, "10.9.0.1")
    bring_up(server, "10.9.0.2")

    assert file_arrives_intact(client, server, "10.9.0.2", size=size, patience=PATIENCE_SECONDS)
    assert file_arrives_intact(server, client, "10.9.0.1", size=size, patience=PATIENCE_SECONDS)

    assert relaying.is_running
    for host, keys in ((client, server_keys), (server, client_keys)):
        assert show(host, "wg0").peers[keys.public].received_bytes > size


def bring_up(host: Host, address: str) -> None:
    host.run("sysctl", "-q", "-w", "net.ipv4.tcp_thin_linear_timeouts=1")
    host.run("ip", "address", "add", f"{address}/24", "dev", "wg0")
    host.run("ip", "link", "set", "wg0", "up")
