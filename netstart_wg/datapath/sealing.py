"""Packets sealed into transport messages (paper §5.4.6), which lie end to end.

So they go to the network in one piece: UDP_SEGMENT takes them as they lie.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat

from netstart_wg.datapath.base import Buffer
from netstart_wg.datapath.rows import Rows
from netstart_wg.protocol.crypto import TransportCipher
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.messages import TAG_LENGTH, TRANSPORT_HEADER_LENGTH

_TRANSPORT = 4
_HEADER = struct.Struct("<IIQ")
"""Type with three zero bytes, receiver index, counter."""
_COUNTER_AT = 8
_LOW = 1 << 16
"""The counter's lowest two octets, in which messages of a run differ, go round at this."""
_OVERHEAD = TRANSPORT_HEADER_LENGTH + TAG_LENGTH
_NONCE = struct.Struct("<4xQ")

EncryptInto = Callable[[bytes, Buffer, None, memoryview], int]


class Sealer:
    """The rows that messages are sealed into."""

    __slots__ = ("_begun", "_rows")

    def __init__(self) -> None:
        self._rows = Rows()
        self._begun = 0, b"", 0
        """The stride of the rows that begin with a header, the header without the counter's
        lowest octets, and how many rows."""

    def seal(self, keypair: Keypair, packets: Sequence[Buffer]) -> tuple[memoryview, int]:
        """Seal packets with padding, of one length but that the last may be shorter.

        Return the messages and the length of each; they are valid until the next call.
        """
        count, rows = len(packets), self._rows
        first, keypair.send_counter = keypair.send_counter, keypair.send_counter + count
        encrypt_into = _encrypt_into(keypair.sending)
        stride = len(packets[0]) + _OVERHEAD
        length = (count - 1) * stride + len(packets[-1]) + _OVERHEAD
        if count == 1:
            self._begun = 0, b"", 0
            _HEADER.pack_into(rows.buffer, 0, _TRANSPORT, keypair.remote_index, first)
            sealed = rows.view[TRANSPORT_HEADER_LENGTH:length]
            encrypt_into(_NONCE.pack(first), packets[0], None, sealed)
            return rows.view[:length], stride
        self._write_headers(stride, keypair.remote_index, first, count)
        each = rows.parts(stride, TRANSPORT_HEADER_LENGTH, stride, count)
        if length < count * stride:
            each[-1] = rows.view[(count - 1) * stride + TRANSPORT_HEADER_LENGTH : length]
        nonces = map(_NONCE.pack, range(first, first + count))
        deque(map(encrypt_into, nonces, packets, repeat(None), each), 0)
        return rows.view[:length], stride

    def _write_headers(self, stride: int, index: int, first: int, count: int) -> None:
        """Begin each message; what all have in common, only if it is not so since the last time."""
        low = first % _LOW
        header = _HEADER.pack(_TRANSPORT, index, first - low)
        if low + count > _LOW:
            self._begun = 0, b"", 0
            counters = range(first, first + count)
            for part, counter in zip(self._parts(stride, count), counters, strict=True):
                _HEADER.pack_into(part, 0, _TRANSPORT, index, counter)
            return
        if self._begun[:2] != (stride, header) or self._begun[2] < count:
            for part in self._parts(stride, count):
                part[:] = header
            self._begun = stride, header, count
        octets = struct.pack(f"<{count}H", *range(low, low + count))
        self._rows.set_numbers(stride, _COUNTER_AT, octets, 2)

    def _parts(self, stride: int, count: int) -> Sequence[memoryview]:
        return self._rows.parts(stride, 0, TRANSPORT_HEADER_LENGTH, count)


def _encrypt_into(cipher: TransportCipher) -> EncryptInto:
    """Return the cipher's method of that name, or, of an older library, what does the same."""
    method: EncryptInto | None = getattr(cipher, "encrypt_into", None)
    return partial(_encrypt_and_copy, cipher) if method is None else method


def _encrypt_and_copy(
    cipher: TransportCipher, nonce: bytes, packet: Buffer, _: None, sealed: memoryview
) -> int:
    sealed[:] = cipher.encrypt(nonce, bytes(packet), None)  # before 39, of bytes alone
    return len(sealed)
