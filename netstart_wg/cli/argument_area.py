"""What ps(1) shows everybody of this process's arguments, which may hold keys.

The kernel keeps them in the process's own memory; what is overwritten there is
gone from /proc/PID/cmdline.  Python has its own copy, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_ARG_START, _ARG_END = 48 - 3, 49 - 3
"""proc_pid_stat(5), counted from the first field after the name, which is the third."""


def show_arguments(words: Sequence[str]) -> None:
    """Show these in place of what the process was started with, as far as there is room."""
    import ctypes

    start, end = _argument_area()
    if start == 0:
        return
    shown = b"".join(word.encode(errors="surrogateescape") + b"\0" for word in words)
    # the last byte stays zero: else the kernel reads on, into the environment (proc_pid_cmdline(5))
    text = shown[: end - start - 1].ljust(end - start, b"\0")
    ctypes.memmove(start, text, len(text))


def _argument_area() -> tuple[int, int]:
    """Return where the arguments begin and end; zeros if the kernel does not tell."""
    # the name in parentheses may hold anything, but nothing after it does
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    return int(fields[_ARG_START]), int(fields[_ARG_END])
