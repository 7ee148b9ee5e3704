from __future__ import annotations

import socket
from pathlib import Path

import pytest

from netstart_wg.backends.uapi_socket import exchange, follow
from netstart_wg.errors import BackendError
from netstart_wg.system.paths import SOCKET_DIRECTORY, socket_path
from tests.backends.scripted_engine import scripted_engine

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("links")]

GET = "get=1\n\n"


def test_the_answer_is_read_to_its_closing_empty_line() -> None:
    answer = b"listen_port=1\n" * 50_000 + b"errno=0\n\n"
    with scripted_engine("wg0", answer, stays=True) as engine:
        assert exchange("wg0", GET) == answer.decode()
    assert engine.requests == [GET.encode()]


def test_no_socket_is_no_engine() -> None:
    assert exchange("wg0", GET) is None


def test_a_socket_that_outlived_its_engine_is_no_engine() -> None:
    SOCKET_DIRECTORY.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path("wg0")))
    assert exchange("wg0", GET) is None


def test_a_file_that_is_no_socket_is_no_engine() -> None:
    SOCKET_DIRECTORY.mkdir(parents=True)
    socket_path("wg0").touch()
    assert exchange("wg0", GET) is None


def test_an_engine_that_hangs_up_without_a_word_was_just_ending() -> None:
    with scripted_engine("wg0", b""):
        assert exchange("wg0", GET) is None


def test_an_answer_that_is_cut_short_is_an_error() -> None:
    with (
        scripted_engine("wg0", b"listen_port=1\n"),
        pytest.raises(BackendError, match="wg0: ask the engine: it hung up"),
    ):
        exchange("wg0", GET)


def test_an_answer_that_is_no_text_is_an_error() -> None:
    with (
        scripted_engine("wg0", b"description=\xff\n\n"),
        pytest.raises(BackendError, match="not UTF-8"),
    ):
        exchange("wg0", GET)


def test_an_engine_that_keeps_silent_is_not_waited_for_without_limit() -> None:
    with (
        scripted_engine("wg0", b"", stays=True),
        pytest.raises(BackendError, match=r"no answer within 0\.2 seconds"),
    ):
        exchange("wg0", GET, 0.2)


def test_a_folder_in_the_way_is_an_error() -> None:
    SOCKET_DIRECTORY.mkdir(parents=True)
    Path("/run/loop").symlink_to("/run/loop")
    SOCKET_DIRECTORY.rmdir()
    SOCKET_DIRECTORY.symlink_to("/run/loop")
    with pytest.raises(BackendError, match="too many levels of symbolic links"):
        exchange("wg0", GET)


DEBUG = "debug=1\n\n"


def test_what_is_told_comes_line_by_line_until_the_engine_hangs_up() -> None:
    with scripted_engine("wg0", b"wg0: Peer 0 created\nwg0: Peer \xff destroyed\nwg0: ") as engine:
        lines = follow("wg0", DEBUG)
        assert lines is not None
        assert list(lines) == ["wg0: Peer 0 created", "wg0: Peer \ufffd destroyed", "wg0: "]
    assert engine.requests == [DEBUG.encode()]


def test_a_line_is_told_at_once_and_not_when_the_next_one_comes() -> None:
    with scripted_engine("wg0", b"wg0: Peer 0 created\n", stays=True):
        lines = follow("wg0", DEBUG)
        assert lines is not None
        assert next(lines) == "wg0: Peer 0 created"


def test_nobody_can_be_followed_where_there_is_no_engine() -> None:
    assert follow("wg0", DEBUG) is None
