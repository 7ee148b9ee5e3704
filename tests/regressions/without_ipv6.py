"""Run a command that the kernel refuses IPv6 sockets, as one booted with ipv6.disable=1 does.

    without_ipv6.py COMMAND [ARGUMENT]...

socket(2) says EAFNOSUPPORT to AF_INET6, by a filter of seccomp(2) that all
children have too.  Standard library only; needs root, for it leaves
no_new_privs as it was.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
"""The number of socket(2), asm/unistd.h."""

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
"""BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K."""
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16
"""In struct seccomp_data; of the argument the lower half, on these little-endian machines."""

INSTRUCTION = struct.Struct("=HBBI")


def program(socket_call: int) -> bytes:
    """Return the filter: code, how far to jump if so and if not, operand."""
    instructions = (
        (LOAD_WORD, 0, 0, NUMBER_AT),
        (JUMP_IF_EQUAL, 0, 3, socket_call),
        (LOAD_WORD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_IF_EQUAL, 0, 1, socket.AF_INET6),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW),
    )
    return b"".join(INSTRUCTION.pack(*each) for each in instructions)


def refuse_ipv6() -> None:
    """Install the filter; raise OSError if the kernel has no such filters."""
    octets = program(SOCKET_CALL[platform.machine()])
    instructions = ctypes.create_string_buffer(octets, len(octets))
    count = len(octets) // INSTRUCTION.size
    filter_program = struct.pack("@HP", count, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_program, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl: PR_SET_SECCOMP")


if __name__ == "__main__":
    refuse_ipv6()
    os.execvp(sys.argv[1], sys.argv[1:])
