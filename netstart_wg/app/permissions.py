"""What to do about a file that others may read or write, or that is not root's."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine


class SecureFile(Protocol):
    """Either of the two below."""

    def __call__(
        self, path: Path, machine: Machine, output: Output, *, may_be_read: bool = False
    ) -> None:
        """See to a file; one without secrets may be read by anybody."""
        ...


def repair_permissions(
    path: Path, machine: Machine, output: Output, *, may_be_read: bool = False
) -> None:
    """Make a file root's and nobody else's, as netstart(8) does; it is used in any case."""
    if not _is_insecure(path, machine, may_be_read):
        return
    output.warn(f"WARNING: {path} is insecure, fixing permissions.")
    try:
        machine.system.fix_permissions(path, may_be_read=may_be_read)
    except OSError as error:
        output.warn(f"WARNING: {path}: permissions not fixed: {str(error.strerror).lower()}")


def point_out_permissions(
    path: Path, machine: Machine, output: Output, *, may_be_read: bool = False
) -> None:
    """Say that `repair_permissions` would do something, and do nothing."""
    if _is_insecure(path, machine, may_be_read):
        output.warn(f"WARNING: {path} is insecure, permissions would be fixed.")


def _is_insecure(path: Path, machine: Machine, may_be_read: bool) -> bool:
    """Say so of a file that is there; of one that is not, reading it will complain."""
    try:
        return machine.system.is_insecure(path, may_be_read=may_be_read)
    except OSError:
        return False
