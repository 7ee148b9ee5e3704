"""Text in a file that is nowhere but in memory."""

from __future__ import annotations

import os

import pytest

from netstart_wg.engine import memory_file
from netstart_wg.engine.memory_file import MemoryFile


def test_what_is_written_is_read_also_from_a_copy() -> None:
    file = MemoryFile("test")
    text = "".join(f"line {number}, Zoë\n" for number in range(100_000))
    file.write(text[:1000])
    file.write(text[1000:])
    file.seal()
    copy = os.dup(file.descriptor)
    resident = file.resident()
    file.close()
    assert memory_file.read(copy) == text
    assert memory_file.read(copy) == text
    assert resident[:4] == b"line"
    resident.close()
    os.close(copy)


def test_once_it_is_sealed_nobody_changes_it() -> None:
    file = MemoryFile("test")
    file.write("state")
    file.seal()
    with pytest.raises(PermissionError):
        file.write("more")
    for length in (0, 100):
        with pytest.raises(PermissionError):
            os.ftruncate(file.descriptor, length)
    with pytest.raises(PermissionError):
        os.pwrite(file.descriptor, b"x", 0)
    file.close()


def test_what_is_taken_is_gone_for_everybody_who_has_a_copy() -> None:
    file = MemoryFile("test")
    file.write("sessions")
    file.seal(can_be_emptied=True)
    copy = os.dup(file.descriptor)
    with pytest.raises(PermissionError):
        os.pwrite(copy, b"x", 0)
    assert memory_file.take(copy) == "sessions"
    assert memory_file.take(file.descriptor) == ""
    assert memory_file.read(copy) == ""
    with pytest.raises(PermissionError):
        os.pwrite(copy, b"x", 0)
    os.close(copy)
    file.close()


def test_what_cannot_be_emptied_is_not_taken() -> None:
    file = MemoryFile("test")
    file.write("sessions")
    file.seal()
    with pytest.raises(PermissionError):
        memory_file.take(file.descriptor)
    file.close()
