"""What numpy does, against what is done without."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.datapath import vectors
from netstart_wg.datapath.checksum import words_sum
from netstart_wg.datapath.rows import Rows

IS_INSTALLED = importlib.util.find_spec("numpy") is not None

with_and_without_numpy = pytest.mark.parametrize(
    "numpy",
    [
        False,
        pytest.param(True, marks=pytest.mark.skipif(not IS_INSTALLED, reason="numpy is not here")),
    ],
    ids=["without numpy", "numpy"],
)

contents = st.binary(min_size=1, max_size=4000)
sizes = st.integers(1, 1500)


@with_and_without_numpy
@settings(deadline=None)
@given(content=contents, size=sizes)
def test_sums_are_those_of_each_segment(numpy: bool, content: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "HAS_NUMPY", numpy)
        sums = vectors.segment_sums(memoryview(content), size)
    expected = [words_sum(content[at : at + size]) for at in range(0, len(content), size)]
    assert [each % 65535 for each in sums] == [each % 65535 for each in expected]


@with_and_without_numpy
def test_no_sum_overflows(numpy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "HAS_NUMPY", numpy)
    sums = vectors.segment_sums(memoryview(b"\xfe\xff" * 32_000), 8_000)
    assert [each % 65535 for each in sums] == [0xFFFE * 4_000 % 65535] * 8


@with_and_without_numpy
@settings(deadline=None)
@given(
    content=contents,
    size=sizes,
    header=st.binary(min_size=1, max_size=80),
    padding=st.integers(0, 15),
)
def test_each_part_comes_to_its_row_behind_the_header_and_nothing_else_is_touched(
    numpy: bool, content: bytes, size: int, header: bytes, padding: int
) -> None:
    stride, rows = len(header) + size + padding, Rows()
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    parts = parts[: len(rows.buffer) // stride]
    expected = bytearray(len(rows.buffer))
    for number, part in enumerate(parts):
        at = number * stride
        expected[at : at + len(header) + len(part)] = header + part
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "HAS_NUMPY", numpy)
        vectors.lay(header, memoryview(b"".join(parts)), size, rows, stride)
    assert bytes(rows.buffer) == expected


@pytest.mark.skipif(not IS_INSTALLED, reason="numpy is not here")
@pytest.mark.parametrize(("word", "is_loaded"), [("0", False), ("1", True)])
def test_numpy_is_loaded_unless_the_environment_says_no(word: str, is_loaded: bool) -> None:
    program = "import sys, netstart_wg.datapath.vectors; print('numpy' in sys.modules)"
    environment = os.environ | {"WG_NUMPY": word}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(is_loaded)
