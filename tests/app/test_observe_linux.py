"""Against the real kernel and the real engine, in namespaces of the test's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netstart_wg.app.observe import ElsewhereError, observe
from netstart_wg.app.status import NoSuchInterfaceError, print_status, print_status_json
from netstart_wg.app.system import Machine
from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.errors import ExitStatus, NotOursError, PermissionDeniedError
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.linux import Linux
from tests.app.machine_in_memory import Lines
from tests.private_namespaces import private_namespaces

pytestmark = pytest.mark.root

PEER = PeerChange(public_key=PublicKey(bytes(range(1, 33))))
PEER_LINE = f"\twgpeer {PEER.public_key}\n"


@pytest.fixture
def linux() -> Iterator[Linux]:
    with private_namespaces():
        linux = Linux()
        yield linux
        backend = EmbeddedBackend(linux.links)
        for interface in linux.engine_names():
            backend.destroy(interface)
        linux.close()


@pytest.fixture
def machine(linux: Linux) -> Machine:
    """A machine with wg0 in rdomain 3, in the group vpn, and wg1 in rdomain 0; each has a peer."""
    machine = Machine(linux, EmbeddedBackend(linux.links))
    for interface in ("wg0", "wg1"):
        machine.backend.create(interface)
        change = DeviceChange(private_key=PrivateKey(bytes(range(32))), peers=(PEER,))
        machine.backend.configure(interface, change)
    machine.backend.configure("wg0", DeviceChange(groups=("vpn",)))
    linux.make_rdomain(3)
    linux.links().move("wg0", 3)
    linux.links(3).add_address("wg0", ip_interface("10.0.0.1/24"))
    return machine


def observed(interface: str, machine: Machine, *rdomains: int) -> InterfaceState:
    state = observe(interface, machine, rdomains or None)
    assert state is not None
    return state


def blackhole(rdomain: int) -> Route:
    key = RouteKey(rdomain, ip_network("192.0.2.0/24"))
    return Route(key=key, kind=RouteKind.BLACKHOLE)


def test_an_interface_is_found_in_its_rdomain(machine: Machine) -> None:
    state = observed("wg0", machine)
    assert (state.rdomain, state.addresses) == (3, (ip_interface("10.0.0.1/24"),))
    assert state.wireguard is not None
    assert [peer.public_key for peer in state.wireguard.peers] == [PEER.public_key]
    assert observed("wg1", machine).rdomain == 0
    assert observe("wg2", machine) is None


def test_our_routes_of_every_rdomain_are_observed(machine: Machine, linux: Linux) -> None:
    linux.make_rdomain(4)
    linux.links(3).bring_up("wg0")
    through = Route(
        key=RouteKey(3, ip_network("10.1.0.0/16")),
        next_hops=(NextHop(ip_address("10.0.0.2"), "wg0"),),
    )
    linux.links(3).add_route("wg0", through)
    for rdomain in (0, 4):
        linux.links(rdomain).add_route("wg0", blackhole(rdomain))
    assert observed("wg0", machine).routes == (blackhole(0), through, blackhole(4))
    assert observed("wg0", machine, 4).routes == (through, blackhole(4))
    assert observed("wg1", machine, 200).routes == (blackhole(0),)


def test_an_interface_in_a_namespace_that_is_no_rdomain_is_not_ours_to_touch(
    machine: Machine,
) -> None:
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    subprocess.run(["ip", "link", "set", "wg1", "netns", "blue"], check=True)
    with pytest.raises(ElsewhereError, match=r"no rdomain\n.*`netstart-wg ifconfig wg1 destroy`"):
        observe("wg1", machine)
    with pytest.raises(ElsewhereError):
        print_status("wg1", machine, Lines())
    lines = Lines()
    print_status(None, machine, lines)
    assert [text.partition(":")[0] for text in lines.said] == ["wg0"]


def test_our_routes_are_known_of_an_interface_that_is_elsewhere(
    machine: Machine, linux: Linux
) -> None:
    linux.links().add_route("wg1", blackhole(0))
    subprocess.run(["ip", "link", "set", "wg1", "name", "wg9"], check=True)
    with pytest.raises(ElsewhereError, match="was renamed") as caught:
        observe("wg1", machine)
    state = caught.value.state
    assert (state.name, state.routes) == ("wg1", (blackhole(0),))
    assert state.wireguard is not None
    assert [peer.public_key for peer in state.wireguard.peers] == [PEER.public_key]


def test_an_interface_that_has_our_interfaces_former_name_is_not_ours(machine: Machine) -> None:
    rename_and_take_name("wg1")
    with pytest.raises(NotOursError, match="was renamed"):
        observe("wg1", machine)
    lines = Lines()
    print_status(None, machine, lines)
    assert [text.partition(":")[0] for text in lines.said] == ["wg0"]


def rename_and_take_name(interface: str) -> None:
    """Give an interface another name, and its former one to a veth."""
    for words in (
        f"ip link set {interface} name other",
        f"ip link add {interface} type veth peer name far",
    ):
        subprocess.run(words.split(), check=True)


def test_a_strangers_interface_is_not_ours(machine: Machine) -> None:
    words = "ip link add wg5 type veth peer name wg6"
    subprocess.run(words.split(), check=True)
    with pytest.raises(NotOursError, match="exists and is not ours"):
        observe("wg5", machine)


def test_an_interface_is_shown_from_whichever_rdomain(machine: Machine) -> None:
    lines = Lines()
    assert print_status("wg0", machine, lines) is ExitStatus.OK
    (text,) = lines.said
    assert text.splitlines()[0].endswith("> rdomain 3 mtu 1420")
    assert PEER_LINE in text
    assert text.endswith("\tgroups: wg vpn\n\tinet 10.0.0.1 netmask 0xffffff00")


def test_without_root_one_is_told_why_an_interface_of_an_rdomain_is_not_shown(
    machine: Machine,
) -> None:
    class Powerless(Linux):
        def is_root(self) -> bool:
            return False

    lines = Lines()
    with closing(Powerless()) as system:
        powerless = Machine(system, machine.backend)
        with pytest.raises(PermissionDeniedError, match="wg0: only root may look at an interface"):
            print_status("wg0", powerless, lines)
        with pytest.raises(NoSuchInterfaceError):
            print_status("wg9", powerless, lines)
        print_status(None, powerless, lines)
        print_status("wg", powerless, lines)
    assert [text.partition(":")[0] for text in lines.said] == ["wg1", "wg1"]
    assert "wgpubkey" not in lines.said[0]


def test_without_a_name_peers_may_be_left_out(machine: Machine) -> None:
    lines = Lines()
    print_status(None, machine, lines, with_peers=False)
    assert [text.partition(":")[0] for text in lines.said] == ["wg0", "wg1"]
    assert "wgpeer" not in "".join(lines.said)
    assert "".join(lines.said).count("\twgpubkey ") == 2


@pytest.mark.parametrize(("name", "interfaces"), [("wg", ["wg0", "wg1"]), ("vpn", ["wg0"])])
def test_a_group_is_its_interfaces_with_their_peers(
    machine: Machine, name: str, interfaces: list[str]
) -> None:
    lines = Lines()
    assert print_status(name, machine, lines) is ExitStatus.OK
    assert [text.partition(":")[0] for text in lines.said] == interfaces
    assert all(PEER_LINE in text for text in lines.said)
    print_status_json(name, machine, lines)
    document = json.loads(lines.said[-1])
    assert [each["name"] for each in document["interfaces"]] == interfaces


def test_a_name_that_is_no_group_may_be_an_interface(machine: Machine) -> None:
    lines = Lines()
    print_status("lo", machine, lines)
    assert lines.said[0].startswith("lo: ")
    with pytest.raises(NoSuchInterfaceError, match=r"^blue: no such interface$"):
        print_status("blue", machine, lines)
