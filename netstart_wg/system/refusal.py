"""What the operating system refused, as an exception of ours."""

from __future__ import annotations

from pathlib import Path

from netstart_wg.errors import BackendError


def refusal(
    operation: str, interface: str, error: OSError, place: Path | None = None
) -> BackendError:
    """Make a BackendError of an OSError, with the file it is about, if it is about one."""
    reason = error.strerror or str(error)
    reason = reason[:1].lower() + reason[1:]  # names that it holds stay as they are
    if place is not None:
        reason = f"{place}: {reason}"
    return BackendError(operation, interface, reason, error.errno or 0)
