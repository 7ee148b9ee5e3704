"""ifconfig on a machine in memory: what its words mean to an interface that is there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, ip_interface
from pathlib import Path

import pytest

from netstart_wg.app.ifconfig import (
    change_interface,
    show_interface,
    show_interfaces,
    show_interfaces_with_peers,
)
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import DEFAULT_MTU
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from tests.app.machine_in_memory import IFF_DEBUG, Lines, MachineInMemory

PRIVATE_KEY = PrivateKey(bytes(range(32)))
LAPTOP = derive_public_key(PrivateKey(bytes(range(1, 33)))).to_base64()
OFFICE = derive_public_key(PrivateKey(bytes(range(2, 34)))).to_base64()


ETC = Path("/nonexistent")
"""A folder without settings."""


class Shell:
    """Types commands about wg0, and looks what has become of it."""

    def __init__(self, here: MachineInMemory, lines: Lines) -> None:
        self.here = here
        self.lines = lines

    def ifconfig(self, text: str, interface: str = "wg0") -> ExitStatus:
        status = change_interface(ETC, interface, text.split(), self.here.machine, self.lines)
        self.here.system.sockets = set(self.here.links.states)
        return status

    def do(self, text: str, interface: str = "wg0") -> None:
        """Run a command that nothing is wrong with."""
        assert self.ifconfig(text, interface) is ExitStatus.OK
        assert self.lines.warnings == []

    def refused(self, text: str, interface: str = "wg0") -> str:
        """Run a command that changes nothing, and return the first line it says."""
        before = self.here.journal.writes.copy()
        assert self.ifconfig(text, interface) is ExitStatus.FAILED
        assert self.here.journal.writes == before
        return self.lines.warnings[-1].splitlines()[0]

    @property
    def link(self) -> InterfaceState:
        return self.here.links.states["wg0"]

    @property
    def engine(self) -> WireGuardState:
        state = self.here.engines.state("wg0")
        assert state is not None
        return state

    @property
    def addresses(self) -> list[str]:
        return [str(address) for address in self.link.addresses]

    def peer(self, key: str) -> PeerState:
        (peer,) = [each for each in self.engine.peers if each.public_key.to_base64() == key]
        return peer

    def allowed_ips(self, key: str) -> list[str]:
        return [str(network) for network in self.peer(key).allowed_ips]


@pytest.fixture
def shell(here: MachineInMemory, lines: Lines) -> Shell:
    return Shell(here, lines)


# ---- being there ----


def test_any_words_make_the_interface(shell: Shell) -> None:
    shell.do("mtu 1400")
    assert shell.link.mtu == 1400
    assert not shell.link.is_up


def test_nothing_is_said_of_what_was_done(shell: Shell) -> None:
    shell.do("create 10.0.0.1/24")
    assert (shell.lines.said, shell.lines.steps, shell.lines.summaries) == ([], [], [])


@pytest.mark.parametrize("words", ["create", "create mtu 1300", "create up"])
def test_create_of_what_is_there_is_refused_whole(shell: Shell, words: str) -> None:
    shell.do("create")
    assert shell.refused(words) == "ifconfig: wg0: SIOCIFCREATE: File exists"


def test_create_where_somebody_elses_interface_is_is_refused_alike(shell: Shell) -> None:
    shell.here.links.add("wg0")
    assert shell.refused("create") == "ifconfig: wg0: SIOCIFCREATE: File exists"


@pytest.mark.parametrize("words", ["up", "destroy", "10.0.0.1/24"])
def test_an_interface_of_somebody_else_is_left_alone(shell: Shell, words: str) -> None:
    shell.here.links.add("wg0")
    assert "exists and is not ours" in shell.refused(words)


@pytest.mark.parametrize("name", ["eth0", "wg", "wgx", "tun0", "wg0.1", "../wg0", ""])
def test_only_interfaces_named_wg_and_a_number_are_made(shell: Shell, name: str) -> None:
    assert shell.refused("up", name) == f"ifconfig: {name}: SIOCIFCREATE: Invalid argument"
    assert "wg and a number" in shell.lines.warnings[-1]


def test_one_of_ours_with_another_name_is_changed_like_any(shell: Shell) -> None:
    shell.here.engines.create("vpn0")
    shell.do("mtu 1400", "vpn0")
    assert shell.here.links.states["vpn0"].mtu == 1400


def test_a_name_that_is_too_long_is_not_shown_as_it_may_be_a_key(shell: Shell) -> None:
    key = PRIVATE_KEY.to_base64()
    expected = "ifconfig: interface name too long: 44 characters of 15"
    assert shell.refused("up", key) == expected
    assert show_interface(key, shell.here.machine, shell.lines) is ExitStatus.FAILED
    assert shell.lines.warnings[-1] == expected


def test_destroy_ends_it_and_what_was_remembered_of_it(shell: Shell) -> None:
    shell.do("create 10.0.0.1/24")
    shell.here.system.records["wg0"] = "{}"
    shell.do("destroy")
    assert shell.here.links.states == {}
    assert shell.here.system.records == {}


def test_destroy_of_what_is_not_there_is_an_error(shell: Shell) -> None:
    said = shell.refused("destroy")
    assert said == "ifconfig: warning: there is no interface to destroy"


def test_an_engine_whose_interface_is_out_of_sight_can_be_destroyed_and_no_more(
    shell: Shell,
) -> None:
    shell.do("create 10.0.0.1/24")
    del shell.here.links.states["wg0"]
    shell.refused("mtu 1400")
    assert "`netstart-wg ifconfig wg0 destroy`" in shell.lines.warnings[-1]
    shell.lines.warnings.clear()
    shell.do("destroy")
    assert shell.here.engines.state("wg0") is None
    assert shell.here.system.records == {}


def test_what_has_the_former_name_of_ours_stays_when_ours_is_destroyed(shell: Shell) -> None:
    shell.do("create 10.0.0.1/24")
    shell.here.engines.renamed.add("wg0")
    stranger = shell.link
    shell.do("destroy")
    assert shell.here.engines.state("wg0") is None
    assert shell.link == stranger


def test_an_mtu_too_small_for_ipv6_takes_it_along_and_keeps_it_out(shell: Shell) -> None:
    shell.do("10.0.0.1/24")
    shell.do("inet6 fd00::1/64")
    shell.do("mtu 1000")
    assert shell.addresses == ["10.0.0.1/24"]
    assert "there is no IPv6" in shell.refused("inet6 fd00::1/64")


# ---- what is not mentioned stays ----


def test_a_word_without_a_difference_writes_nothing(shell: Shell) -> None:
    shell.do("create mtu 1400 group vpn wgport 7777 10.0.0.1/24")
    writes = shell.here.journal.writes.copy()
    shell.do("mtu 1400 group vpn wgport 7777 10.0.0.1/24 up")
    assert shell.here.journal.writes == writes


def test_a_change_is_the_only_write_to_interface_and_engine(shell: Shell) -> None:
    shell.do(f"10.0.0.1/24 wgkey {PRIVATE_KEY.to_base64()} wgpeer {LAPTOP} wgaip 10.0.0.2/32")
    shell.here.journal.writes.clear()
    shell.do("mtu 1400")
    assert shell.here.journal.writes == ["set mtu 1400"]


def test_key_port_flags_and_names_are_kept(shell: Shell) -> None:
    shell.do(f"wgkey {PRIVATE_KEY.to_base64()} wgport 7777 description office group vpn debug up")
    shell.do("mtu 1400")
    assert (shell.engine.private_key, shell.engine.listen_port) == (PRIVATE_KEY, 7777)
    assert (shell.engine.groups, shell.link.description) == (("vpn",), "office")
    assert shell.link.is_up
    assert shell.link.flags & IFF_DEBUG


def test_a_peer_that_has_roamed_is_left_where_it_is(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP} wgendpoint 192.0.2.1 51820")
    roamed = Endpoint(IPv4Address("192.0.2.77"), 4242)
    roam(shell, LAPTOP, roamed)
    shell.do(f"wgpeer {LAPTOP} wgpka 25")
    assert shell.peer(LAPTOP).endpoint == roamed
    shell.do(f"wgpeer {LAPTOP} wgendpoint 192.0.2.1 51820")
    assert shell.peer(LAPTOP).endpoint == Endpoint(IPv4Address("192.0.2.1"), 51820)


def roam(shell: Shell, key: str, endpoint: Endpoint) -> None:
    change = PeerChange(public_key=PublicKey.from_base64(key), endpoint=endpoint)
    shell.here.engines.configure("wg0", DeviceChange(peers=(change,)))


def test_a_run_of_netstart_afterwards_undoes_it_and_nothing_else(
    shell: Shell, folder: Path
) -> None:
    file = folder / "hostname.wg0"
    file.write_text(f"wgpeer {LAPTOP} wgendpoint 192.0.2.1 51820\ninet 10.0.0.1/24\n!true\n")
    file.chmod(0o600)
    assert netstart(folder, [], Options(), shell.here.machine, shell.lines) is ExitStatus.OK
    roamed = Endpoint(IPv4Address("192.0.2.77"), 4242)
    roam(shell, LAPTOP, roamed)
    shell.do(f"wgpeer {LAPTOP} wgpka 25 wgpeer {OFFICE} mtu 1400")
    shell.here.journal.writes.clear()
    assert netstart(folder, [], Options(), shell.here.machine, shell.lines) is ExitStatus.OK
    assert shell.engine.peers == (shell.peer(LAPTOP),)
    assert shell.peer(LAPTOP).endpoint == roamed
    assert shell.peer(LAPTOP).persistent_keepalive == 0
    assert set(shell.here.journal.writes) == {"set mtu 1420", "configure", "write record"}


# ---- addresses ----


def test_inet_replaces_the_first_and_alias_adds(shell: Shell) -> None:
    shell.do("10.0.0.1/24")
    shell.do("inet 10.5.0.1/16 alias")
    assert shell.addresses == ["10.0.0.1/24", "10.5.0.1/16"]
    shell.do("inet 10.7.0.1 netmask 255.255.255.0")
    assert shell.addresses == ["10.5.0.1/16", "10.7.0.1/24"]
    shell.do("inet 10.5.0.1 delete")
    assert shell.addresses == ["10.7.0.1/24"]
    shell.do("inet6 fd77::1")
    shell.do("-inet")
    assert shell.addresses == ["fd77::1/64"]


def test_what_the_kernel_gave_itself_is_no_address_of_a_command(shell: Shell) -> None:
    shell.do("inet6 fd77::1/64")
    link_local = (ip_interface("fe80::1/64"),)
    shell.here.links.states["wg0"] = replace(shell.link, kernel_addresses=link_local)
    shell.do("inet6 fd77::2/64")
    assert shell.addresses == ["fd77::1/64", "fd77::2/64"]


def test_an_address_brings_the_interface_up_and_down_takes_it_down(shell: Shell) -> None:
    flags = []
    for words in ("create", "10.0.0.1/24", "down"):
        shell.do(words)
        flags.append(shell.link.is_up)
    assert flags == [False, True, False]
    assert shell.addresses == ["10.0.0.1/24"]


def test_a_word_for_nothing_is_told_and_the_others_have_their_effect(shell: Shell) -> None:
    shell.do("10.0.0.1/24")
    assert shell.ifconfig("inet 10.0.0.9 delete mtu 1400") is ExitStatus.FAILED
    (warning,) = shell.lines.warnings
    assert warning.startswith("ifconfig: warning: there is no address 10.0.0.9 to delete\n")
    assert shell.addresses == ["10.0.0.1/24"]
    assert shell.here.links.states["wg0"].mtu == 1400


# ---- rdomains ----


def test_an_interface_can_be_made_in_an_rdomain(shell: Shell) -> None:
    shell.do("create rdomain 3 wgrtable 4 10.0.0.1/24")
    assert (shell.link.rdomain, shell.engine.wgrtable) == (3, 4)
    assert shell.addresses == ["10.0.0.1/24"]
    shell.do("mtu 1400")
    assert (shell.link.rdomain, shell.link.mtu) == (3, 1400)


def test_another_rdomain_leaves_the_addresses_behind_with_a_warning(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP} 10.0.0.1/24")
    assert shell.ifconfig("rdomain 3") is ExitStatus.OK
    (warning,) = shell.lines.warnings
    assert warning.startswith("ifconfig: warning: ")
    assert "10.0.0.1/24" in warning
    assert (shell.link.rdomain, shell.addresses) == (3, [])
    assert shell.link.is_up
    assert shell.engine.peers == (shell.peer(LAPTOP),)


# ---- peers ----


def test_allowed_ips_are_replaced_by_a_command_that_names_some(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP} wgaip 10.0.0.2/32 wgaip 10.1.0.0/16")
    shell.do(f"wgpeer {LAPTOP} wgpka 25 wgdescr laptop")
    assert set(shell.allowed_ips(LAPTOP)) == {"10.0.0.2/32", "10.1.0.0/16"}
    shell.do(f"wgpeer {LAPTOP} wgaip 10.2.0.0/16")
    assert shell.allowed_ips(LAPTOP) == ["10.2.0.0/16"]
    assert (shell.peer(LAPTOP).persistent_keepalive, shell.peer(LAPTOP).description) == (
        25,
        "laptop",
    )


def test_an_allowed_ip_moves_to_who_claims_it_last(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP} wgaip 10.0.0.2/32 wgaip 10.0.0.3/32")
    assert shell.ifconfig(f"wgpeer {OFFICE} wgaip 10.0.0.2/32") is ExitStatus.OK
    assert shell.allowed_ips(LAPTOP) == ["10.0.0.3/32"]
    assert shell.allowed_ips(OFFICE) == ["10.0.0.2/32"]


def test_peers_go_one_by_one_or_all(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP} wgpeer {OFFICE}")
    shell.do(f"-wgpeer {LAPTOP}")
    assert shell.engine.peers == (shell.peer(OFFICE),)
    shell.do(f"wgpeer {LAPTOP} -wgpeerall")
    assert shell.engine.peers == (shell.peer(LAPTOP),)


def test_the_name_of_an_endpoint_is_looked_up(shell: Shell) -> None:
    shell.here.system.hosts["vpn.example.net"] = "192.0.2.1"
    shell.do(f"wgpeer {LAPTOP} wgendpoint vpn.example.net 51820")
    assert shell.peer(LAPTOP).endpoint == Endpoint(IPv4Address("192.0.2.1"), 51820)


def test_a_name_without_address_stops_everything(shell: Shell) -> None:
    said = shell.refused(f"mtu 1300 wgpeer {LAPTOP} wgendpoint nowhere.invalid 51820")
    assert said == 'ifconfig: endpoint "nowhere.invalid": name or service not known'


# ---- what is wrong ----


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"wgkey {LAPTOP[:-1]}", "wgkey: a key has 44 base64 characters"),
        ("wgaip 10.0.0.0/8", "wgaip"),
        ("wgport 65536", '"65536"'),
        ("rdomain 256", '"256"'),
        ("mtu", "mtu lacks an argument"),
        ("wgpear x", 'unknown keyword "wgpear"'),
        ("media autoselect", "media"),
    ],
)
def test_wrong_words_are_told_and_make_nothing(shell: Shell, words: str, said: str) -> None:
    assert shell.refused(words).startswith("ifconfig: ")
    message, line, caret, *_ = shell.lines.warnings[-1].splitlines()
    assert said in message
    assert line.startswith("    ifconfig wg0 ")
    assert set(caret) == {" ", "^"}
    assert LAPTOP[:-1] not in shell.lines.warnings[-1]


def test_every_mistake_is_told_at_once(shell: Shell) -> None:
    shell.refused("wgport 65536 rdomain 256")
    assert len(shell.lines.warnings) == 2


def test_words_take_root(shell: Shell) -> None:
    shell.here.system.has_root = False
    assert shell.refused("up") == "ifconfig: need root privileges"


def test_another_run_at_work_is_an_error_too(shell: Shell) -> None:
    shell.here.system.locked.add("wg0")
    assert shell.refused("up") == "ifconfig: wg0: another run is at work on it"


def test_what_the_system_refuses_ends_with_1_and_is_as_it_was(shell: Shell) -> None:
    shell.do("create")
    shell.here.journal.fault = "add address"
    assert shell.ifconfig("mtu 1400 10.0.0.1/24") is ExitStatus.FAILED
    assert shell.here.links.states["wg0"].mtu == DEFAULT_MTU
    assert "wg0: everything is again as it was" in shell.lines.warnings
    assert shell.lines.warnings[-1].startswith("ifconfig: wg0: add address: ")


def test_an_interface_that_cannot_be_made_whole_goes_again(shell: Shell) -> None:
    shell.here.journal.fault = "add address"
    assert shell.ifconfig("10.0.0.1/24") is ExitStatus.FAILED
    assert shell.here.links.states == {}


# ---- showing ----


def test_peers_are_shown_of_what_is_named_and_on_request(shell: Shell) -> None:
    shell.do(f"wgpeer {LAPTOP}")
    shell.do(f"wgpeer {OFFICE} group vpn rdomain 5", "wg1")
    machine, lines = shell.here.machine, shell.lines
    for show, names, has_peers in (
        (partial(show_interfaces), ["wg0", "wg1"], False),
        (partial(show_interfaces_with_peers), ["wg0", "wg1"], True),
        (partial(show_interface, "wg0"), ["wg0"], True),
        (partial(show_interface, "wg"), ["wg0", "wg1"], True),
        (partial(show_interface, "vpn"), ["wg1"], True),
    ):
        lines.said.clear()
        assert show(machine, lines) is ExitStatus.OK
        assert [text.partition(":")[0] for text in lines.said] == names
        assert all(("wgpeer" in text) is has_peers for text in lines.said)


@pytest.mark.parametrize("name", ["wg0", "vpn", "eth0"])
def test_what_is_not_there_is_told_without_the_programs_name(shell: Shell, name: str) -> None:
    assert show_interface(name, shell.here.machine, shell.lines) is ExitStatus.FAILED
    assert shell.lines.warnings == [f"{name}: no such interface"]
