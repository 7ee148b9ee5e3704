"""A name server that knows what a file says; itself a program: `python dns.py FILE`.

FILE is JSON, names to IPv4 addresses, read anew for each question.  It answers at
127.0.0.1, port 53, over UDP; what it does not know it says it does not.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from pathlib import Path

_HEADER = struct.Struct(">6H")
_RESPONSE, _NO_SUCH_NAME = 0x8180, 3
_A = 1


def answer(question: bytes, known: dict[str, str]) -> bytes:
    number, _, _, _, _, _ = _HEADER.unpack_from(question)
    labels, at = [], _HEADER.size
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    (kind,) = struct.unpack_from(">H", question, at + 1)
    asked = question[_HEADER.size : at + 5]
    address = known.get(".".join(labels).lower())
    if address is None:
        return _HEADER.pack(number, _RESPONSE | _NO_SUCH_NAME, 1, 0, 0, 0) + asked
    if kind != _A:
        return _HEADER.pack(number, _RESPONSE, 1, 0, 0, 0) + asked
    record = struct.pack(">HHHIH", 0xC00C, _A, 1, 1, 4) + socket.inet_aton(address)
    return _HEADER.pack(number, _RESPONSE, 1, 1, 0, 0) + asked + record


if __name__ == "__main__":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while True:
            message, client = server.recvfrom(512)
            server.sendto(answer(message, json.loads(Path(sys.argv[1]).read_text())), client)
