from __future__ import annotations

import json
from pathlib import Path

import pytest

from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.app.status import NoSuchInterfaceError, print_status, print_status_json
from netstart_wg.errors import BackendError, ExitStatus
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, LAPTOP, PRESHARED_KEY, PRIVATE_KEY, write


@pytest.fixture
def hub(here: MachineInMemory, folder: Path) -> MachineInMemory:
    """A machine with wg0 as the file of `test_netstart` has it."""
    write(folder, HUB)
    assert netstart(folder, (), Options(), here.machine, Lines()) is ExitStatus.OK
    here.system.sockets.add("wg0")
    here.journal.writes.clear()
    return here


def test_a_named_interface_is_shown(hub: MachineInMemory, lines: Lines) -> None:
    assert print_status("wg0", hub.machine, lines) is ExitStatus.OK
    (text,) = lines.said
    assert text.startswith("wg0: flags=1091<UP,POINTOPOINT,NOARP,MULTICAST> mtu 1420\n")
    assert f"\n\twgpeer {LAPTOP}\n" in text
    assert text.endswith("\tinet 10.0.0.1 netmask 0xffffff00")
    assert hub.journal.writes == []


def test_no_secret_is_shown(hub: MachineInMemory, lines: Lines) -> None:
    print_status("wg0", hub.machine, lines)
    print_status_json("wg0", hub.machine, lines)
    text = "\n".join(lines.said)
    for secret in (PRIVATE_KEY, PRESHARED_KEY):
        assert secret.to_base64() not in text
        assert secret.to_hex() not in text


def test_without_a_name_every_engine_of_ours_is_shown(
    hub: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB, "wg1")
    netstart(folder, ("wg1",), Options(), hub.machine, Lines())
    hub.links.add("wg2")
    hub.engines.foreign.add("wg2")
    hub.links.add("eth0")
    hub.system.sockets |= {"wg1", "wg2", "wg3"}  # wg3's has outlived its interface
    assert print_status(None, hub.machine, lines) is ExitStatus.OK
    assert [text.partition(":")[0] for text in lines.said] == ["wg0", "wg1"]


@pytest.mark.parametrize("name", [None, "wg"])
def test_an_engine_that_does_not_answer_hides_none_of_the_others(
    hub: MachineInMemory, folder: Path, lines: Lines, name: str | None
) -> None:
    write(folder, HUB, "wg2")
    netstart(folder, ("wg2",), Options(), hub.machine, Lines())
    hub.engines.silent.add("wg1")
    hub.system.sockets |= {"wg1", "wg2"}
    assert print_status(name, hub.machine, lines) is ExitStatus.FAILED
    assert [text.partition(":")[0] for text in lines.said] == ["wg0", "wg2"]
    assert lines.warnings == ["wg1: ask the engine: no answer within 3 seconds"]

    assert print_status_json(name, hub.machine, lines) is ExitStatus.FAILED
    interfaces = json.loads(lines.said[-1])["interfaces"]
    assert [interface["name"] for interface in interfaces] == ["wg0", "wg2"]


def test_an_engine_asked_for_by_name_is_given_more_time(hub: MachineInMemory, lines: Lines) -> None:
    hub.engines.silent.add("wg1")
    with pytest.raises(BackendError, match=r"^wg1: ask the engine: no answer within 20 seconds$"):
        print_status("wg1", hub.machine, lines)


def test_no_engine_at_all_is_nothing_to_show(here: MachineInMemory, lines: Lines) -> None:
    assert print_status(None, here.machine, lines) is ExitStatus.OK
    assert lines.said == []


def test_an_unknown_interface_is_an_error(here: MachineInMemory, lines: Lines) -> None:
    for use_case in (print_status, print_status_json):
        with pytest.raises(NoSuchInterfaceError, match=r"^wg9: no such interface$") as caught:
            use_case("wg9", here.machine, lines)
        assert caught.value.exit_status is ExitStatus.FAILED
    assert lines.said == []


def test_without_root_the_engine_is_not_asked(hub: MachineInMemory, lines: Lines) -> None:
    hub.system.has_root = False
    assert print_status("wg0", hub.machine, lines) is ExitStatus.OK
    assert lines.said == [
        "wg0: flags=1091<UP,POINTOPOINT,NOARP,MULTICAST> mtu 1420\n"
        "\tindex 2\n"
        "\tgroups: wg\n"
        "\tinet 10.0.0.1 netmask 0xffffff00"
    ]
    assert print_status(None, hub.machine, lines) is ExitStatus.OK
    assert lines.said[0] == lines.said[1]


def test_another_programs_interface_is_shown_without_its_engine(
    here: MachineInMemory, lines: Lines
) -> None:
    here.links.add("wg7")
    here.engines.foreign.add("wg7")
    here.system.sockets.add("wg7")
    here.links.add("eth0")
    print_status("wg7", here.machine, lines)
    print_status("eth0", here.machine, lines)
    assert lines.said[0].endswith("\tindex 2\n\tgroups: wg")
    assert lines.said[1].endswith("\tindex 3")


def test_json_is_one_object_for_all(hub: MachineInMemory, lines: Lines) -> None:
    assert print_status_json(None, hub.machine, lines) is ExitStatus.OK
    (text,) = lines.said
    document = json.loads(text)
    assert document["schema"] == "netstart-wg/status/1"
    (interface,) = document["interfaces"]
    assert interface["engine"]["peers"][0]["public_key"] == LAPTOP
