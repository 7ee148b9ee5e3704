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


def repeat(octets: Buffer, rows: Rows, stride: int, count: int) -> None:
    """Begin each of the first `count` rows with the same octets."""
    if HAS_NUMPY and count >= _LEAST:
        target = numpy.frombuffer(rows.buffer, "u1", count * stride).reshape(count, stride)
        target[:, : len(octets)] = numpy.frombuffer(octets, "u1")
        return
    for part in rows.parts(stride, 0, len(octets), count):
        part[:] = octets


def spread(payload: memoryview, size: int, rows: Rows, stride: int, start: int) -> None:
    """Copy each `size` octets into a row, from `start` on; the last may be fewer."""
    if HAS_NUMPY and len(payload) >= _LEAST * size:
        _spread(payload, size, rows, stride, start)
        return
    count = -(-len(payload) // size)
    for part, at in zip(
        rows.parts(stride, start, start + size, count), range(0, len(payload), size), strict=True
    ):
        source = payload[at : at + size]
        part[: len(source)] = source


def _segment_sums(payload: memoryview, size: int) -> list[int]:
    # words of four octets add up to the same, modulo 65535, as those of two
    word = 4 if size % 4 == 0 else 2
    count = len(payload) // size
    words = numpy.frombuffer(payload, f"<u{word}", count * size // word).reshape(count, -1)
    sums: list[int] = words.sum(axis=1, dtype="u8").tolist()
    if count * size < len(payload):
        sums.append(words_sum(payload[count * size :]))
    return sums


def _spread(payload: memoryview, size: int, rows: Rows, stride: int, start: int) -> None:
    count = len(payload) // size
    source = numpy.frombuffer(payload, "u1", count * size).reshape(count, size)
    target = numpy.frombuffer(rows.buffer, "u1", count * stride).reshape(count, stride)
    target[:, start : start + size] = source
    rest = payload[count * size :]
    at = count * stride + start
    rows.view[at : at + len(rest)] = rest


if HAS_NUMPY:
    # numpy loads parts of itself when they are first used, which must not be when
    # the engine has given up its rights
    _segment_sums(memoryview(bytes(32)), 8)
