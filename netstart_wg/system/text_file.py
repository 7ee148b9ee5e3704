"""Read a small file; put a new text in a file's place, with the same mode and owner."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path


def read_small_file(path: Path, limit_bytes: int) -> bytes:
    """Return what is in a regular file; raise OSError, also if it is another or a larger one."""
    # Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        octets = file.read(limit_bytes + 1)
    if len(octets) > limit_bytes:
        raise OSError(errno.EFBIG, f"larger than {limit_bytes} bytes")
    return octets


def replace_text(path: Path, text: str) -> None:
    """Replace what the file says; raise OSError, and it says what it did before.

    A link is followed, to a file that is there.  Until it has the owner and mode
    of the old file, nobody but us can read the new one: it may hold keys.
    """
    target = path.resolve(strict=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            _become_like(file.fileno(), target)
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _become_like(descriptor: int, model: Path) -> None:
    """Take over owner, extended attributes (an access list is one) and, last of all, mode."""
    wanted, given = model.stat(), os.fstat(descriptor)
    if (wanted.st_uid, wanted.st_gid) != (given.st_uid, given.st_gid):
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
    with contextlib.suppress(OSError):  # not every file system has any
        for name in os.listxattr(model):
            os.setxattr(descriptor, name, os.getxattr(model, name))
    os.fchmod(descriptor, stat.S_IMODE(wanted.st_mode))
