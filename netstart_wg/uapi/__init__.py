"""The cross-platform configuration protocol of WireGuard (UAPI): text ↔ values.

Pure: sockets and their framing into requests are other people's business.  Both
ends are here, the engine's and its client's, so that each reads what the other
writes.

A request or a reply is lines of `key=value`, closed by an empty line; which
keys there are, and in which order they answer, is fixed by
wireguard.com/xplatform and by what wg(8) reads.  Beside those travel keys of
our own, which wg(8) passes over: `implementation`, `offload`, `drop` in a
reply, `description` of a peer both ways.

Text that is no such thing raises UapiError and nothing else.  No message
contains the value of a key of any role.
"""

from __future__ import annotations

from netstart_wg.uapi.lines import IndexOfInterface, UapiError
from netstart_wg.uapi.replies import decode_errno, decode_get, encode_errno, encode_get
from netstart_wg.uapi.requests import GET_REQUEST, decode_set, encode_set

__all__ = [
    "GET_REQUEST",
    "IndexOfInterface",
    "UapiError",
    "decode_errno",
    "decode_get",
    "decode_set",
    "encode_errno",
    "encode_get",
    "encode_set",
]
