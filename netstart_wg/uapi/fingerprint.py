"""What a reply to a `get` says of the configuration, as one digest.

With thousands of peers, to read a reply takes much longer than to see that it
says what it said before.  What changes without anybody's doing is left out:
counters, times, offloads, and where a peer was heard from last, though not that
it was.  Whatever else there is counts, also keys that this reader does not know.
"""

from __future__ import annotations

import hashlib
import re

_VOLATILE = re.compile(
    r"\n(?:last_handshake_time_n?sec|[tr]x_bytes|drop|send_error|offload|refused_offload)=[^\n]*"
)
_ENDPOINT = re.compile(r"\nendpoint=[^\n]*")
_FIRST_PEER = "\npublic_key="


def fingerprint(reply: str) -> bytes:
    """Return 32 octets which are equal for replies that say the same of the configuration."""
    lasting = _ENDPOINT.sub("\nendpoint", _VOLATILE.sub("", "\n" + reply))
    return hashlib.sha256(lasting.encode()).digest()


def without_peers(reply: str) -> str:
    """Return the reply as it would be if there were no peers."""
    head, separator, peers = f"\n{reply}".partition(_FIRST_PEER)
    end = max(0, peers.rfind("\nerrno="))
    return (head + peers[end:])[1:] if separator else reply
