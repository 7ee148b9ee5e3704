"""The kernel refuses the last step of a run: everything is as it was, and nobody has noticed.

    near ── eth1 ── hub ── eth2 ── far

A flood of echo requests goes from near to the hub through the tunnel, while a new
file of the hub changes much, but not near, and fails for real.  A port is not among
that, unless it is what is refused: near would follow the hub to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netns.engines import (
    NETSTART_WG,
    PeerSection,
    new_key_pair,
    new_preshared_key,
    show,
)
from tests.netns.hosts import Host, HostMaker
from tests.netns.kinds import Kind
from tests.netns.test_hitless import PORT, Hub, add_spoke
from tests.netns.traffic import Flood, pings
from tests.netns.waiting import eventually

TAKEN = 51999
FAILED = 1


def refuse_ipv6(host: Host) -> str:
    """Let the kernel refuse IPv6 addresses: the last step that is declared."""
    host.run("sysctl", "-qw", "net.ipv6.conf.wg0.disable_ipv6=1")
    return f"wgport {PORT}\ninet6 fd00::1/64\n"


def take_the_port(host: Host) -> str:
    """Let another program have the port: the engine's own step."""
    script = f"""\
import signal, socket
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("", {TAKEN}))
print("held", flush=True)
signal.pause()
"""
    holder = host.start(sys.executable, "-c", script)
    eventually(holder.output, lambda text: "held" in text)
    return f"wgport {TAKEN}\n"


@pytest.mark.parametrize("obstacle", [refuse_ipv6, take_the_port])
def test_what_the_kernel_refuses_leaves_everything_and_every_session(
    new_host: HostMaker, tmp_path: Path, kind: Kind, obstacle: Callable[[Host], str]
) -> None:
    hub = Hub(host=new_host("hub"), keys=new_key_pair(), folder=tmp_path, kind=kind)
    near_host, _, near_keys = add_spoke(new_host, hub, "near", 1)
    far_host, _, far_keys = add_spoke(new_host, hub, "far", 2)
    near = PeerSection(public_key=near_keys.public, allowed_ips=("10.0.0.2/32",))
    far = PeerSection(
        public_key=far_keys.public, allowed_ips=("10.0.0.3/32",), persistent_keepalive=25
    )
    hub.apply_by_netstart([near, far])
    hub.host.run(
        *("ip", "address", "add", "10.66.0.1/24", "broadcast", "10.66.0.255", "dev", "wg0")
    )
    assert pings(near_host, "10.0.0.1")
    assert pings(far_host, "10.0.0.1")
    port = obstacle(hub.host)
    before, handshake = picture(hub.host), show(hub.host, "wg0").peers[near.public_key]

    changed_far = PeerSection(
        public_key=far.public_key, allowed_ips=("10.8.0.0/16",), preshared_key=new_preshared_key()
    )
    other = PeerSection(public_key=new_key_pair().public, allowed_ips=("10.0.0.3/32",))
    wish = f"wgkey {hub.keys.private}\n" + near.hostname_line()
    wish += changed_far.hostname_line() + other.hostname_line()
    wish += "inet 10.0.0.1/24\ninet alias 10.0.0.9/24\nmtu 1380\ndescription hub\ndebug\n"
    (tmp_path / "hostname.wg0").write_text(wish + port)
    flood = Flood(near_host, "10.0.0.1")
    result = hub.host.attempt(NETSTART_WG, "-C", str(tmp_path))
    assert flood.stop() == []

    assert result.returncode == FAILED, result.stderr
    assert "wg0: everything is again as it was" in result.stderr
    assert picture(hub.host) == before
    after = show(hub.host, "wg0").peers[near.public_key]
    assert after.latest_handshake == handshake.latest_handshake > 0
    assert pings(near_host, "10.0.0.1")
    assert pings(far_host, "10.0.0.1")


def test_an_interface_that_was_moved_comes_back_with_all_it_had(
    new_host: HostMaker, tmp_path: Path, kind: Kind
) -> None:
    hub = Hub(host=new_host("hub"), keys=new_key_pair(), folder=tmp_path, kind=kind)
    near_host, _, near_keys = add_spoke(new_host, hub, "near", 1)
    near = PeerSection(public_key=near_keys.public, allowed_ips=("10.0.0.2/32", "10.7.0.0/16"))
    kind.choose(tmp_path)
    file = tmp_path / "hostname.wg0"
    file.touch(mode=0o600)
    lines = f"wgkey {hub.keys.private} wgport {PORT}\n" + near.hostname_line()
    file.write_text(lines + "inet 10.0.0.1/24\n!route add 10.7.0.0/16 10.0.0.2\n")
    hub.host.run(NETSTART_WG, "-C", str(tmp_path))
    assert pings(near_host, "10.0.0.1")
    hub.host.run("ip", "netns", "add", "rdomain3")
    refuse = ("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    hub.host.run("ip", "netns", "exec", "rdomain3", *refuse)
    before, routes = picture(hub.host)[1:], hub.host.run("ip", "route", "show", "dev", "wg0")
    assert "10.7.0.0/16" in routes
    handshake = show(hub.host, "wg0").peers[near.public_key].latest_handshake

    file.write_text("rdomain 3\n" + lines + "inet 10.0.0.9/24\ninet6 fd00::1/64\n")
    result = hub.host.attempt(NETSTART_WG, "-C", str(tmp_path))
    assert result.returncode == FAILED, result.stderr
    assert "wg0: everything is again as it was" in result.stderr
    assert "cannot be restored: routes of other programs" in result.stderr
    assert picture(hub.host)[1:] == before
    assert hub.host.run("ip", "route", "show", "dev", "wg0") == routes
    assert pings(near_host, "10.0.0.1")
    after = show(hub.host, "wg0").peers[near.public_key].latest_handshake
    assert (after == handshake > 0) is kind.keeps_sessions_when_down


def picture(host: Host) -> list[object]:
    """Return what ip(8) and wg(8) tell, but for what traffic and the kernel itself change."""
    (link,) = json.loads(host.run("ip", "-json", "link", "show", "wg0"))
    (addresses,) = json.loads(host.run("ip", "-json", "address", "show", "wg0"))
    wanted = ("local", "prefixlen", "broadcast")
    configuration = host.run("wg", "showconf", "wg0")
    return [
        {key: link[key] for key in ("flags", "mtu", "ifindex")},
        link.get("ifalias"),
        [
            {key: each.get(key) for key in wanted}
            for each in addresses["addr_info"]
            if each["scope"] != "link"
        ],
        sorted(part.strip() for part in configuration.split("[Peer]")),
    ]
