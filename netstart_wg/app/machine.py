"""The machine that netstart-wg runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.system import Machine
from netstart_wg.backends.choice import ChosenBackend
from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.system.linux import Linux


@contextmanager
def this_machine() -> Iterator[Machine]:
    """Give the machine, with all engines, for the length of one run."""
    system = Linux()
    try:
        embedded = EmbeddedBackend(system.links)
        yield Machine(system, ChosenBackend(embedded, derive_public_key))
    finally:
        system.close()
