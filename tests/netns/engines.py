"""WireGuard engines in hosts: started alike, configured alike through the stock wg(8)."""

from __future__ import annotations

import socket
import subprocess
import sysconfig
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

from tests.netns.hosts import Background, Host
from tests.netns.waiting import eventually

SCRIPTS = Path(sysconfig.get_path("scripts"))
NETSTART_WG = str(SCRIPTS / "netstart-wg")
NETSTART_WGD = str(SCRIPTS / "netstart-wgd")
SOCKETS = Path("/var/run/wireguard")
PEERS = Path(__file__).parent.parent.parent / ".peers"


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that makes a tunnel interface and serves the configuration socket."""

    name: str
    command: tuple[str, ...]
    """Without the interface's name; `-f` keeps it in the foreground."""

    def obstacle(self) -> str | None:
        """Return why it cannot run on this machine, or None."""
        if which(self.command[0]) is not None:
            return None
        try:
            return (PEERS / f"{self.name}.missing").read_text().strip()
        except FileNotFoundError:
            hint = ": make peers" if PEERS in Path(self.command[0]).parents else ""
            return f"there is no {self.command[0]}{hint}"

    def start(self, host: Host, interface: str) -> Background:
        """Start it in the foreground, so that its words are kept, and wait until it is ready."""
        running = host.start(*self.command, "-f", interface)
        eventually(
            lambda: not running.is_running or _listens(host, interface),
            what=f"{self.name}: an answer on the configuration socket",
        )
        assert running.is_running, f"{self.name}: {running.output()}"
        return running


def _listens(host: Host, interface: str) -> bool:
    """Tell whether there is somebody on the configuration socket.

    wg(8) is not to ask too early: a socket that nobody listens on yet it takes for
    one that was left behind, and removes it, and the engine then ends.
    """
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        try:
            connection.connect(f"/proc/{host.pid}/root/run/wireguard/{interface}.sock")
        except OSError:
            return False
    return True


def _built(name: str, *options: str) -> Engine:
    """Return an engine that contrib/peers builds, or says why it could not."""
    return Engine(name, (str(PEERS / "bin" / name), *options))


OURS = Engine("ours", (NETSTART_WGD,))
WIREGUARD_GO = Engine("wireguard-go", ("wireguard-go",))
"""Debian's."""
CURRENT_WIREGUARD_GO = _built("wireguard-go-current")
# It would become the user who has logged in, and ends where nobody has: on CI, in a container.
BORINGTUN = _built("boringtun-cli", "--disable-drop-privileges")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """As wg(8) makes and writes them."""

    private: str = field(repr=False)
    public: str


def new_key_pair() -> KeyPair:
    private = _wg("genkey")
    return KeyPair(private, _wg("pubkey", text=private))


def new_preshared_key() -> str:
    return _wg("genpsk")


def _wg(command: str, text: str = "") -> str:
    result = subprocess.run(
        ["wg", command], input=text, capture_output=True, text=True, check=True, timeout=5
    )
    return result.stdout.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSection:
    """A `[Peer]` of wg(8)'s configuration files."""

    public_key: str
    allowed_ips: tuple[str, ...]
    endpoint: str | None = None
    preshared_key: str | None = field(default=None, repr=False)
    persistent_keepalive: int | None = None

    def format(self) -> str:
        lines = ["[Peer]", f"PublicKey = {self.public_key}"]
        lines.append(f"AllowedIPs = {', '.join(self.allowed_ips)}")
        if self.endpoint is not None:
            lines.append(f"Endpoint = {self.endpoint}")
        if self.preshared_key is not None:
            lines.append(f"PresharedKey = {self.preshared_key}")
        if self.persistent_keepalive is not None:
            lines.append(f"PersistentKeepalive = {self.persistent_keepalive}")
        return "\n".join(lines) + "\n"

    def hostname_line(self) -> str:
        """The same in the language of hostname.wg(5), with the line break."""
        words = ["wgpeer", self.public_key]
        if self.endpoint is not None:
            address, _, port = self.endpoint.rpartition(":")
            words += ["wgendpoint", address.strip("[]"), port]
        if self.preshared_key is not None:
            words += ["wgpsk", self.preshared_key]
        if self.persistent_keepalive is not None:
            words += ["wgpka", str(self.persistent_keepalive)]
        for network in self.allowed_ips:
            words += ["wgaip", network]
        return " ".join(words) + "\n"


def configuration(private_key: str, listen_port: int, *peers: PeerSection) -> str:
    """Return the text of a configuration file of wg(8)."""
    head = f"[Interface]\nPrivateKey = {private_key}\nListenPort = {listen_port}\n"
    return "\n".join([head, *(peer.format() for peer in peers)])


def setconf(host: Host, interface: str, text: str) -> None:
    host.run("wg", "setconf", interface, "/dev/stdin", text=text)


def syncconf(host: Host, interface: str, text: str) -> None:
    host.run("wg", "syncconf", interface, "/dev/stdin", text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPeer:
    """A peer's line of `wg show IF dump`."""

    public_key: str
    preshared_key: str | None = field(repr=False)
    endpoint: str | None
    allowed_ips: tuple[str, ...]
    latest_handshake: int
    """Seconds since 1970, 0 for never."""
    received_bytes: int
    sent_bytes: int
    persistent_keepalive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInterface:
    """`wg show IF dump`."""

    private_key: str | None = field(repr=False)
    public_key: str | None
    listen_port: int
    fwmark: int
    peers: dict[str, ShownPeer]
    """By public key, in the order shown."""


def show(host: Host, interface: str, *within: str) -> ShownInterface:
    """Ask the engine through wg(8), which finds the kernel's only `within` its namespace."""
    first, *rest = host.run(*within, "wg", "show", interface, "dump").splitlines()
    private, public, port, fwmark = first.split("\t")
    peers = [_parse_peer(line) for line in rest]
    return ShownInterface(
        private_key=_unless("(none)", private),
        public_key=_unless("(none)", public),
        listen_port=int(port),
        fwmark=0 if fwmark == "off" else int(fwmark, 0),
        peers={peer.public_key: peer for peer in peers},
    )


def _parse_peer(line: str) -> ShownPeer:
    public, preshared, endpoint, allowed, handshake, received, sent, keepalive = line.split("\t")
    return ShownPeer(
        public_key=public,
        preshared_key=_unless("(none)", preshared),
        endpoint=_unless("(none)", endpoint),
        allowed_ips=tuple(allowed.split(",")) if allowed != "(none)" else (),
        latest_handshake=int(handshake),
        received_bytes=int(received),
        sent_bytes=int(sent),
        persistent_keepalive=0 if keepalive == "off" else int(keepalive),
    )


def _unless(none: str, text: str) -> str | None:
    return None if text == none else text


def endpoint(address: str, port: int) -> str:
    """Return an address and a port as wg(8) writes them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
