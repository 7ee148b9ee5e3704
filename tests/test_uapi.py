"""The configuration protocol as text, against wireguard.com/xplatform and the stock wg(8)."""

from __future__ import annotations

import base64
import errno
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from netstart_wg.uapi import (
    GET_REQUEST,
    UapiError,
    decode_errno,
    decode_get,
    decode_set,
    encode_errno,
    encode_get,
    encode_set,
)
from tests.private_namespaces import private_namespaces
from tests.strategies import PUBLIC_KEYS, device_changes, lines, wireguard_states

ZERO_HEX = "00" * 32
PRIVATE_HEX = "48" * 31 + "4a"
PRESHARED_HEX = "18" * 32
PEER_HEX = "b8" * 32
OTHER_HEX = "c9" * 32

PRIVATE_KEY = PrivateKey.from_hex(PRIVATE_HEX)
PRESHARED_KEY = PresharedKey.from_hex(PRESHARED_HEX)
PEER = PublicKey.from_hex(PEER_HEX)
OTHER = PublicKey.from_hex(OTHER_HEX)

FULL_STATE = WireGuardState(
    implementation="netstart-wg 0.1",
    private_key=PRIVATE_KEY,
    listen_port=51820,
    fwmark=16,
    drops=(("no-peer", 3), ("replayed", 1)),
    offloads=("tso", "uso"),
    peers=(
        PeerState(
            public_key=PEER,
            preshared_key=PRESHARED_KEY,
            endpoint=Endpoint(IPv6Address("fe80::1"), 5, 1),
            last_handshake_ns=1_700_000_000_000_000_042,
            tx_bytes=1212,
            rx_bytes=3434,
            persistent_keepalive=25,
            allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::/64")),
            description="laptop of Zoë",
        ),
        PeerState(public_key=OTHER),
    ),
)

FULL_REPLY = f"""\
implementation=netstart-wg 0.1
private_key={PRIVATE_KEY.to_hex()}
listen_port=51820
fwmark=16
offload=tso
offload=uso
drop=no-peer 3
drop=replayed 1
public_key={PEER_HEX}
preshared_key={PRESHARED_HEX}
protocol_version=1
description=laptop of Zoë
endpoint=[fe80::1%1]:5
last_handshake_time_sec=1700000000
last_handshake_time_nsec=42
tx_bytes=1212
rx_bytes=3434
persistent_keepalive_interval=25
allowed_ip=10.0.0.2/32
allowed_ip=fd00::/64
public_key={OTHER_HEX}
preshared_key={ZERO_HEX}
protocol_version=1
last_handshake_time_sec=0
last_handshake_time_nsec=0
tx_bytes=0
rx_bytes=0
persistent_keepalive_interval=0
errno=0

"""
"""Keys and their order: wireguard.com/xplatform, "get"."""


def in_section(*lines: str) -> list[str]:
    return [f"public_key={PEER_HEX}", *lines]


def peer_change(*lines: str) -> PeerChange:
    (change,) = decode_set(in_section(*lines)).peers
    return change


