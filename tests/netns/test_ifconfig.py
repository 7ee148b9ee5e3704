"""`netstart-wg ifconfig` on live interfaces: the words change what they name, and nothing else.

What each word means to an interface in memory is for tests/app/test_ifconfig.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.netns import openbsd
from tests.netns.engines import NETSTART_WG, KeyPair, ShownPeer, new_key_pair, show
from tests.netns.hosts import Host, HostMaker, hosts
from tests.netns.openbsd import ifconfig, ping, refused
from tests.netns.waiting import eventually

NOBODY = "3pzzVOIyb5Y3DGP3dM2y0VZyMfKZyb6Gm8qNJVh7rk4="
"""A public key of nobody here."""


@pytest.fixture(scope="module")
def shared_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosts(tmp_path_factory.mktemp("ifconfig")) as new_host:
        yield new_host("ifconfig")


@pytest.fixture
def host(shared_host: Host) -> Iterator[Host]:
    """A host without interfaces of ours."""
    yield shared_host
    shared_host.run("sh", "-c", "rm -rf /var/run/wireguard/*.sock /run/netstart-wg/*.json")
    assert_no_engine(shared_host)


def assert_no_engine(host: Host) -> None:
    eventually(partial(host.processes, "netstart_wgd"), lambda found: not found)


@dataclass(frozen=True, slots=True)
class Link:
    """An interface as ip(8) shows it."""

    flags: set[str]
    mtu: int
    description: str | None
    addresses: list[str]
    """Without the link-local ones."""


def link(host: Host, rdomain: int = 0) -> Link:
    """Look at wg0."""
    where = ("-n", f"rdomain{rdomain}") if rdomain else ()
    (seen,) = json.loads(host.run("ip", "-j", *where, "link", "show", "dev", "wg0"))
    (with_addresses,) = json.loads(host.run("ip", "-j", *where, "address", "show", "dev", "wg0"))
    return Link(
        flags=set(seen["flags"]),
        mtu=seen["mtu"],
        description=seen.get("ifalias"),
        addresses=[
            f"{address['local']}/{address['prefixlen']}"
            for address in with_addresses["addr_info"]
            if address["scope"] != "link"
        ],
    )


def peers(host: Host, interface: str = "wg0") -> dict[str, ShownPeer]:
    return show(host, interface).peers


def test_create_and_destroy_say_what_openbsd_says(host: Host) -> None:
    assert refused(host, "wg0") == "wg0: no such interface\n"
    assert refused(host, "wg0", "destroy").startswith("ifconfig: warning: there is no interface")
    assert not host.has_interface("wg0")

    ifconfig(host, "wg0", "create")
    bare = link(host)
    assert "UP" not in bare.flags
    assert (bare.mtu, bare.description, bare.addresses) == (1420, None, [])
    assert show(host, "wg0").private_key is None

    said = refused(host, "wg0", "create", "mtu", "1300", "up")
    assert said == "ifconfig: wg0: SIOCIFCREATE: File exists\n"
    assert link(host) == bare

    ifconfig(host, "wg0", "destroy")
    assert not host.has_interface("wg0")
    assert_no_engine(host)
    assert not host.exists("/run/netstart-wg/wg0.json")


def test_an_interface_whose_rdomain_was_deleted_under_it_can_be_destroyed(host: Host) -> None:
    ifconfig(host, "wg1", "create", "rdomain", "5", "10.0.0.1/24")
    holder = host.start("ip", "netns", "exec", "rdomain5", "sh", "-c", "echo there; sleep 60")
    eventually(holder.output, lambda output: "there" in output)
    host.run("ip", "netns", "delete", "rdomain5")
    assert "`netstart-wg ifconfig wg1 destroy`" in refused(host, "wg1", "up")
    ifconfig(host, "wg1", "destroy")
    assert_no_engine(host)
    assert not host.exists("/var/run/wireguard/wg1.sock")
    holder.stop()


def test_an_interface_of_somebody_else_is_left_alone(host: Host) -> None:
    host.run("ip", "tuntap", "add", "wg5", "mode", "tun")
    try:
        before = host.run("ip", "-o", "address", "show", "dev", "wg5")
        for words in (("10.0.0.1/24",), ("destroy",)):
            assert "exists and is not ours" in refused(host, "wg5", *words)
        assert refused(host, "wg5", "create") == "ifconfig: wg5: SIOCIFCREATE: File exists\n"
        assert host.run("ip", "-o", "address", "show", "dev", "wg5") == before
    finally:
        host.run("ip", "link", "delete", "wg5")


def test_inet_replaces_alias_adds_and_delete_removes(host: Host) -> None:
    ifconfig(host, "wg0", "10.0.0.1/24")
    assert "UP" in link(host).flags, "an address brings the interface up"
    ifconfig(host, "wg0", "inet", "10.5.0.1/16", "alias")
    assert link(host).addresses == ["10.0.0.1/24", "10.5.0.1/16"]
    ifconfig(host, "wg0", "inet", "10.7.0.1", "netmask", "255.255.255.0")
    assert set(link(host).addresses) == {"10.5.0.1/16", "10.7.0.1/24"}
    ifconfig(host, "wg0", "inet6", "fd77::1/64")
    assert set(link(host).addresses) == {"10.5.0.1/16", "10.7.0.1/24", "fd77::1/64"}
    ifconfig(host, "wg0", "inet", "10.5.0.1", "delete")
    assert set(link(host).addresses) == {"10.7.0.1/24", "fd77::1/64"}
    assert "no address 10.0.0.9" in refused(host, "wg0", "inet", "10.0.0.9", "delete")
    assert set(link(host).addresses) == {"10.7.0.1/24", "fd77::1/64"}


def test_commands_that_come_at_once_all_take_effect(host: Host) -> None:
    ifconfig(host, "wg0", "create")
    wanted = {f"10.0.0.{number}/32" for number in range(1, 25)}
    running = [
        host.start(NETSTART_WG, "ifconfig", "wg0", "inet", address, "alias") for address in wanted
    ]
    ended = [(command.wait(60), command.output()) for command in running]
    assert ended == [(0, "")] * len(wanted)
    assert set(link(host).addresses) == wanted


def test_the_words_about_an_interface_leave_each_other_alone(host: Host) -> None:
    ifconfig(host, "wg0", "mtu", "1400", "description", "to the office", "group", "vpn")
    ifconfig(host, "wg0", "up", "debug")
    seen = link(host)
    assert seen.flags >= {"UP", "DEBUG"}
    assert (seen.mtu, seen.description) == (1400, "to the office")
    ifconfig(host, "wg0", "down", "-debug")
    seen = link(host)
    assert not seen.flags & {"UP", "DEBUG"}
    assert (seen.mtu, seen.description) == (1400, "to the office")
    assert "\tgroups: wg vpn\n" in ifconfig(host, "wg0")


def test_another_rdomain_takes_the_addresses_away_but_not_the_peers(host: Host) -> None:
    ifconfig(host, "wg0", "wgpeer", NOBODY, "wgaip", "10.0.0.9/32", "wgpka", "25", "10.0.0.1/24")
    before = peers(host)
    moved = openbsd.attempt(host, "ifconfig", "wg0", "rdomain", "7")
    assert moved.returncode == 0
    assert "the interface loses 10.0.0.1/24" in moved.stderr
    assert link(host, rdomain=7).addresses == []
    assert peers(host) == before
    ifconfig(host, "wg0", "-rdomain", "10.0.0.1/24")
    assert link(host).addresses == ["10.0.0.1/24"]
    assert peers(host) == before


def test_peer_words_change_what_they_name(host: Host) -> None:
    other, keys = new_key_pair().public, new_key_pair()
    ifconfig(host, "wg0", "wgkey", keys.private, "wgport", "7777", "wgpeer", other)
    ifconfig(host, "wg0", "wgpeer", NOBODY, "wgaip", "10.0.0.2/32", "wgaip", "10.1.0.0/16")
    ifconfig(host, "wg0", "wgpeer", NOBODY, "wgpka", "25")
    assert list(peers(host)) == [other, NOBODY]
    assert set(peers(host)[NOBODY].allowed_ips) == {"10.0.0.2/32", "10.1.0.0/16"}
    ifconfig(host, "wg0", "wgpeer", NOBODY, "wgaip", "10.2.0.0/16", "-wgpeer", other)
    (peer,) = peers(host).values()
    assert (peer.allowed_ips, peer.persistent_keepalive) == (("10.2.0.0/16",), 25)
    assert (show(host, "wg0").public_key, show(host, "wg0").listen_port) == (keys.public, 7777)


def test_a_mistake_is_shown_where_it_is_without_the_key_and_nothing_is_done(host: Host) -> None:
    key = new_key_pair().private
    said = refused(host, "wg0", "wgkey", key, "wgpeer", NOBODY, "wgiap", "10.0.0.2/32")
    message, line, caret, hint = said.splitlines()
    assert message == 'ifconfig: unknown keyword "wgiap"'
    assert line[caret.index("^") :].startswith("wgiap 10.0.0.2/32")
    assert caret.strip() == "^^^^^"
    assert hint.strip() == "hint: did you mean wgaip?"
    assert key not in said
    assert not host.has_interface("wg0")


def test_an_endpoint_without_address_stops_everything(host: Host) -> None:
    words = ("mtu", "1300", "wgpeer", NOBODY, "wgendpoint", "nowhere.invalid", "51820")
    assert refused(host, "wg0", *words).startswith('ifconfig: endpoint "nowhere.invalid": ')
    assert not host.has_interface("wg0")


def test_without_root_nothing_is_changed_and_1_is_returned(host: Host) -> None:
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    rights = "-all,+dac_read_search"  # the interpreter is found wherever it lies
    keep = (f"--inh-caps={rights}", f"--ambient-caps={rights}", f"--bounding-set={rights}")
    result = host.attempt(*drop, *keep, NETSTART_WG, "ifconfig", "wg0", "up")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "ifconfig: need root privileges\n"
    assert not host.has_interface("wg0")


def test_the_key_leaves_the_process_table_while_the_command_runs(host: Host) -> None:
    """While another run holds the interface, ours waits, and everybody may look at it."""
    host.run("mkdir", "-p", "/run/netstart-wg")
    holder = host.start("flock", "/run/netstart-wg/wg0.lock", "sh", "-c", "echo held; exec cat")
    eventually(holder.output, what="the lock")
    keys = new_key_pair()
    waiting = host.start(NETSTART_WG, "ifconfig", "wg0", "wgkey", keys.private)
    eventually(
        lambda: host.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
        lambda text: "netstart-wg ifconfig wg0 " in text and keys.private not in text,
    )
    assert waiting.is_running
    holder.stop()
    assert waiting.wait() == 0, waiting.output()
    assert show(host, "wg0").public_key == keys.public


def test_peers_are_shown_of_a_named_interface_or_group_and_with_capital_a(host: Host) -> None:
    ifconfig(host, "wg0", "wgpeer", NOBODY)
    ifconfig(host, "wg1", "rdomain", "4", "group", "vpn", "wgpeer", NOBODY)
    for words, names in (
        ((), {"wg0": False, "wg1": False}),
        (("-A",), {"wg0": True, "wg1": True}),
        (("vpn",), {"wg1": True}),
    ):
        shown = host.run(NETSTART_WG, "ifconfig", *words)
        blocks = re.split(r"^(?=wg)", shown, flags=re.M)[1:]
        assert {block[:3]: f"\twgpeer {NOBODY}\n" in block for block in blocks} == names


# ---- sessions ----


@dataclass(frozen=True, slots=True)
class End:
    """An interface in the rdomain of its number, its outside in rdomain 0."""

    number: int
    keys: KeyPair = field(default_factory=new_key_pair)

    @property
    def interface(self) -> str:
        return f"wg{self.number}"

    @property
    def address(self) -> str:
        return f"10.0.0.{self.number}"

    def create(self, host: Host, *peers: End) -> None:
        identity = ("wgkey", self.keys.private, "wgport", str(7000 + self.number))
        known = [word for peer in peers for word in peer.as_peer()]
        rdomain = ("rdomain", str(self.number))
        ifconfig(host, self.interface, "create", *rdomain, *identity, *known, f"{self.address}/24")

    def as_peer(self) -> tuple[str, ...]:
        where = ("wgendpoint", "127.0.0.1", str(7000 + self.number))
        return ("wgpeer", self.keys.public, *where, "wgaip", f"{self.address}/32")


def test_a_change_to_one_peer_leaves_the_others_session_alone(new_host: HostMaker) -> None:
    host = new_host("star")
    hub, near, far = End(1), End(2), End(3)
    hub.create(host, near, far)
    near.create(host, hub)
    far.create(host, hub)
    assert ping(host, 2, hub.address)
    assert ping(host, 3, hub.address)
    before = peers(host, "wg1")[near.keys.public]
    for words in (
        ("wgpeer", far.keys.public, "wgpka", "5", "wgdescr", "far"),
        ("wgpeer", far.keys.public, "wgaip", "10.9.0.0/16"),
        ("-wgpeer", far.keys.public),
        far.as_peer(),
        ("inet", "10.3.0.1/24", "alias"),
    ):
        ifconfig(host, "wg1", *words)
        assert ping(host, 2, hub.address), words
    after = peers(host, "wg1")[near.keys.public]
    assert after.latest_handshake == before.latest_handshake > 0
    assert (after.endpoint, after.allowed_ips) == (before.endpoint, before.allowed_ips)
    assert after.received_bytes > before.received_bytes
    assert ping(host, 1, far.address)
