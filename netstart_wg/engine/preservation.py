"""What an engine's successor needs to know, kept in the descriptor store: see `model/saved.py`.

Configuration and memory are written whenever they have changed, a few peers between
two looks at packets, and then there is a rest as long as many times the work: who
has thousands of peers, of which some rekey every moment, does little else otherwise.
A new file takes the place of the former one when it is complete.

Sessions are written once, at an orderly end.
"""

from __future__ import annotations

import logging
import mmap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

from netstart_wg.engine.descriptor_store import DescriptorStore, Stored
from netstart_wg.engine.memory_file import MemoryFile
from netstart_wg.engine.notify import PATIENCE_SECONDS
from netstart_wg.model.now import NANOSECONDS_PER_SECOND
from netstart_wg.model.saved import SavedDevice
from netstart_wg.protocol.device import PEERS_AT_ONCE, Device
from netstart_wg.uapi.saved import TAIL, encode_head, encode_peer, encode_sessions

log = logging.getLogger(__name__)

LIVED_NS = 10 * NANOSECONDS_PER_SECOND
"""Who has lived so long has not been brought down by what was restored."""

_REST = 19
"""So many times the work: a twentieth of the time, at most, goes into it."""
_LEAST_REST_NS = NANOSECONDS_PER_SECOND // 20
_LONG_REST_NS = 10 * NANOSECONDS_PER_SECOND
"""Between two tries of what is refused."""


class Preservation:
    """See above."""

    def __init__(
        self,
        store: DescriptorStore,
        device: Device,
        sockets_namespace: Callable[[], int | None],
        born_ns: int,
        restorations: int = 0,
    ) -> None:
        """Take how often in short succession this engine's state was restored after a crash."""
        self._store = store
        self._device = device
        self._sockets_namespace = sockets_namespace
        self._restorations = restorations
        self._proven_ns = born_ns + LIVED_NS
        self._writing: _Writing | None = None
        self._written: int | None = None
        """The device's revision that the store has."""
        self._rest_until_ns = 0
        self._resident: mmap.mmap | None = None

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to do, boot-time ns, or None."""
        if not self._store.is_there:
            return None
        if self._writing is not None or self._device.revision != self._written:
            return self._rest_until_ns
        return self._proven_ns if self._restorations else None

    def advance(self, now_ns: int) -> None:
        """Write on, if it is time."""
        if self._restorations and now_ns >= self._proven_ns:
            self._restorations, self._written = 0, None
        due_ns = self.due_ns
        if due_ns is None or now_ns < due_ns:
            return
        writing, self._writing = self._writing, None
        if writing is not None and writing.configurations != self._device.configurations:
            writing.close()  # half of it is from before
            writing = None
        try:
            writing = self._begin() if writing is None else writing
            if not writing.go_on(PEERS_AT_ONCE):
                self._writing = writing
                return
            self._rest_until_ns = now_ns + max(_LEAST_REST_NS, _REST * writing.took_ns)
            self._replace(writing, patience_seconds=0.0)
        except OSError as error:
            log.error("its configuration cannot be kept for a successor: %s", error.strerror)
            self._rest_until_ns = now_ns + _LONG_REST_NS

    def hand_over(self) -> None:
        """Leave everything, sessions too, to a successor.

        After the last packet, and before everything is closed.  Raise OSError.
        """
        self._restorations = 0
        writing = self._begin()
        writing.go_on(None)
        self._replace(writing, patience_seconds=PATIENCE_SECONDS)
        sessions = MemoryFile("netstart-wgd sessions")
        try:
            for piece in encode_sessions(self._device.save_sessions()):
                sessions.write(piece)
            sessions.seal(can_be_emptied=True)
            self._store.keep(Stored.SESSIONS, [sessions.descriptor])
        finally:
            sessions.close()

    def close(self) -> None:
        """Write no more."""
        if self._writing is not None:
            self._writing.close()
        if self._resident is not None:
            self._resident.close()

    def _begin(self) -> _Writing:
        saved = SavedDevice(
            state=self._device.own_state(),
            sockets_namespace=self._sockets_namespace(),
            restorations=self._restorations,
        )
        return _Writing(self._device, saved)

    def _replace(self, writing: _Writing, patience_seconds: float) -> None:
        """Let the store have what was written; raise OSError."""
        with closing(writing):
            resident = writing.file.resident()
            if not self._store.keep(Stored.STATE, [writing.file.descriptor], patience_seconds):
                resident.close()
                return
            self._written = writing.revision
            former, self._resident = self._resident, resident
            if former is not None:
                former.close()


class _Writing:
    """A state on its way into a file."""

    def __init__(self, device: Device, head: SavedDevice) -> None:
        self.revision = device.revision
        self.configurations = device.configurations
        self.took_ns = 0
        self.file = MemoryFile("netstart-wgd state")
        self._pieces = self._pieces_of(device, head)

    def close(self) -> None:
        self.file.close()

    def go_on(self, peers: int | None) -> bool:
        """Write so many peers; return whether it is complete, and sealed then."""
        begin_ns = time.monotonic_ns()
        try:
            pieces = list(islice(self._pieces, peers))
            self.file.write("".join(pieces))
            if peers is not None and len(pieces) == peers:
                return False
            self.file.write(TAIL)
            self.file.seal()
        except OSError:
            self.close()
            raise
        finally:
            self.took_ns += time.monotonic_ns() - begin_ns
        return True

    @staticmethod
    def _pieces_of(device: Device, head: SavedDevice) -> Iterator[str]:
        yield encode_head(head)
        for peer in device.save_peers():
            yield encode_peer(peer)