# -- set -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (f"private_key={PRIVATE_HEX}", DeviceChange(private_key=PRIVATE_KEY)),
        (f"private_key={PRIVATE_HEX.upper()}", DeviceChange(private_key=PRIVATE_KEY)),
        (f"private_key={ZERO_HEX}", DeviceChange(private_key=None)),
        ("listen_port=51820", DeviceChange(listen_port=51820)),
        ("listen_port=0", DeviceChange(listen_port=0)),
        ("fwmark=4294967295", DeviceChange(fwmark=4294967295)),
        ("fwmark=0", DeviceChange(fwmark=0)),
        ("replace_peers=true", DeviceChange(replace_peers=True)),
    ],
)
def test_a_line_about_the_interface_changes_just_that(line: str, change: DeviceChange) -> None:
    assert decode_set([line]) == change


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("remove=true", PeerChange(public_key=PEER, remove=True)),
        ("update_only=true", PeerChange(public_key=PEER, update_only=True)),
        (
            f"preshared_key={PRESHARED_HEX}",
            PeerChange(public_key=PEER, preshared_key=PRESHARED_KEY),
        ),
        (f"preshared_key={ZERO_HEX}", PeerChange(public_key=PEER, preshared_key=None)),
        (
            "endpoint=1.2.3.4:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv4Address("1.2.3.4"), 5)),
        ),
        (
            "endpoint=[2001:db8::1]:65535",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("2001:db8::1"), 65535)),
        ),
        (
            "endpoint=[fe80::1%3]:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("fe80::1"), 5, 3)),
        ),
        (
            "endpoint=[2001:db8::1%3]:5",
            PeerChange(public_key=PEER, endpoint=Endpoint(IPv6Address("2001:db8::1"), 5)),
        ),
        ("persistent_keepalive_interval=0", PeerChange(public_key=PEER, persistent_keepalive=0)),
        (
            "persistent_keepalive_interval=65535",
            PeerChange(public_key=PEER, persistent_keepalive=65535),
        ),
        ("replace_allowed_ips=true", PeerChange(public_key=PEER, replace_allowed_ips=True)),
        (
            "allowed_ip=10.0.0.77/24",
            PeerChange(public_key=PEER, add_allowed_ips=(ip_network("10.0.0.0/24"),)),
        ),
        (
            "allowed_ip=FD00:0::1/64",
            PeerChange(public_key=PEER, add_allowed_ips=(ip_network("fd00::/64"),)),
        ),
        (
            "allowed_ip=-10.0.0.77/24",
            PeerChange(public_key=PEER, remove_allowed_ips=(ip_network("10.0.0.0/24"),)),
        ),
        ("protocol_version=1", PeerChange(public_key=PEER)),
        ("description=2nd floor, a=b", PeerChange(public_key=PEER, description="2nd floor, a=b")),
        ("description=", PeerChange(public_key=PEER, description=None)),
    ],
)  # fmt: skip
def test_a_line_about_a_peer_changes_just_that(line: str, change: PeerChange) -> None:
    assert decode_set(in_section(line)) == DeviceChange(peers=(change,))


def test_no_lines_are_no_change() -> None:
    assert decode_set([]).is_empty


def test_sections_follow_one_another_even_of_one_peer() -> None:
    lines = [*in_section("update_only=true"), f"public_key={OTHER_HEX}", *in_section("remove=true")]
    assert decode_set(lines).peers == (
        PeerChange(public_key=PEER, update_only=True),
        PeerChange(public_key=OTHER),
        PeerChange(public_key=PEER, remove=True),
    )


def test_what_stands_in_the_section_of_a_removed_peer_means_nothing() -> None:
    change = peer_change("allowed_ip=10.0.0.2/32", "remove=true", "endpoint=1.2.3.4:5")
    assert change == PeerChange(public_key=PEER, remove=True)


def test_what_stands_in_the_section_of_a_removed_peer_must_be_right_all_the_same() -> None:
    with pytest.raises(UapiError):
        decode_set(in_section("remove=true", "endpoint=1.2.3.4"))


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (["private_key"], errno.EPROTO),
        ([""], errno.EPROTO),
        (["get=1"], errno.EINVAL),
        (["=5"], errno.EINVAL),
        (["endpoint=1.2.3.4:5"], errno.EINVAL),
        (["private_key="], errno.EINVAL),
        ([f"private_key={PRIVATE_HEX}0"], errno.EINVAL),
        (["private_key=" + "g" * 64], errno.EINVAL),
        (["public_key="], errno.EINVAL),
        (["listen_port="], errno.EINVAL),
        (["listen_port=65536"], errno.EINVAL),
        (["listen_port=-1"], errno.EINVAL),
        (["listen_port=+1"], errno.EINVAL),
        (["listen_port= 1"], errno.EINVAL),
        (["listen_port=1_0"], errno.EINVAL),
        (["listen_port=\u0661"], errno.EINVAL),
        (["listen_port=" + "9" * 5000], errno.EINVAL),
        (["fwmark=4294967296"], errno.EINVAL),
        (["fwmark=0x10"], errno.EINVAL),
        (["replace_peers=false"], errno.EINVAL),
        (in_section("listen_port=1"), errno.EINVAL),
        (in_section("remove=1"), errno.EINVAL),
        (in_section("update_only="), errno.EINVAL),
        (in_section("replace_allowed_ips=TRUE"), errno.EINVAL),
        (in_section("protocol_version=2"), errno.EINVAL),
        (in_section("persistent_keepalive_interval=65536"), errno.EINVAL),
        (in_section("persistent_keepalive_interval=off"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4:0"), errno.EINVAL),
        (in_section("endpoint=1.2.3.4:65536"), errno.EINVAL),
        (in_section("endpoint=1.2.3.256:5"), errno.EINVAL),
        (in_section("endpoint=[1.2.3.4]:5"), errno.EINVAL),
        (in_section("endpoint=2001:db8::1:5"), errno.EINVAL),
        (in_section("endpoint=[fe80::1%eth0]:5"), errno.EINVAL),
        (in_section("endpoint=[fe80::1%4294967296]:5"), errno.EINVAL),
        (in_section("endpoint=vpn.example.net:5"), errno.EINVAL),
        (in_section("allowed_ip="), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.2"), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.2/33"), errno.EINVAL),
        (in_section("allowed_ip=10.0.0.0/255.0.0.0"), errno.EINVAL),
        (in_section("allowed_ip=10/8"), errno.EINVAL),
        (in_section("allowed_ip=fd00::/129"), errno.EINVAL),
        (in_section("allowed_ip=fe80::%eth0/64"), errno.EINVAL),
        (in_section("allowed_ip=--10.0.0.0/8"), errno.EINVAL),
        (in_section("allowed_ip=+10.0.0.0/8"), errno.EINVAL),
    ],
)
def test_a_wrong_line_is_refused_with_the_number_for_it(lines: list[str], number: int) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_set(lines)
    assert refusal.value.errno == number


