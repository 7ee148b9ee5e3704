"""How netstart(8) reads lines: hostname.if(5); what OpenBSD trips over is read as it is meant."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstart_wg.errors import ConfigError, ExitStatus, PermissionDeniedError
from netstart_wg.model.source import Span
from netstart_wg.syntax.source import LIMIT_BYTES, SourceText


def texts(text: str) -> list[str]:
    return [line.text for line in SourceText.from_text("hostname.wg0", text).lines()]


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        SourceText.from_text("hostname.wg0", text)
    assert len(caught.value.diagnostics) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("up\n", ["up"]),
        ("up", ["up"]),
        ("up\r\ndown\r\n", ["up", "down"]),
        ("up\n\ndown\n", ["up", "", "down"]),
        ("wgpeer K \\\n  wgpka 25\nup\n", ["wgpeer K   wgpka 25", "up"]),
        ("wgk\\\ney\n", ["wgkey"]),
        ("a\\\r\nb\r\n", ["ab"]),
        ("# comment \\\nup\ndown\n", ["# comment up", "down"]),
        ("a\\\\\nb\n", ["a\\\\", "b"]),
        ("a\\\\\\\nb\n", ["a\\\\b"]),
        ("a\\ \nb\n", ["a\\ ", "b"]),
        ("\\\n\\\nup\n", ["up"]),
        ("up\\", ["up"]),
        ("up\\\n", ["up"]),
        ("\ufeffup\n", ["up"]),
        ("a\u2028b\x0bc\n", ["a\u2028b\x0bc"]),
    ],
)
def test_lines_are_joined_where_a_backslash_ends_them(text: str, lines: list[str]) -> None:
    assert texts(text) == lines


def test_a_place_in_a_logical_line_is_a_place_in_a_physical_line() -> None:
    source = SourceText.from_text("x", "up\nab \\\n cd\\\n\\\nef\ndown\n")
    _, line, last = source.lines()
    assert line.text == "ab  cdef"
    assert line.span(0, 2) == Span(2, 1, 2)
    assert line.span(4, 5) == Span(3, 2, 1)
    assert line.span(6, 8) == Span(5, 1, 2)
    assert last.span(0, 4) == Span(6, 1, 4)


def test_a_span_stays_on_one_physical_line() -> None:
    line = SourceText.from_text("x", "abc\\\ndef\n").line_at(1)
    assert line.span(1, 6) == Span(1, 2, 2)
    assert line.span(6, 6) == Span(2, 4, 1)


def test_a_logical_line_is_found_by_each_of_its_physical_lines() -> None:
    source = SourceText.from_text("x", "a\nb\\\nc\\\nd\ne\n")
    found = [source.line_at(number).text for number in range(1, 6)]
    assert found == ["a", "bcd", "bcd", "bcd", "e"]


def test_keys_do_not_show_in_the_representation_of_a_source() -> None:
    assert "hunter2" not in repr(SourceText.from_text("x", "wgkey hunter2\n"))


def test_a_nul_is_refused_at_its_place() -> None:
    assert refused("up\nmtu\0\n").startswith("hostname.wg0:2:4: a NUL character")


def test_a_text_over_16_mib_is_refused() -> None:
    assert refused("#" * (LIMIT_BYTES - 1) + "\u00e9") == "hostname.wg0: larger than 16 MiB"


def test_a_text_of_16_mib_is_accepted() -> None:
    assert len(texts("#" * LIMIT_BYTES)) == 1


def test_a_lone_surrogate_is_refused_at_its_place() -> None:
    assert refused("up\nd\u00e9scr \ud800\n").startswith("hostname.wg0:2:7: byte 0xed is not UTF-8")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_bytes("\ufeffdescription caf\u00e9\r\n".encode())
    source = SourceText.read(path)
    assert source.name == str(path)
    assert [line.text for line in source.lines()] == ["description caf\u00e9"]


@pytest.mark.parametrize(
    ("octets", "place"),
    [
        (b"up\ndescr caf\xe9\n", "2:10: byte 0xe9"),
        (b"\xef\xbb\xbfup \xff\n", "1:4: byte 0xff"),
        ("caf\u00e9 ".encode() + b"\xc3", "1:6: byte 0xc3"),
    ],
)
def test_a_byte_that_is_not_utf_8_is_named_with_its_place(
    tmp_path: Path, octets: bytes, place: str
) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_bytes(octets)
    with pytest.raises(ConfigError) as caught:
        SourceText.read(path)
    assert str(caught.value).startswith(f"{path}:{place} is not UTF-8")


def test_a_file_over_16_mib_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    with path.open("wb") as file:
        file.truncate(LIMIT_BYTES + 1)
    with pytest.raises(ConfigError, match="larger than 16 MiB"):
        SourceText.read(path)


def test_a_missing_file_is_bad_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        SourceText.read(tmp_path / "hostname.wg0")
    assert caught.value.exit_status is ExitStatus.CONFIG


def test_a_folder_is_not_a_regular_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a regular file"):
        SourceText.read(tmp_path)


def test_a_pipe_is_not_a_regular_file_and_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        SourceText.read(path)


def test_a_socket_is_not_a_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(ConfigError, match="not a regular file"):
            SourceText.read(path)


@pytest.mark.parametrize("name", ["hostname.wg0", "folder"])
def test_reading_leaves_no_descriptor_open(tmp_path: Path, name: str) -> None:
    (tmp_path / "hostname.wg0").write_text("up\n")
    (tmp_path / "folder").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with contextlib.suppress(ConfigError):
        SourceText.read(tmp_path / name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_path_that_cannot_be_followed_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.symlink_to(path)
    with pytest.raises(ConfigError, match="cannot be read: too many levels of symbolic links"):
        SourceText.read(path)


@pytest.fixture
def forbidden_file(tmp_path: Path) -> Iterator[Path]:
    """Make a file that nobody may read, and let the test be somebody whom that keeps out."""
    path = tmp_path / "hostname.wg0"
    path.touch(mode=0)
    if os.geteuid() != 0:
        yield path
        return
    os.seteuid(65534)
    try:
        yield path
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_takes_root(forbidden_file: Path) -> None:
    with pytest.raises(PermissionDeniedError, match="permission denied") as caught:
        SourceText.read(forbidden_file)
    assert caught.value.exit_status is ExitStatus.PERMISSION
