"""The service manager's store of file descriptors: what it keeps open while an engine is not there.

systemd keeps a copy of each descriptor that it is sent with FDSTORE=1 (sd_notify(3),
FileDescriptorStoreMax= of systemd.service(5)) and hands all of them to the next
process of the service, by LISTEN_FDS (sd_listen_fds(3)).  When the service has
ended for good it closes them.

Of each kind of thing there is one at a time.  Its name has a number that grows:
the new one is stored before the former one is removed, so that whoever is killed
in between leaves both, and the greater number counts.
"""

from __future__ import annotations

import enum
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from netstart_wg.engine.notify import PATIENCE_SECONDS, ServiceManager

FIRST_DESCRIPTOR: Final = 3
"""SD_LISTEN_FDS_START."""

_NAME = re.compile(r"([a-z]+)\.([0-9]{1,18})")


class Stored(enum.Enum):
    """What is kept; the values are the beginnings of names, which `FDNAME` allows no colon in."""

    TUN = "tun"
    UDP = "udp"
    """Both families."""
    STATE = "state"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Inherited:
    """What was in the store when this process was started."""

    descriptors: Mapping[Stored, tuple[int, ...]] = field(default_factory=dict)
    """Of each kind the latest."""
    names: Mapping[Stored, str] = field(default_factory=dict)
    obsolete: tuple[str, ...] = ()
    """Names of what is in the store and good for nothing."""
    generation: int = 0
    """The greatest number in a name."""

    @property
    def is_empty(self) -> bool:
        """Whether this process succeeds nobody."""
        return not self.descriptors

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Inherited:
        """Read LISTEN_FDS and its sisters; close what is good for nothing."""
        count = environment.get("LISTEN_FDS", "")
        if environment.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
            return cls()
        numbers = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))
        names = environment.get("LISTEN_FDNAMES", "").split(":")
        by_name: dict[str, list[int]] = defaultdict(list)
        for number, name in zip(numbers, names, strict=False):
            os.set_inheritable(number, False)
            by_name[name].append(number)
        return cls._latest_of(by_name)

    @classmethod
    def _latest_of(cls, by_name: Mapping[str, Sequence[int]]) -> Inherited:
        kinds = {each.value: each for each in Stored}
        latest: dict[Stored, tuple[int, str]] = {}
        for name in by_name:
            match = _NAME.fullmatch(name)
            if match is not None and match[1] in kinds:
                kind = kinds[match[1]]
                latest[kind] = max(latest.get(kind, (-1, "")), (int(match[2]), name))
        names = {kind: name for kind, (_, name) in latest.items()}
        obsolete = [name for name in by_name if name not in names.values()]
        for name in obsolete:
            close_all(by_name[name])
        return cls(
            descriptors={kind: tuple(by_name[name]) for kind, name in names.items()},
            names=names,
            obsolete=tuple(obsolete),
            generation=max((number for number, _ in latest.values()), default=0),
        )


class DescriptorStore:
    """What this process has there."""

    def __init__(self, service_manager: ServiceManager, inherited: Inherited | None = None) -> None:
        """Take what was there before; what was good for nothing is removed."""
        inherited = Inherited() if inherited is None else inherited
        self._service_manager = service_manager
        self._names = dict(inherited.names)
        self._generation = inherited.generation
        self._obsolete = list(inherited.obsolete)
        self._remove_obsolete(PATIENCE_SECONDS)

    @property
    def is_there(self) -> bool:
        """Whether there is anybody to keep things."""
        return self._service_manager.is_there

    def has(self, kind: Stored) -> bool:
        """Say whether one of that kind is kept."""
        return kind in self._names

    def keep(
        self, kind: Stored, descriptors: Iterable[int], patience_seconds: float = PATIENCE_SECONDS
    ) -> bool:
        """Keep copies of these instead of what was kept of that kind; return whether that went out.

        What was kept before need not be closed yet: see `wait`.
        """
        name = f"{kind.value}.{self._generation + 1}"
        lines = ["FDSTORE=1", f"FDNAME={name}"]
        if kind is not Stored.TUN:
            # an error that waits in a socket does not mean that it is gone, as it does of a TUN
            lines.append("FDPOLL=0")
        was_sent = self._service_manager.send(
            *lines, descriptors=list(descriptors), patience_seconds=patience_seconds
        )
        if was_sent:
            self._generation += 1
            self._discard(kind, patience_seconds)
            self._names[kind] = name
        return was_sent

    def remove(self, *kinds: Stored) -> None:
        """Keep nothing of these kinds any more."""
        for kind in kinds:
            self._discard(kind, PATIENCE_SECONDS)

    def wait(self) -> None:
        """Return when what was removed is closed, which is when its port is free, or soon."""
        if self.is_there:
            self._service_manager.wait_until_heard()

    def _discard(self, kind: Stored, patience_seconds: float) -> None:
        name = self._names.pop(kind, None)
        if name is not None:
            self._obsolete.append(name)
        self._remove_obsolete(patience_seconds)

    def _remove_obsolete(self, patience_seconds: float) -> None:
        """Remove what was replaced; what finds no room is removed the next time."""
        self._obsolete = [
            name
            for name in self._obsolete
            if not self._service_manager.send(
                "FDSTOREREMOVE=1", f"FDNAME={name}", patience_seconds=patience_seconds
            )
        ]


def close_all(descriptors: Iterable[int]) -> None:
    """Close them, whatever they are."""
    for each in descriptors:
        with suppress(OSError):
            os.close(each)