def test_an_interface_as_a_scope_is_looked_up_where_that_is_possible() -> None:
    lines = in_section("endpoint=[fe80::1%lo]:5")
    (change,) = decode_set(lines, {"lo": 1}.__getitem__).peers
    assert change.endpoint == Endpoint(IPv6Address("fe80::1"), 5, 1)


def test_an_interface_as_a_scope_that_is_not_there_is_refused() -> None:
    with pytest.raises(UapiError, match="bad value of endpoint"):
        decode_set(in_section("endpoint=[fe80::1%no-such]:5"), socket.if_nametoindex)


def test_the_bad_value_is_named() -> None:
    with pytest.raises(UapiError, match=r"bad value of endpoint: 'nowhere'"):
        decode_set(in_section("endpoint=nowhere"))


SECRET = base64.b64encode(b"\x48" * 32).decode()


@pytest.mark.parametrize(
    "lines",
    [
        [f"private_key={SECRET}"],
        [f"privatekey={SECRET}"],
        [SECRET],
        [SECRET.rstrip("=")],
        in_section(f"preshared_key={SECRET}"),
        in_section(SECRET),
    ],
)
def test_a_message_never_has_a_secret(lines: list[str]) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_set(lines)
    assert SECRET.rstrip("=") not in str(refusal.value)


def test_a_request_is_written_as_the_protocol_has_it() -> None:
    change = DeviceChange(
        private_key=None,
        listen_port=0,
        fwmark=7,
        replace_peers=True,
        peers=(
            PeerChange(
                public_key=PEER,
                update_only=True,
                preshared_key=None,
                endpoint=Endpoint(IPv6Address("fe80::1"), 5, 3),
                persistent_keepalive=0,
                replace_allowed_ips=True,
                add_allowed_ips=(ip_network("10.0.0.0/24"),),
                remove_allowed_ips=(ip_network("fd00::/64"),),
                description="laptop",
            ),
            PeerChange(public_key=OTHER, remove=True),
        ),
    )
    assert (
        encode_set(change)
        == f"""\
set=1
private_key={ZERO_HEX}
listen_port=0
fwmark=7
replace_peers=true
public_key={PEER_HEX}
update_only=true
preshared_key={ZERO_HEX}
endpoint=[fe80::1%3]:5
persistent_keepalive_interval=0
replace_allowed_ips=true
allowed_ip=10.0.0.0/24
allowed_ip=-fd00::/64
description=laptop
public_key={OTHER_HEX}
remove=true

"""
    )


def test_a_description_cannot_smuggle_in_a_line() -> None:
    change = DeviceChange(peers=(PeerChange(public_key=PEER, description="x\nremove=true"),))
    with pytest.raises(ValueError, match="more than one line"):
        encode_set(change)


@given(device_changes(lines))
def test_a_request_that_is_written_reads_as_the_same_change(change: DeviceChange) -> None:
    first, *lines, closing_line, end = encode_set(change).split("\n")
    assert (first, closing_line, end) == ("set=1", "", "")
    assert decode_set(lines) == change


