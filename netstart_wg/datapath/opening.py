"""Transport messages opened: decrypted, and checked against replay (paper §5.4.6).

One receive brings up to 64 messages of one length.  They are decrypted into rows
of one buffer, side by side: nothing is allocated for each, and what looks at
their headers next finds them in one place.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat

from netstart_wg.datapath.base import Buffer
from netstart_wg.datapath.rows import ROOM, LaidPackets, Rows
from netstart_wg.protocol.crypto import InvalidTag, TransportCipher
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.messages import TAG_LENGTH

_NONCE = struct.Struct("<4xQ")
LEAST_ROWS = 4
"""Fewer are quicker decrypted one by one."""

DecryptInto = Callable[[bytes, Buffer, None, Buffer], int]


class Opener:
    """The rows that messages are decrypted into."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows = Rows()

    def open(
        self, cipher: TransportCipher, counters: Sequence[int], sealed: Sequence[memoryview]
    ) -> LaidPackets | None:
        """Decrypt what messages of one length contain, of which the last may be shorter.

        The packets are valid until the next call.  Return None if the messages are
        not so, or too few, or one of them is not authentic: then decrypt them
        one by one.
        """
        count, length, last = len(sealed), len(sealed[0]), len(sealed[-1])
        if count < LEAST_ROWS or not (length > TAG_LENGTH and TAG_LENGTH <= last <= length):
            return None
        stride = length - TAG_LENGTH
        if set(map(len, sealed[:-1])) != {length} or count * stride > ROOM:
            return None
        packets = self._rows.parts(stride, 0, stride, count)
        if last < length:
            packets[-1] = packets[-1][: last - TAG_LENGTH]
        nonces = map(_NONCE.pack, counters)
        try:
            deque(map(_decrypt_into(cipher), nonces, sealed, repeat(None), packets), 0)
        except InvalidTag:
            return None
        return LaidPackets(self._rows, packets)


def _decrypt_into(cipher: TransportCipher) -> DecryptInto:
    """Return the cipher's method of that name, or, of an older library, what does the same."""
    method: DecryptInto | None = getattr(cipher, "decrypt_into", None)
    return partial(_decrypt_and_copy, cipher) if method is None else method


def _decrypt_and_copy(
    cipher: TransportCipher, nonce: bytes, sealed: Buffer, _: None, row: memoryview
) -> int:
    row[:] = cipher.decrypt(nonce, bytes(sealed), None)  # before 39, of bytes alone
    return len(row)


def decrypt_singly(
    keypair: Keypair, counters: Sequence[int], sealed: Sequence[memoryview]
) -> tuple[list[int], list[Buffer]]:
    """Return the counters and contents of those messages that are authentic."""
    decrypt, pack_nonce = keypair.receiving.decrypt, _NONCE.pack
    authentic: list[int] = []
    opened: list[Buffer] = []
    for counter, content in zip(counters, sealed, strict=True):
        try:
            plaintext = decrypt(pack_nonce(counter), bytes(content), None)
        except InvalidTag:
            continue
        authentic.append(counter)
        opened.append(plaintext)
    return authentic, opened


def accept(
    keypair: Keypair, counters: Sequence[int], packets: Sequence[Buffer]
) -> Sequence[Buffer]:
    """Keep what the replay window has not seen; a run in order is one step."""
    if not counters:
        return packets
    replay, first, count = keypair.replay, counters[0], len(counters)
    in_order = tuple(counters) == tuple(range(first, first + count))
    if in_order and replay.accept_run(first, count):
        return packets
    both = zip(counters, packets, strict=True)
    return [packet for counter, packet in both if replay.accept(counter)]
