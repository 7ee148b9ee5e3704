"""The protocol against the stock wg(8): it reads what we write, we read what it writes."""

from __future__ import annotations

import base64
import errno
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from shutil import which

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.uapi import GET_REQUEST, decode_set, encode_errno
from tests.private_namespaces import private_namespaces
from tests.uapi.samples import (
    FULL_REPLY,
    OTHER_HEX,
    PEER,
    PEER_HEX,
    PRESHARED_HEX,
    PRESHARED_KEY,
    PRIVATE_HEX,
    PRIVATE_KEY,
)


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
