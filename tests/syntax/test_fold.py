"""Commands on an interface that comes and goes, and on one that was there before."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from tests.syntax.lowering import config, lowered, warnings
from tests.syntax.x25519 import derive_public_key

PRIVATE_KEY = PrivateKey(bytes([1]) * 32)
OWN = derive_public_key(PRIVATE_KEY)
A, B = (PublicKey(bytes([n]) * 32) for n in (11, 12))
PEER_A, PEER_B = f"wgpeer {A.to_base64()}", f"wgpeer {B.to_base64()}"

RUNNING = InterfaceConfig(
    name="wg0",
    rdomain=1,
    wireguard=WireGuardConfig(
        private_key=PRIVATE_KEY,
        listen_port=51820,
        wgrtable=2,
        peers=(
            PeerConfig(
                public_key=A,
                preshared_key=PresharedKey(bytes([21]) * 32),
                endpoint=Endpoint(ip_address("192.0.2.1"), 7),
                persistent_keepalive=25,
                allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::2/128")),
                description="laptop",
            ),
        ),
    ),
    addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")),
    mtu=1380,
    is_up=True,
    is_debug=True,
    description="office",
    groups=("home", "work"),
)


# ---- create and destroy ----


def test_create_changes_nothing() -> None:
    assert config("mtu 1400\ncreate\n") == config("mtu 1400\n")


def test_destroy_leaves_nothing() -> None:
    text = f"rdomain 1 group office debug\n{PEER_A}\ninet 10.0.0.1/24\ndestroy\n"
    assert config(text) == InterfaceConfig(name="wg0", exists=False)


def test_dest_is_no_command_of_its_own() -> None:
    assert not config("10.0.0.1 destroy\ndest 10.0.0.9\n").exists


@pytest.mark.parametrize("line", ["create", "up", "inet 10.0.0.1/24", PEER_A, "!ifconfig wg0 up"])
def test_any_command_makes_the_interface_again_afresh(line: str) -> None:
    text = f"rdomain 1 group office debug priority 3\n{PEER_B}\ninet 10.0.0.2/24\ndestroy\n{line}\n"
    assert config(text) == config(f"{line}\n")
    assert warnings(text) == []


def test_a_file_that_ends_without_an_interface_is_odd() -> None:
    assert warnings("up\ndestroy\n!echo\n") == [
        "2:1: nothing in the file makes the interface again"
    ]


def test_there_is_nothing_to_destroy_twice() -> None:
    text = "destroy\ndestroy\nup\n"
    assert warnings(text) == ["2:1: there is no interface to destroy"]
    assert not lowered(text).is_whole


@pytest.mark.parametrize(
    ("line", "place"),
    [("destroy mtu 1400", 9), ("wgport 1 destroy", 1), ("10.0.0.1/24 destroy", 1)],
)
def test_what_would_happen_after_destroy_is_for_nothing(line: str, place: int) -> None:
    assert warnings(f"{line}\nup\n") == [
        f"1:{place}: this is for nothing: its line destroys the interface"
    ]
    assert config(f"{line}\nup\n") == config("up\n")


@pytest.mark.parametrize("line", ["down destroy", "create destroy", "destroy create"])
def test_what_happens_before_destroy_is_not_odd(line: str) -> None:
    assert warnings(f"{line}\nup\n") == []


def test_an_interface_that_was_there_may_be_destroyed_without_a_warning() -> None:
    found = lowered("destroy\n", onto=RUNNING)
    assert found.config == InterfaceConfig(name="wg0", exists=False)
    assert found.warnings == ()
    assert found.is_whole


def test_routes_go_with_the_interface_and_may_come_before_another_one() -> None:
    first, second = (f"!route add 10.{n}.0.0/16 192.0.2.1\n" for n in (1, 2))
    routes = config(f"{first}destroy\n{second}create\n").routes
    assert [str(route.key.destination) for route in routes] == ["10.2.0.0/16"]


# ---- shell commands among the lines ----


def test_commands_remember_what_the_lines_before_them_have_made() -> None:
    text = (
        "!echo 1\nmtu 1400\n!echo 2\n!echo 3\n\n# comment\n10.0.0.1/24\n!ifconfig $if up\n!echo 4\n"
    )
    commands = config(text).commands
    assert [command.text for command in commands] == ["echo 1", "echo 2", "echo 3", "echo 4"]
    assert [command.before for command in commands] == [
        InterfaceConfig(name="wg0"),
        InterfaceConfig(name="wg0", mtu=1400),
        InterfaceConfig(name="wg0", mtu=1400),
        None,
    ]


def test_a_command_on_an_interface_that_was_destroyed_has_none() -> None:
    (command,) = config("up\ndestroy\n!echo\nup\n").commands
    assert command.before == InterfaceConfig(name="wg0", exists=False)


def test_peers_that_have_not_changed_are_the_same_objects_in_all_snapshots() -> None:
    text = f"{PEER_A} wgaip 10/8\n!echo\n{PEER_B}\n!echo\n{PEER_B} wgpka 5\n!echo\nup\n"
    final = config(text)
    before = [command.before for command in final.commands if command.before is not None]
    first, *others = [state.wireguard.peers[0] for state in [*before, final]]
    assert all(peer is first for peer in others)
    assert [state.wireguard.peers[-1].persistent_keepalive for state in before] == [0, 0, 5]


def test_a_peer_that_loses_an_allowed_ip_differs_between_snapshots() -> None:
    text = f"{PEER_A} wgaip 10/8\n!echo\n{PEER_B} wgaip 10/8\n!echo\n{PEER_B} wgaip 11/8\n"
    final = config(text)
    states = [*(command.before for command in final.commands), final]
    lists = [[len(peer.allowed_ips) for peer in state.wireguard.peers] for state in states if state]
    assert lists == [[1], [0, 1], [0, 1]]


# ---- an interface that was there before ----


def test_a_command_leaves_alone_what_it_does_not_mention() -> None:
    assert config("mtu 1400\n", RUNNING) == replace(RUNNING, mtu=1400)
    assert config("wgport 7\n", RUNNING).wireguard == replace(RUNNING.wireguard, listen_port=7)
    assert config("\n", RUNNING) == RUNNING


def test_a_command_makes_an_interface_that_was_not_there_afresh() -> None:
    absent = replace(RUNNING, exists=False)
    assert config("wgrtable 3\n", absent) == config("wgrtable 3\n")


def test_a_peer_that_was_there_keeps_what_is_not_mentioned() -> None:
    (before,) = RUNNING.wireguard.peers
    (peer,) = config(f"{PEER_A} wgpka 5\n", RUNNING).wireguard.peers
    assert peer == replace(before, persistent_keepalive=5)


def test_a_peer_that_was_there_gets_a_new_list_of_allowed_ips() -> None:
    (peer,) = config(f"{PEER_A} wgaip 11/8\n", RUNNING).wireguard.peers
    assert peer.allowed_ips == (ip_network("11.0.0.0/8"),)


def test_an_allowed_ip_of_a_peer_that_was_there_moves_with_a_warning() -> None:
    text = f"{PEER_B} wgaip 10.0.0.2\n"
    first, second = config(text, RUNNING).wireguard.peers
    assert first.allowed_ips == (ip_network("fd00::2/128"),)
    assert second.allowed_ips == (ip_network("10.0.0.2/32"),)
    assert warnings(text, RUNNING) == ['1:53: 10.0.0.2/32 moves here from the peer "laptop"']
    bare = replace(
        RUNNING.wireguard,
        peers=(PeerConfig(public_key=A, allowed_ips=(ip_network("10.0.0.2/32"),)),),
    )
    assert warnings(text, replace(RUNNING, wireguard=bare)) == [
        f'1:53: 10.0.0.2/32 moves here from the peer "{A.to_base64()}"'
    ]


def test_the_key_that_was_there_tells_the_interface_itself_among_the_peers() -> None:
    assert config(f"wgpeer {OWN.to_base64()}\n", RUNNING) == RUNNING


def test_a_key_that_makes_a_peer_of_before_the_interface_itself_removes_it() -> None:
    own = PeerConfig(public_key=OWN)
    running = replace(RUNNING, wireguard=WireGuardConfig(peers=(own,)))
    text = f"wgkey {PRIVATE_KEY.to_base64()}\n"
    assert config(text, running).wireguard.peers == ()
    assert warnings(text, running) == ["1:1: this peer is the interface itself and was left out"]


def test_commands_are_added_to_those_of_before() -> None:
    running = replace(RUNNING, commands=(Command("true"),))
    assert config("!echo\n", running).commands == (Command("true"), Command("echo"))


# ---- whether everything could happen ----


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("mtu 1400", True),
        ("llprio 3", True),
        (f"{PEER_B} wgaip 10.0.0.2", True),
        ("rdomain 7", True),
        ("10.0.0.1 delete", True),
        ("10.0.0.9 delete", False),
        ("inet6 fd00::9 delete", False),
        ("-group work", True),
        ("-group play", False),
        ("-group wg", False),
        (f"-wgpeer {B.to_base64()}", True),
    ],
)
def test_a_command_says_whether_everything_could_happen(text: str, is_whole: bool) -> None:
    assert lowered(text, onto=RUNNING).is_whole is is_whole
