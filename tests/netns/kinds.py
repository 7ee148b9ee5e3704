"""What netstart-wg.toml can choose for the interfaces of a test: their engine.

A test of netstart-wg that asks for the fixture `kind` is run with each kind that this
machine's kernel has: everywhere with our own engine, in the virtual machine
(`make check-vm`) with the kernel's, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from netstart_wg.model.engine import EngineKind
from tests.backends.kernel import kernel_has_wireguard


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    engine: EngineKind = EngineKind.EMBEDDED

    def __str__(self) -> str:
        return self.engine.value

    @property
    def is_kernels(self) -> bool:
        return self.engine is EngineKind.KERNEL

    @property
    def keeps_sessions_when_down(self) -> bool:
        """And so while an interface goes from one namespace to another."""
        return not self.is_kernels

    def choose(self, folder: Path, more: str = "") -> None:
        """Write netstart-wg.toml, unless it is what there is without one."""
        if self != EMBEDDED or more:
            engine = f'engine = "{self.engine.value}"\n'
            (folder / "netstart-wg.toml").write_text(engine + more)


EMBEDDED = Kind()
ENGINES = (EMBEDDED, *([Kind(engine=EngineKind.KERNEL)] if kernel_has_wireguard() else []))

only_our_own_engine = pytest.mark.parametrize("kind", [EMBEDDED], indirect=True, ids=str)
"""Of a test of what the kernel's has not: a process, a socket file."""
