"""The UAPI socket in the file system: who may, who is in the way, and when it goes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from netstart_wg.engine.uapi_listener import UapiListener
from netstart_wg.errors import BackendError
from netstart_wg.system import paths


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "SOCKET_DIRECTORY", tmp_path)
    return tmp_path


def end(listener: UapiListener) -> None:
    listener.file.remove()
    listener.close()


def test_the_socket_is_for_root_alone_and_vanishes_with_the_engine() -> None:
    listener = UapiListener.bind("wg0")
    assert listener.file.path.stat().st_mode & 0o077 == 0
    assert listener.file.is_in_place()
    end(listener)
    assert not listener.file.path.exists()


def test_a_second_engine_is_refused_and_the_first_lives_on() -> None:
    first = UapiListener.bind("wg0")
    with pytest.raises(BackendError, match="in use"):
        UapiListener.bind("wg0")
    assert first.file.is_in_place()
    end(first)


def test_a_stale_socket_file_is_replaced() -> None:
    stale = UapiListener.bind("wg0")
    stale.close()
    assert stale.file.path.exists()
    fresh = UapiListener.bind("wg0")
    assert fresh.file.is_in_place()
    assert not stale.file.is_in_place()
    stale.file.remove()
    assert fresh.file.is_in_place()
    end(fresh)


def test_a_socket_that_listens_already_is_taken_over(folder: Path) -> None:
    path = folder / "any.sock"
    given = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    given.bind(str(path))
    given.listen()
    listener = UapiListener.adopt(given.detach())
    assert listener.accept() is None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        accepted = listener.accept()
    assert accepted is not None
    accepted.close()
    assert listener.file.is_in_place()
    path.unlink()
    assert not listener.file.is_in_place()
    listener.close()


@pytest.mark.parametrize(
    ("family", "kind", "reason"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "no UNIX stream socket"),
        (socket.AF_UNIX, socket.SOCK_DGRAM, "no UNIX stream socket"),
        (socket.AF_UNIX, socket.SOCK_STREAM, "does not listen"),
    ],
)
def test_what_is_no_listening_socket_is_refused_and_stays_open(
    family: int, kind: int, reason: str
) -> None:
    with socket.socket(family, kind) as given:
        with pytest.raises(ValueError, match=reason):
            UapiListener.adopt(given.fileno())
        os.fstat(given.fileno())
