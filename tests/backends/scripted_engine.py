"""A UAPI socket whose answers the test writes: what no well-behaved engine would say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from netstart_wg.system.paths import SOCKET_DIRECTORY, socket_path


class ScriptedEngine:
    """Answers the first request on each of `count` connections, and then hangs up or stays."""

    def __init__(self, interface: str, answer: bytes, *, count: int, stays: bool) -> None:
        self.requests: list[bytes] = []
        SOCKET_DIRECTORY.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(socket_path(interface)))
        self._listener.listen()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(answer, count, stays))
        self._thread.start()

    def _serve(self, answer: bytes, count: int, stays: bool) -> None:
        for _ in range(count):
            connection, _ = self._listener.accept()
            with connection:
                request = b""
                while not request.endswith(b"\n\n"):
                    piece = connection.recv(4096)
                    if not piece:
                        break
                    request += piece
                self.requests.append(request)
                connection.sendall(answer)
                if stays:
                    self._leave.wait(10)

    def close(self) -> None:
        self._leave.set()
        self._thread.join(10)
        self._listener.close()


@contextmanager
def scripted_engine(
    interface: str, answer: bytes, *, count: int = 1, stays: bool = False
) -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine(interface, answer, count=count, stays=stays)
    try:
        yield engine
    finally:
        engine.close()
