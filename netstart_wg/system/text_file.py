"""Put a new text in a file's place: the whole of it or nothing, with the same mode and owner."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


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