@given(
    st.lists(
        st.sampled_from(
            [
                "replace_allowed_ips=true",
                *(f"allowed_ip={net}" for net in ("10.0.0.0/24", "-10.0.0.0/24", "::/0", "-::/0")),
            ]
        )
    ),
    wireguard_states(),
)  # fmt: skip
def test_lines_about_allowed_ips_take_effect_one_after_the_other(
    lines: list[str], state: WireGuardState
) -> None:
    section = f"public_key={PUBLIC_KEYS[-1].to_hex()}"
    together = decode_set([section, *lines])
    one_by_one = decode_set([section, *(text for line in lines for text in (section, line))])
    assert owners(apply_change(state, together, public_key_of)) == owners(
        apply_change(state, one_by_one, public_key_of)
    )


def owners(state: WireGuardState) -> dict[PublicKey, set[object]]:
    return {peer.public_key: set(peer.allowed_ips) for peer in state.peers}


# -- get -----------------------------------------------------------------------------------------


def test_a_reply_is_written_as_the_protocol_has_it() -> None:
    assert encode_get(FULL_STATE) == FULL_REPLY


def test_an_engine_that_has_nothing_says_nothing() -> None:
    assert encode_get(WireGuardState()) == "errno=0\n\n"


def test_a_reply_of_another_engine_is_read() -> None:
    """Keys and values as wireguard-go writes them, with some of the future besides."""
    text = (
        f"private_key={PRIVATE_HEX}\nlisten_port=1\nh1=5\n"
        f"public_key={PEER_HEX}\npreshared_key={ZERO_HEX}\nprotocol_version=1\nnovelty=yes\n"
        "endpoint=1.2.3.4:5\nerrno=0\n\n"
    )
    peer = PeerState(public_key=PEER, endpoint=Endpoint(IPv4Address("1.2.3.4"), 5))
    assert decode_get(text) == WireGuardState(private_key=PRIVATE_KEY, listen_port=1, peers=(peer,))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", errno.EPROTO),
        ("errno=0", errno.EPROTO),
        ("errno=0\n", errno.EPROTO),
        ("listen_port=1\n\n", errno.EPROTO),
        ("listen_port\nerrno=0\n\n", errno.EPROTO),
        ("errno=\n\n", errno.EINVAL),
        ("errno=99999\n\n", errno.EPROTO),
        ("errno=13\n\n", errno.EACCES),
        ("errno=-13\n\n", errno.EACCES),
        ("listen_port=x\nerrno=0\n\n", errno.EINVAL),
        ("drop=replayed\nerrno=0\n\n", errno.EINVAL),
        (f"public_key={PEER_HEX}\npublic_key={PEER_HEX}\nerrno=0\n\n", errno.EINVAL),
        (f"public_key={PEER_HEX}\nlast_handshake_time_nsec=1000000000\nerrno=0\n\n", errno.EINVAL),
    ],
)
def test_a_reply_that_is_wrong_or_reports_a_failure_is_an_error(text: str, number: int) -> None:
    with pytest.raises(UapiError) as refusal:
        decode_get(text)
    assert refusal.value.errno == number


@given(wireguard_states(lines))
def test_a_reply_that_is_written_reads_as_the_same_state(state: WireGuardState) -> None:
    assert decode_get(encode_get(state)) == state


# -- errno ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "errno=0\n\n"), (errno.EINVAL, "errno=-22\n\n"), (-errno.EINVAL, "errno=-22\n\n")],
)
def test_the_reply_to_a_set_has_a_negative_number(number: int, text: str) -> None:
    assert encode_errno(number) == text


@pytest.mark.parametrize("number", [0, errno.EINVAL, errno.EADDRINUSE])
def test_the_number_of_a_reply_reads_as_it_was(number: int) -> None:
    assert decode_errno(encode_errno(number)) == number


def test_a_positive_number_is_read_as_well() -> None:
    assert decode_errno("errno=98\n\n") == errno.EADDRINUSE


@pytest.mark.parametrize(
    "text",
    ["", "errno=0", "errno=0\n", "errno=0\n\n\n", "listen_port=1\n\n", "errno=99999\n\n"],
)
def test_what_is_no_reply_to_a_set_counts_as_a_failure(text: str) -> None:
    assert decode_errno(text) == errno.EPROTO


def test_a_number_that_is_none_counts_as_a_failure() -> None:
    assert decode_errno("errno=x\n\n") == errno.EINVAL


# -- anything ------------------------------------------------------------------------------------

