"""Which engine an interface is to have."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from netstart_wg.app.system import Machine
from netstart_wg.errors import BackendError
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.settings import EngineChoice, InterfaceSettings
from netstart_wg.model.state import InterfaceState


def with_engine(
    config: InterfaceConfig,
    settings: InterfaceSettings,
    running: InterfaceState | None,
    machine: Machine,
) -> InterfaceConfig:
    """Add which engine the settings ask for; again changes nothing.

    Raise BackendError for one that cannot be made here: there is no other in its
    place.  Who leaves it to the machine keeps the one that is there.
    """
    if not config.exists or config.wireguard.engine is not None:
        return config
    present = running.wireguard.kind if running and running.wireguard else None
    kind = _kind(settings.engine, present, machine)
    if kind is not present and (obstacle := machine.backend.obstacle(kind)) is not None:
        raise BackendError("create", config.name, obstacle)
    return replace(config, wireguard=replace(config.wireguard, engine=kind))


def _kind(choice: EngineChoice, present: EngineKind | None, machine: Machine) -> EngineKind:
    match choice:
        case EngineChoice.EMBEDDED:
            return EngineKind.EMBEDDED
        case EngineChoice.KERNEL:
            return EngineKind.KERNEL
        case EngineChoice.AUTO:
            if present is not None:
                return present
            has_kernels = machine.backend.obstacle(EngineKind.KERNEL) is None
            return EngineKind.KERNEL if has_kernels else EngineKind.EMBEDDED
        case _:
            assert_never(choice)
