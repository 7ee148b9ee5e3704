"""What a file means: what OpenBSD would have after booting with it.

The rules are those of ifconfig(8) and wg(4): one command after the other on a
fresh interface; of one command first what acts at once, then SIOCSWG, then the
address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.errors import ConfigError
from netstart_wg.model.address import Endpoint, EndpointName, IPNetwork
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from tests.syntax.lowering import config, lowered, warnings
from tests.syntax.x25519 import derive_public_key

PRIVATE_KEYS = [PrivateKey(bytes([n]) * 32) for n in (1, 2)]
OWN = [derive_public_key(key) for key in PRIVATE_KEYS]
PEERS = [PublicKey(bytes([n]) * 32) for n in (11, 12, 13)]
A, B, C = PEERS
ZERO = "A" * 43 + "="


def peers(text: str) -> dict[PublicKey, list[str]]:
    """Return the allowed IPs of each peer."""
    found = config(text).wireguard.peers
    return {peer.public_key: [str(network) for network in peer.allowed_ips] for peer in found}


def only_peer(text: str) -> PeerConfig:
    (peer,) = config(text).wireguard.peers
    return peer


def addresses(text: str) -> list[str]:
    return [str(address) for address in config(text).addresses]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("inet 10.0.0.1/24 255.255.255.0", "10.0.0.1/24"),
        ("inet 10.0.0.1/24 255.255.255.0 NONE", "10.0.0.1/24"),
        ("10.0.0.1/24 netmask 0xffffff00", "10.0.0.1/24"),
        ("10.0.0.1 netmask 255.255.255.0 prefixlen 24", "10.0.0.1/24"),
        ("netmask 255.255.255.0 10.0.0.1/24", "10.0.0.1/24"),
        ("inet6 fd00::1/64 64", "fd00::1/64"),
        ("inet6 fd00::1/64 prefixlen 64", "fd00::1/64"),
    ],
)
def test_a_length_may_be_said_twice(line: str, address: str) -> None:
    assert addresses(line) == [address]
    assert warnings(line) == []


@pytest.mark.parametrize(
    ("line", "address", "place"),
    [
        ("inet 10.0.0.1/24 255.255.0.0", "10.0.0.1/16", 18),
        ("10.0.0.1/24 netmask 255.255.0.0", "10.0.0.1/16", 21),
        ("10.0.0.1 netmask 255.255.0.0 prefixlen 24", "10.0.0.1/24", 40),
        ("netmask 255.255.0.0 10.0.0.1/24", "10.0.0.1/24", 30),
        ("inet6 fd00::1/64 48", "fd00::1/48", 18),
    ],
)
def test_of_two_lengths_the_last_counts_with_a_warning(line: str, address: str, place: int) -> None:
    assert addresses(line) == [address]
    (warning,) = warnings(line)
    assert warning.startswith(f"1:{place}: ")
    assert "another length" in warning


# ---- the interface ----


def test_an_empty_file_asks_for_an_interface_that_is_down() -> None:
    assert config("") == InterfaceConfig(name="wg0")


@pytest.mark.parametrize(
    ("text", "is_up"),
    [
        ("up", True),
        ("up\ndown", False),
        ("up down", False),
        ("down up", True),
        ("mtu 1400", False),
        ("inet 10.0.0.1/24", True),
        ("inet6 fd00::1/64", True),
        ("down\ninet 10.0.0.1/24", True),
        ("inet 10.0.0.1/24 down", True),
        ("inet 10.0.0.1/24\ndown", False),
    ],
)
def test_an_address_brings_the_interface_up_after_the_other_words(text: str, is_up: bool) -> None:
    assert config(text).is_up is is_up


def test_the_last_of_repeated_words_wins() -> None:
    text = "wgport 1 wgport 2\nmtu 1300 mtu 1400\ndescr a\ndescr b\nwgport 3"
    found = config(text)
    assert (found.wireguard.listen_port, found.mtu, found.description) == (3, 1400, "b")


def test_port_0_is_any_port() -> None:
    assert config("wgport 5\nwgport 0").wireguard.listen_port is None


def test_a_description_can_be_taken_back() -> None:
    assert config("descr a\n-descr").description is None


def test_an_all_zero_key_is_none() -> None:
    text = f"wgkey {PRIVATE_KEYS[0].to_base64()}\nwgkey {ZERO}"
    assert config(text).wireguard.private_key is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inet 10.0.0.1/24\ninet 10.0.1.1/24", ["10.0.1.1/24"]),
        ("inet 10.0.0.1/24\ninet alias 10.0.1.1/24", ["10.0.0.1/24", "10.0.1.1/24"]),
        ("inet 10.0.0.1/24\ninet 10.0.0.1/24", ["10.0.0.1/24"]),
        ("inet 10.0.0.1/24\ninet 10.0.0.1/32", ["10.0.0.1/32"]),
        ("inet alias 10.0.0.1/24\ninet alias 10.0.0.1/32", ["10.0.0.1/32"]),
        (
            "inet 10.0.0.1/24\ninet alias 10.0.1.1/24\ninet 10.0.2.1/24",
            ["10.0.1.1/24", "10.0.2.1/24"],
        ),
        (
            "inet 10.0.0.1/24\ninet alias 10.0.1.1/24\ninet alias 10.0.0.1/30",
            ["10.0.0.1/30", "10.0.1.1/24"],
        ),
        # marked as odd in OpenBSD's own regress test of ifconfig
        ("inet 10.0.0.1/24\ninet alias 10.0.1.1/24\ninet 10.0.1.1/32", ["10.0.1.1/32"]),
        ("inet6 fd00::1\ninet6 fd00::2", ["fd00::1/64", "fd00::2/64"]),
        ("inet6 fd00::1\ninet6 alias fd00::1/128", ["fd00::1/128"]),
        ("inet6 fd00::1\ninet 10.0.0.1\ninet 10.0.0.2", ["fd00::1/64", "10.0.0.2/8"]),
        ("10.0.0.1/24\n10.0.0.2/24", ["10.0.0.2/24"]),
    ],
)
def test_addresses_replace_add_and_change(text: str, expected: list[str]) -> None:
    assert addresses(text) == expected


def test_commands_are_kept_in_order_with_the_name_in_place_of_if() -> None:
    text = "!echo $if\nup\n! logger of $iface  ${if}\n!\n!# nothing\n!echo 'a' # b"
    assert config(text).commands == (
        Command("echo wg0"),
        Command("logger of wg0ace ${if}"),
        Command("echo 'a' # b"),
    )


@pytest.mark.parametrize("name", ["wg0", "wg10", "a1", "tunnelwithname1", "WG0"])
def test_a_name_is_letters_and_digits(name: str) -> None:
    assert lowered("up", name).config.name == name


@pytest.mark.parametrize(
    "name",
    ["", "wg", "0", "wg0.bak", "wg0~", "0wg", "wg0a", "tunnelwithaname1", "wg0\n", "w\u00fc1"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of an interface"):
        lowered("up", name)


# ---- peers ----


def test_a_peer_has_what_was_said_of_it() -> None:
    psk = PresharedKey(bytes(range(32)))
    text = (
        f"wgpeer {A.to_base64()} wgdescr laptop wgpsk {psk.to_base64()} wgpka 25"
        " wgendpoint 192.0.2.1 51820 wgaip 10.0.0.2 wgport 7 wgaip fd00::2"
    )
    assert config(text).wireguard == WireGuardConfig(
        listen_port=7,
        peers=(
            PeerConfig(
                public_key=A,
                preshared_key=psk,
                endpoint=Endpoint(ip_address("192.0.2.1"), 51820),
                persistent_keepalive=25,
                allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::2/128")),
                description="laptop",
            ),
        ),
    )


def test_a_peer_that_is_mentioned_again_keeps_what_is_not_mentioned() -> None:
    key = A.to_base64()
    first = f"wgpeer {key} wgdescr a wgpsk {B.to_base64()} wgpka 25 wgendpoint h 1 wgaip 10/8\n"
    peer = only_peer(first + f"wgpeer {key} wgpka 5\n")
    assert peer == PeerConfig(
        public_key=A,
        preshared_key=PresharedKey(B.to_bytes()),
        endpoint=EndpointName("h", 1),
        persistent_keepalive=5,
        allowed_ips=(ip_network("10.0.0.0/8"),),
        description="a",
    )


def test_what_was_said_of_a_peer_can_be_taken_back() -> None:
    key = A.to_base64()
    first = f"wgpeer {key} wgdescr a wgpsk {B.to_base64()} wgpka 25\n"
    peer = only_peer(first + f"wgpeer {key} -wgdescr -wgpsk wgpka 0\n")
    assert peer == PeerConfig(public_key=A)


def test_an_all_zero_preshared_key_is_none() -> None:
    key = A.to_base64()
    text = f"wgpeer {key} wgpsk {B.to_base64()}\nwgpeer {key} wgpsk {ZERO}"
    assert only_peer(text).preshared_key is None


def test_allowed_ips_replace_the_list_of_earlier_commands() -> None:
    key = A.to_base64()
    text = f"wgpeer {key} wgaip 10.0.0.1 wgaip 10.0.0.2\nwgpeer {key} wgaip 10.0.0.3"
    assert peers(text) == {A: ["10.0.0.3/32"]}


def test_the_same_peer_twice_in_one_command_has_the_second_list() -> None:
    key = A.to_base64()
    text = f"wgpeer {key} wgaip 10.0.0.1 wgpka 5 wgpeer {key} wgaip 10.0.0.2"
    assert peers(text) == {A: ["10.0.0.2/32"]}
    assert only_peer(text).persistent_keepalive == 5


def test_an_allowed_ip_given_twice_is_one() -> None:
    assert peers(f"wgpeer {A.to_base64()} wgaip 10.1/16 wgaip 11/8 wgaip 10.1.2.3/16") == {
        A: ["10.1.0.0/16", "11.0.0.0/8"]
    }


def test_an_allowed_ip_moves_to_its_last_claimant_with_a_warning() -> None:
    text = f"wgpeer {A.to_base64()} wgaip 10/8 wgaip 11/8\nwgpeer {B.to_base64()} wgaip 10/8\n"
    assert peers(text) == {A: ["11.0.0.0/8"], B: ["10.0.0.0/8"]}
    (warning,) = lowered(text).warnings
    assert warning.format().startswith(
        "hostname.wg0:2:53: warning: 10.0.0.0/8 moves here from the peer at hostname.wg0:1:53"
    )


def test_an_allowed_ip_that_was_released_moves_without_a_warning() -> None:
    a, b = A.to_base64(), B.to_base64()
    text = f"wgpeer {a} wgaip 10/8\nwgpeer {a} wgaip 11/8\nwgpeer {b} wgaip 10/8\n"
    assert peers(text) == {A: ["11.0.0.0/8"], B: ["10.0.0.0/8"]}
    (warning,) = warnings(text)
    assert "10.0.0.0/8 of hostname.wg0:1:53 is not this peer's any more" in warning


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wgpeer {a} wgaip 10/8\nwgpeer {a} wgaip 11/8", "2:53: 10.0.0.0/8 of"),
        ("wgpeer {a} wgaip 10/8 wgpeer {a} wgaip 11/8", "1:116: 10.0.0.0/8 of"),
        (
            "wgpeer {a} wgaip 10/8 wgaip 12/8 wgaip 13/8\nwgpeer {a} wgaip 12/8",
            "2:53: 10.0.0.0/8 and 1 more of",
        ),
    ],
)
def test_a_new_list_of_allowed_ips_tells_what_it_leaves_out(text: str, said: str) -> None:
    (warning,) = warnings(text.format(a=A.to_base64()))
    assert warning.startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "wgpeer {a} wgaip 10/8\nwgpeer {a} wgaip 10/8 wgaip 11/8",
        "wgpeer {a} wgaip 10/8\n-wgpeer {a}\nwgpeer {a} wgaip 11/8",
        "wgpeer {a} wgaip 10/8\n-wgpeerall wgpeer {a} wgaip 11/8",
        "wgpeer {a} wgaip 10/8\nwgpeer {a} wgpka 25",
        "wgpeer {a} wgaip 10/8\ndestroy\nwgpeer {a} wgaip 11/8",
    ],
)
def test_nothing_is_said_where_no_allowed_ip_is_lost(text: str) -> None:
    assert warnings(text.format(a=A.to_base64())) == []


def test_a_command_that_replaces_a_running_list_means_to() -> None:
    running = config(f"wgpeer {A.to_base64()} wgaip 10/8")
    assert warnings(f"wgpeer {A.to_base64()} wgaip 11/8", running) == []


def test_different_lengths_are_different_allowed_ips() -> None:
    text = f"wgpeer {A.to_base64()} wgaip 10.0.0.0/8\nwgpeer {B.to_base64()} wgaip 10.0.0.0/9"
    assert peers(text) == {A: ["10.0.0.0/8"], B: ["10.0.0.0/9"]}


def test_a_removed_peer_gives_its_allowed_ips_back() -> None:
    a, b = A.to_base64(), B.to_base64()
    text = f"wgpeer {a} wgaip 10/8\n-wgpeer {a}\nwgpeer {b} wgaip 10/8\n"
    assert peers(text) == {B: ["10.0.0.0/8"]}
    assert not lowered(text).warnings


def test_a_peer_that_is_removed_and_made_again_is_a_new_one() -> None:
    a, b = A.to_base64(), B.to_base64()
    text = f"wgpeer {a} wgpka 5 wgpeer {b}\n-wgpeer {a} wgpka 7 wgpeer {a} wgdescr x"
    assert config(text).wireguard.peers == (
        PeerConfig(public_key=B),
        PeerConfig(public_key=A, description="x"),
    )


def test_removing_an_unknown_peer_does_nothing() -> None:
    assert peers(f"-wgpeer {A.to_base64()} wgaip 10/8") == {}


def test_wgpeerall_takes_effect_first_wherever_it_stands() -> None:
    a, b = A.to_base64(), B.to_base64()
    text = f"wgpeer {a} wgaip 10/8\nwgpeer {b} wgaip 10/8 -wgpeerall"
    assert peers(text) == {B: ["10.0.0.0/8"]}
    assert not lowered(text).warnings


# ---- the interface as its own peer ----


def test_the_interface_itself_is_left_out_with_a_warning() -> None:
    text = f"wgkey {PRIVATE_KEYS[0].to_base64()}\nwgpeer {OWN[0].to_base64()} wgaip 10/8\n"
    assert peers(text) == {}
    (warning,) = lowered(text).warnings
    assert warning.format().startswith("hostname.wg0:2:1: warning: this peer is the interface")


def test_a_key_that_makes_a_peer_the_interface_itself_removes_it() -> None:
    own, b = OWN[0].to_base64(), B.to_base64()
    text = f"wgpeer {own} wgaip 10/8\nwgkey {PRIVATE_KEYS[0].to_base64()}\nwgpeer {b} wgaip 10/8\n"
    assert peers(text) == {B: ["10.0.0.0/8"]}
    assert len(lowered(text).warnings) == 1


def test_a_peer_left_out_under_an_earlier_key_stays_out() -> None:
    first, second = (f"wgkey {key.to_base64()}\n" for key in PRIVATE_KEYS)
    assert peers(f"{first}wgpeer {OWN[0].to_base64()}\n{second}") == {}


def test_the_last_key_of_a_command_is_the_one_that_counts() -> None:
    first, second = (key.to_base64() for key in PRIVATE_KEYS)
    text = f"wgkey {first} wgpeer {OWN[0].to_base64()} wgkey {second}"
    assert peers(text) == {OWN[0]: []}


def test_without_a_way_to_derive_it_the_own_key_is_a_peer_like_any_other() -> None:
    text = f"wgkey {PRIVATE_KEYS[0].to_base64()}\nwgpeer {OWN[0].to_base64()}\n"
    found = lower(parse(SourceText.from_text("hostname.wg0", text), "wg0"), "wg0")
    assert [peer.public_key for peer in found.config.wireguard.peers] == [OWN[0]]


# ---- warnings ----


def test_warnings_are_in_the_order_of_the_file() -> None:
    a, b = A.to_base64(), B.to_base64()
    text = f"wgpeer {a} wgaip 10/8\nwgpeer {b} wgaip 10/8\nwgpeer {a} wgaip 10.0.0.1/30\n"
    lines = [warning.span.line for warning in lowered(text).warnings if warning.span]
    assert lines == [2, 3]


def test_a_hundred_warnings_are_enough() -> None:
    text = f"wgpeer {A.to_base64()} wgaip 10/8\nwgpeer {B.to_base64()} wgaip 10/8\n" * 100
    warnings = lowered(text).warnings
    assert len(warnings) == 101
    assert warnings[-1].message == "more than 100 warnings: the rest is not shown"


# ---- the fold, written a second time ----
#
# Here a file is a list of commands, a command a list of words with their
# values, and the interface a handful of lists.

Word = tuple[str, object]


@dataclass
class Box:
    """An interface of OpenBSD: what ifconfig would show."""

    key: PrivateKey | None = None
    port: int = 0
    mtu: int | None = None
    up: bool = False
    descr: str = ""
    inet: list[tuple[str, int]] = field(default_factory=list)
    peers: list[PublicKey] = field(default_factory=list)
    about: dict[tuple[PublicKey, str], object] = field(default_factory=dict)
    table: list[tuple[IPNetwork, PublicKey]] = field(default_factory=list)

    def forget(self, gone: PublicKey) -> None:
        self.peers = [peer for peer in self.peers if peer != gone]
        self.table = [entry for entry in self.table if entry[1] != gone]
        self.about = {about: value for about, value in self.about.items() if about[0] != gone}

    def command(self, words: list[Word]) -> None:
        for name, value in words:
            if name in ("up", "down"):
                self.up = name == "up"
            elif name == "mtu":
                assert isinstance(value, int)
                self.mtu = value
            elif name == "descr":
                self.descr = str(value)
        self.siocswg(words)
        for name, value in words:
            if name.startswith("inet"):
                self.address(name, str(value))

    def siocswg(self, words: list[Word]) -> None:
        if ("-wgpeerall", None) in words:
            for peer in self.peers:
                self.forget(peer)
        for name, value in words:
            if name == "wgkey":
                assert isinstance(value, PrivateKey)
                self.key = value
            elif name == "wgport":
                assert isinstance(value, int)
                self.port = value
        if self.key is not None:
            self.forget(derive_public_key(self.key))
        at: PublicKey | None = None
        fresh = False
        for name, value in words:
            if name in ("wgpeer", "-wgpeer"):
                assert isinstance(value, PublicKey)
                is_own = self.key is not None and value == derive_public_key(self.key)
                at, fresh = (None if is_own or name == "-wgpeer" else value), True
                if name == "-wgpeer":
                    self.forget(value)
                elif at is not None and at not in self.peers:
                    self.peers.append(at)
            elif at is not None and name == "wgaip":
                network = ip_network(str(value))
                if fresh:
                    self.table = [entry for entry in self.table if entry[1] != at]
                fresh = False
                if (network, at) not in self.table:
                    self.table = [entry for entry in self.table if entry[0] != network]
                    self.table.append((network, at))
            elif at is not None and name in ("wgpka", "wgdescr", "wgpsk", "wgendpoint"):
                self.about[at, name] = value

    def address(self, name: str, text: str) -> None:
        ip, _, length = text.partition("/")
        if name == "inet":
            firsts = [entry for entry in self.inet if ":" not in entry[0]][:1]
            self.inet = [entry for entry in self.inet if entry not in firsts]
        known = [entry[0] for entry in self.inet]
        if ip in known:
            self.inet[known.index(ip)] = (ip, int(length))
        else:
            self.inet.append((ip, int(length)))
        self.up = True

    def config(self) -> InterfaceConfig:
        def peer_config(peer: PublicKey) -> PeerConfig:
            psk = self.about.get((peer, "wgpsk"))
            host = self.about.get((peer, "wgendpoint"))
            keepalive = self.about.get((peer, "wgpka"), 0)
            assert isinstance(keepalive, int)
            return PeerConfig(
                public_key=peer,
                preshared_key=psk if isinstance(psk, PresharedKey) else None,
                endpoint=None if host is None else EndpointName(str(host), 9),
                persistent_keepalive=keepalive,
                allowed_ips=tuple(network for network, owner in self.table if owner == peer),
                description=str(self.about.get((peer, "wgdescr"), "")) or None,
            )

        return InterfaceConfig(
            name="wg0",
            wireguard=WireGuardConfig(
                private_key=self.key,
                listen_port=self.port or None,
                peers=tuple(map(peer_config, self.peers)),
            ),
            addresses=tuple(ip_interface(f"{ip}/{length}") for ip, length in self.inet),
            mtu=self.mtu,
            is_up=self.up,
            description=self.descr or None,
        )


def written(word: Word) -> str:
    name, value = word
    name = {"inet+": "inet alias"}.get(name, name)
    match value:
        case None:
            return "-wgpsk" if name == "wgpsk" else name
        case PublicKey() | PrivateKey() | PresharedKey():
            return f"{name} {value.to_base64()}"
        case _:
            text = f"{name} '{value}'"
            return f"{text} 9" if name == "wgendpoint" else text


def words_of(name: str, *values: object) -> st.SearchStrategy[Word]:
    return st.tuples(st.just(name), st.sampled_from(values))


FAMILY = st.one_of(
    words_of("inet", "10.0.0.1/24", "10.0.0.1/32", "10.0.0.2/24", "10.0.0.3/8"),
    words_of("inet+", "10.0.0.1/16", "10.0.0.2/32", "10.0.0.4/8"),
    words_of("inet6", "fd00::1/64", "fd00::1/128", "fd00::2/64"),
)
INTERFACE = st.one_of(
    words_of("up", None),
    words_of("down", None),
    words_of("mtu", 1280, 1400),
    words_of("descr", "a", "b c", ""),
    words_of("wgkey", *PRIVATE_KEYS),
    words_of("wgport", 0, 1, 51820),
    words_of("-wgpeerall", None),
)
PEER = st.one_of(words_of("wgpeer", *PEERS, *OWN), words_of("-wgpeer", *PEERS))
ABOUT_PEER = st.one_of(
    words_of("wgaip", "10.0.0.0/8", "10.0.0.0/9", "fd00::/8", "0.0.0.0/0"),
    words_of("wgpka", 0, 25),
    words_of("wgdescr", "laptop", ""),
    words_of("wgendpoint", "a.example", "b.example"),
    words_of("wgpsk", None, PresharedKey(bytes([7]) * 32)),
)
COMMANDS = st.builds(
    lambda family, before, peer, after: [*family, *before, *peer, *(after if peer else [])],
    st.lists(FAMILY, max_size=1),
    st.lists(INTERFACE, max_size=2),
    st.lists(PEER, max_size=1),
    st.lists(st.one_of(INTERFACE, ABOUT_PEER, ABOUT_PEER, PEER), max_size=6),
)


@given(st.lists(COMMANDS, max_size=8))
def test_lowering_is_the_fold(commands: list[list[Word]]) -> None:
    box = Box()
    for words in commands:
        if words:
            box.command(words)
    text = "".join(" ".join(map(written, words)) + "\n" for words in commands)
    assert config(text) == box.config()
