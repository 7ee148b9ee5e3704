from __future__ import annotations

import pytest

from netstart_wg.app.observe import observe
from netstart_wg.errors import NotOursError
from netstart_wg.model.state import WireGuardState
from tests.app.machine_in_memory import MachineInMemory


def test_an_interface_is_observed_with_its_engine(here: MachineInMemory) -> None:
    here.engines.create("wg0")
    state = observe("wg0", here.machine)
    assert state is not None
    assert state.wireguard == here.engines.state("wg0")


def test_nothing_is_none(here: MachineInMemory) -> None:
    assert observe("wg0", here.machine) is None


def test_an_interface_that_appears_while_one_looks_is_no_strangers(
    here: MachineInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run creates it between the question to the engine and the one to netlink."""
    look = here.engines.state

    def create_after_the_first_look(interface: str) -> WireGuardState | None:
        before = look(interface)
        if before is None:
            here.engines.create(interface)
        return before

    monkeypatch.setattr(here.engines, "state", create_after_the_first_look)
    assert observe("wg0", here.machine) is not None


def test_an_interface_that_stays_without_engine_is_not_ours(here: MachineInMemory) -> None:
    here.links.add("wg0")
    with pytest.raises(NotOursError, match="exists and is not ours"):
        observe("wg0", here.machine)
