"""The cross-platform configuration protocol of WireGuard (UAPI): text ↔ values.

Pure: sockets and their framing into requests are other people's business.  Both
ends are here, the engine's and its client's, so that each reads what the other
writes.

A request or a reply is lines of `key=value`, closed by an empty line; which
keys there are, and in which order they answer, is fixed by
wireguard.com/xplatform and by what wg(8) reads.  Beside those travel keys of
our own, which wg(8) passes over:

    implementation=NAME VERSION   reply     what serves the interface
    offload=NAME                  reply     one line each: what the kernel granted
    refused_offload=NAME          reply     of a peer, one line each: what is on, but not for it
    drop=REASON COUNT             reply     one line each: what was dropped, and how often
    send_error=ERRNO COUNT        reply     one line each: why datagrams were not sent, and how many
    link_namespace=INODE          reply     the network namespace that the interface is in;
                                            0 if it does not have the engine's name any more
    wgrtable=N                    both      the rdomain of the UDP sockets, up to 255; in a reply
                                            unsaid if it is 0, and `none` if it was deleted
    group=NAME                    reply     one line each: what the interface is in beside `wg`
    groups=NAME,NAME…             request   all that it shall be in; empty: none
    description=TEXT              both      of a peer; in a request an empty one clears it

And beside the operations `get=1` and `set=1` there is `debug=1`: whatever an interface
with `debug` has to say follows, a line each, until the client hangs up.

Text that is no such thing raises UapiError and nothing else.  No message
contains the value of a key of any role.
"""

from __future__ import annotations

from netstart_wg.uapi.fingerprint import fingerprint, without_peers
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
    "fingerprint",
    "without_peers",
]