WORDS = [
    *("replace_peers", "remove", "update_only", "replace_allowed_ips", "get", "", "true", "-"),
    *("-1", "::/0", "/", ":", "[]:", "[::]:1", "[:]:1", "999.0.0.0:1", "1.1.1.1/", "-::/", "-::/0"),
]
KEYS = sorted({line.partition("=")[0] for line in FULL_REPLY.split("\n")} | {*WORDS})
VALUES = sorted({line.partition("=")[2] for line in FULL_REPLY.split("\n")} | {*WORDS})
texts = st.text(max_size=20)
some_lines = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES) | texts).map("=".join) | texts
)


@given(some_lines)
def test_no_text_makes_decoding_raise_anything_but_its_own_error(lines: list[str]) -> None:
    for text in ("\n".join(lines), "\n".join([*lines, "errno=0\n\n"])):
        assert decode_errno(text) >= 0
        with suppress(UapiError):
            decode_get(text)
    with suppress(UapiError):
        decode_set(lines)


# -- the stock wg(8) -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Conversation:
    """What wg(8) asked, and what it then had to say."""

    request: str
    returncode: int
    stdout: str
    stderr: str


def wg(*words: str, reply: str, text: str = "") -> Conversation:
    """Run the stock tool on an interface wg9 whose engine answers one request.

    We answer ourselves: with a second thread a process cannot leave its namespaces.
    """
    folder = Path("/var/run/wireguard")
    folder.mkdir(exist_ok=True)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(folder / "wg9.sock"))
        listener.listen()
        listener.settimeout(10)
        with subprocess.Popen(
            ["wg", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
            request = answer_one(listener, reply)
            stdout, stderr = process.communicate(timeout=10)
    return Conversation(request, process.returncode, stdout, stderr)


def answer_one(listener: socket.socket, reply: str) -> str:
    """Answer the next request and return it; wg(8) first connects just to see who is there."""
    request = ""
    while not request:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
            while not request.endswith("\n\n") and (line := stream.readline()):
                request += line
            if request:
                stream.write(reply)
    return request


def in_base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


@pytest.fixture
def private() -> Iterator[None]:
    if which("wg") is None:
        pytest.skip("wg(8) is not installed")
    with private_namespaces():
        yield


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_wg_shows_what_a_reply_of_ours_says() -> None:
    shown = wg("show", "wg9", "dump", reply=FULL_REPLY)
    assert shown.request == GET_REQUEST
    interface, peer, other = (line.split("\t") for line in shown.stdout.splitlines())
    assert interface == [
        PRIVATE_KEY.to_base64(),
        public_key_of(PRIVATE_KEY).to_base64(),
        "51820",
        "0x10",
    ]
    assert peer == [
        *(in_base64(PEER_HEX), in_base64(PRESHARED_HEX), "[fe80::1%lo]:5"),
        *("10.0.0.2/32,fd00::/64", "1700000000", "3434", "1212", "25"),
    ]
    assert other == [in_base64(OTHER_HEX), "(none)", "(none)", "(none)", "0", "0", "0", "off"]


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_what_wg_sets_is_read() -> None:
    section = f"""\
        [Interface]
        PrivateKey = {in_base64(PRIVATE_HEX)}
        ListenPort = 51820
        FwMark = 0x10
        [Peer]
        PublicKey = {in_base64(PEER_HEX)}
        PresharedKey = {in_base64(PRESHARED_HEX)}
        Endpoint = [fe80::1%lo]:5
        PersistentKeepalive = 25
        AllowedIPs = 10.0.0.77/24, fd00::1
    """
    told = wg("setconf", "wg9", "/dev/stdin", reply=encode_errno(0), text=section)
    first, *lines = told.request.removesuffix("\n\n").split("\n")
    assert (first, told.returncode) == ("set=1", 0)
    assert decode_set(lines, socket.if_nametoindex) == DeviceChange(
        private_key=PRIVATE_KEY,
        listen_port=51820,
        fwmark=16,
        replace_peers=True,
        peers=(
            PeerChange(
                public_key=PEER,
                preshared_key=PRESHARED_KEY,
                endpoint=Endpoint(IPv6Address("fe80::1"), 5, 1),
                persistent_keepalive=25,
                replace_allowed_ips=True,
                add_allowed_ips=(ip_network("10.0.0.0/24"), ip_network("fd00::1/128")),
            ),
        ),
    )


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_wg_tells_the_error_that_we_report() -> None:
    refused = wg("set", "wg9", "listen-port", "1", reply=encode_errno(errno.EADDRINUSE))
    assert refused.returncode != 0
    assert "Address already in use" in refused.stderr
