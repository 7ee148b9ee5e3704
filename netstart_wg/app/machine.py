"""The machine that netstart-wg runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netstart_wg.app.system import Machine
from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.system.linux import Linux


@contextmanager
def this_machine() -> Iterator[Machine]:
    """Give the machine, with our own engines, for the length of one run."""
    system = Linux()
    try:
        yield Machine(system, EmbeddedBackend(system.links))
    finally:
        system.close()
