"""What `Device` told the data path: whose is an address, where is a peer, what opens a message."""

from __future__ import annotations

from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.forwarding import ForwardingUpdate, PeerForwarding, PeerId
from netstart_wg.protocol.keypair import Keypair


class ForwardingTable:
    """The entries of all peers; read in both directions, changed by `install` alone."""

    __slots__ = ("allowed_ips", "by_index", "longest", "peers")

    def __init__(self) -> None:
        self.allowed_ips: AllowedIps[PeerId] = AllowedIps()
        self.peers: dict[PeerId, PeerForwarding] = {}
        self.by_index: dict[int, tuple[PeerId, Keypair]] = {}
        """By the receiver index of what comes in."""
        self.longest: dict[PeerId, int] = {}
        """Octets of the longest packet sent under a peer's present entry, if it was a long one."""

    def install(self, update: ForwardingUpdate) -> None:
        """Take in new, changed and removed entries."""
        if update.allowed_ips is not None:
            self.allowed_ips = update.allowed_ips
        for number in update.removed:
            self._forget(number)
        for entry in update.peers:
            self._forget(entry.peer)
            self.peers[entry.peer] = entry
            for keypair in entry.receiving:
                self.by_index[keypair.local_index] = (entry.peer, keypair)

    def _forget(self, number: PeerId) -> None:
        self.longest.pop(number, None)
        entry = self.peers.pop(number, None)
        if entry is not None:
            for keypair in entry.receiving:
                del self.by_index[keypair.local_index]
