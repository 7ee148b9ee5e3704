from __future__ import annotations

import os
import select
import socket
from threading import Thread

import pytest

from netstart_wg.system.keeper_socket import KeeperSocket, ask_keeper, keeper_path

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def serve_one(listener: KeeperSocket) -> None:
    select.select([listener], [], [], 10)
    assert listener.serve(lambda question: f"{question}? no")


def test_a_question_has_an_answer() -> None:
    with KeeperSocket() as listener:
        keeper = Thread(target=serve_one, args=(listener,))
        keeper.start()
        assert ask_keeper(os.getpid(), "now") == "now? no"
        keeper.join()
        assert not listener.serve(str)


def test_nobody_there_is_no_answer() -> None:
    assert ask_keeper(os.getpid(), "now") is None
    with KeeperSocket():
        pass
    assert not keeper_path(os.getpid()).exists()
    assert ask_keeper(os.getpid(), "now") is None


def test_the_socket_is_roots_alone() -> None:
    with KeeperSocket():
        assert keeper_path(os.getpid()).stat().st_mode & 0o777 == 0o600


def test_who_says_nothing_or_nonsense_keeps_nobody_waiting() -> None:
    def refuse(question: str) -> str:
        raise ValueError(question)

    with KeeperSocket() as listener, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(str(keeper_path(os.getpid())))
        client.send(b"\xff")
        assert listener.serve(str)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.connect(str(keeper_path(os.getpid())))
            other.send(b"nonsense")
            assert listener.serve(refuse)
            assert other.recv(10) == b""
