"""What is done to all segments of a super-packet at once, with numpy where it is installed.

Summing the segments for their checksums takes more of the processor than
encrypting them; numpy does it in a sixth of the time that CPython's integers
take.  It is no dependency: without it, or with WG_NUMPY=0 in the environment,
the same comes out, later.
"""

from __future__ import annotations

import os

from netstart_wg.datapath.base import Buffer
from netstart_wg.datapath.checksum import words_sum
from netstart_wg.datapath.rows import Rows

HAS_NUMPY = os.environ.get("WG_NUMPY") != "0"
if HAS_NUMPY:
    # its library of linear algebra, which nothing here needs, would start threads
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import numpy
    except ImportError:
        HAS_NUMPY = False

_LEAST = 4
"""Segments; of fewer, numpy's calls cost more than they save."""


def segment_sums(payload: memoryview, size: int) -> list[int]:
    """Return what `words_sum` does, modulo 65535, of each `size` octets; the last may be fewer."""
    if HAS_NUMPY and len(payload) >= _LEAST * size and size % 2 == 0:
        return _segment_sums(payload, size)
    octets = bytes(payload)  # slices of bytes are cheaper to make into integers
    return [words_sum(octets[at : at + size]) for at in range(0, len(octets), size)]


def lay(header: Buffer, payload: memoryview, size: int, rows: Rows, stride: int) -> None:
    """Write the header into each row, and `size` octets of the payload; the last may be fewer."""
    count = -(-len(payload) // size)
    if HAS_NUMPY and count >= _LEAST:
        _lay(header, payload, size, rows, stride)
        return
    start = len(header)
    for part, at in zip(
        rows.parts(stride, 0, start + size, count), range(0, len(payload), size), strict=True
    ):
        source = payload[at : at + size]
        part[:start] = header
        part[start : start + len(source)] = source


def _segment_sums(payload: memoryview, size: int) -> list[int]:
    # words of four octets add up to the same, modulo 65535, as those of two
    word = 4 if size % 4 == 0 else 2
    count = len(payload) // size
    words = numpy.frombuffer(payload, f"<u{word}", count * size // word).reshape(count, -1)
    sums: list[int] = words.sum(axis=1, dtype="u8").tolist()
    if count * size < len(payload):
        sums.append(words_sum(payload[count * size :]))
    return sums


def _lay(header: Buffer, payload: memoryview, size: int, rows: Rows, stride: int) -> None:
    start, whole = len(header), len(payload) // size
    count = -(-len(payload) // size)
    target = numpy.frombuffer(rows.buffer, "u1", count * stride).reshape(count, stride)
    target[:, :start] = numpy.frombuffer(header, "u1")
    source = numpy.frombuffer(payload, "u1", whole * size).reshape(whole, size)
    target[:whole, start : start + size] = source
    rest = payload[whole * size :]
    at = whole * stride + start
    rows.view[at : at + len(rest)] = rest


if HAS_NUMPY:
    # numpy loads parts of itself when they are first used, which must not be when
    # the engine has given up its rights
    _segment_sums(memoryview(bytes(32)), 8)
