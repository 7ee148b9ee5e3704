"""When a run need not find again that there is nothing to do, on a machine in memory."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory

KEY = PrivateKey(bytes(range(32)))
PEER = derive_public_key(PrivateKey(bytes(range(1, 33))))
OTHER = derive_public_key(PrivateKey(bytes(range(2, 34))))

HUB = f"""\
wgkey {KEY.to_base64()} wgport 51820
wgpeer {PEER.to_base64()} wgendpoint 192.0.2.1 51820 wgaip 10.0.0.2/32
inet 10.0.0.1/24
"""


def write(folder: Path, text: str, interface: str = "wg0") -> HostnamePath:
    path = folder / f"hostname.{interface}"
    path.write_text(text)
    path.chmod(0o600)
    return HostnamePath(interface, path)


def run(here: MachineInMemory, folder: Path) -> ExitStatus:
    return netstart(folder, (), Options(), here.machine, Lines())


def configure(here: MachineInMemory, change: PeerChange) -> None:
    here.engines.configure("wg0", DeviceChange(peers=(change,)))


def test_nothing_is_known_of_what_never_ran(here: MachineInMemory, folder: Path) -> None:
    assert not is_at_fixpoint(write(folder, HUB), here.machine)


def test_a_run_that_has_changed_something_leads_there(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB)
    assert run(here, folder) is ExitStatus.OK
    assert is_at_fixpoint(file, here.machine)


def test_so_does_one_that_finds_nothing_to_do(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB)
    run(here, folder)
    here.system.fixpoints.clear()
    assert not is_at_fixpoint(file, here.machine)
    run(here, folder)
    assert is_at_fixpoint(file, here.machine)


def test_the_peers_of_an_engine_at_its_fixpoint_are_not_read(
    here: MachineInMemory, folder: Path
) -> None:
    write(folder, HUB)
    run(here, folder)
    here.engines.times_read = 0
    assert run(here, folder) is ExitStatus.OK
    assert here.engines.times_read == 0


DAMAGE: dict[str, Callable[[MachineInMemory], object]] = {
    "another peer": lambda here: configure(here, PeerChange(public_key=OTHER)),
    "a peer less": lambda here: configure(here, PeerChange(public_key=PEER, remove=True)),
    "a keepalive": lambda here: configure(
        here, PeerChange(public_key=PEER, persistent_keepalive=1)
    ),
    "a prefix": lambda here: configure(
        here, PeerChange(public_key=PEER, add_allowed_ips=(ip_network("10.9.0.0/16"),))
    ),
    "the port": lambda here: here.engines.configure("wg0", DeviceChange(listen_port=1)),
    "the key": lambda here: here.engines.configure(
        "wg0", DeviceChange(private_key=PrivateKey(bytes(range(9, 41))))
    ),
    "an address": lambda here: here.system.links().add_address("wg0", ip_interface("10.8.0.1/24")),
    "the mtu": lambda here: here.system.links().set_mtu("wg0", 1300),
    "down": lambda here: here.system.links().bring_down("wg0"),
    "debug": lambda here: here.system.links().set_debug("wg0", True),
    "the description": lambda here: here.system.links().set_description("wg0", "x"),
    "a lost record": lambda here: here.system.records.pop("wg0"),
    "a damaged fixpoint": lambda here: here.system.fixpoints.update(wg0="no such\nthing x"),
    "an empty fixpoint": lambda here: here.system.fixpoints.update(wg0=""),
    "a foreign engine": lambda here: here.engines.foreign.add("wg0"),
    "a silent engine": lambda here: here.engines.silent.add("wg0"),
    "another name": lambda here: here.engines.renamed.add("wg0"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_whatever_else_runs_is_no_fixpoint(
    damage: Callable[[MachineInMemory], object], here: MachineInMemory, folder: Path
) -> None:
    file = write(folder, HUB)
    run(here, folder)
    assert is_at_fixpoint(file, here.machine)
    damage(here)
    assert not is_at_fixpoint(file, here.machine)


def test_what_was_damaged_is_mended_and_at_its_fixpoint_again(
    here: MachineInMemory, folder: Path
) -> None:
    file = write(folder, HUB)
    run(here, folder)
    configure(here, PeerChange(public_key=PEER, remove=True))
    assert run(here, folder) is ExitStatus.OK
    engine = here.engines.state("wg0")
    assert engine is not None
    assert [peer.public_key for peer in engine.peers] == [PEER]
    assert is_at_fixpoint(file, here.machine)


def test_a_peer_may_roam(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB)
    run(here, folder)
    here.engines.roam("wg0", PEER, Endpoint(ip_address("198.51.100.7"), 9))
    assert is_at_fixpoint(file, here.machine)


def test_any_edit_of_the_file_is_no_fixpoint(here: MachineInMemory, folder: Path) -> None:
    write(folder, HUB)
    run(here, folder)
    assert not is_at_fixpoint(write(folder, HUB + "# a comment\n"), here.machine)
    assert is_at_fixpoint(write(folder, HUB), here.machine)


def test_a_file_that_others_may_read_is_no_fixpoint(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB)
    run(here, folder)
    here.system.insecure_files.add(file.path)
    assert not is_at_fixpoint(file, here.machine)


def test_any_edit_of_the_settings_is_no_fixpoint(here: MachineInMemory, folder: Path) -> None:
    file, settings = write(folder, HUB), folder / "netstart-wg.toml"
    run(here, folder)
    for text in ("", "# a comment\n"):
        settings.write_text(text)
        assert not is_at_fixpoint(file, here.machine)
        assert run(here, folder) is ExitStatus.OK
        assert is_at_fixpoint(file, here.machine)
    settings.unlink()
    assert not is_at_fixpoint(file, here.machine)


def test_settings_that_others_may_write_are_no_fixpoint(
    here: MachineInMemory, folder: Path
) -> None:
    file, settings = write(folder, HUB), folder / "netstart-wg.toml"
    settings.write_text("")
    run(here, folder)
    here.system.writable_files.add(settings)
    assert not is_at_fixpoint(file, here.machine)


def test_a_file_that_has_gone_is_no_fixpoint(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB)
    run(here, folder)
    file.path.unlink()
    assert not is_at_fixpoint(file, here.machine)


def test_a_name_that_has_no_address_yet_is_asked_for_at_each_run(
    here: MachineInMemory, folder: Path
) -> None:
    text = HUB.replace("192.0.2.1 ", "vpn.example.net ")
    file = write(folder, text)
    for _ in range(2):
        assert run(here, folder) is ExitStatus.WARNINGS
        assert not is_at_fixpoint(file, here.machine)
    here.system.hosts["vpn.example.net"] = "192.0.2.9"
    assert run(here, folder) is ExitStatus.OK
    assert is_at_fixpoint(file, here.machine)


def test_the_name_of_a_service_may_change_its_number(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB.replace("192.0.2.1 51820", "192.0.2.1 ntp"))
    for _ in range(2):
        assert run(here, folder) is ExitStatus.OK
        assert not is_at_fixpoint(file, here.machine)


def test_two_files_that_disagree_about_a_route_do_so_at_each_run(
    here: MachineInMemory, folder: Path
) -> None:
    here.links.add("eth0")
    first = write(folder, HUB + "!route add 10.9.0.0/16 10.0.0.2\n")
    second = write(folder, "wgkey " + KEY.to_base64() + "\ninet 10.7.0.1/24\n"
                   "!route add 10.9.0.0/16 10.7.0.2\n", "wg1")  # fmt: skip
    for _ in range(2):
        assert run(here, folder) is ExitStatus.WARNINGS
        assert is_at_fixpoint(first, here.machine)
        assert not is_at_fixpoint(second, here.machine)


def test_a_route_that_was_deleted_is_no_fixpoint(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB + "!route add 10.9.0.0/16 10.0.0.2\n")
    assert run(here, folder) is ExitStatus.OK
    assert is_at_fixpoint(file, here.machine)
    (route,) = here.system.links().routes()
    here.system.links().remove_route("wg0", route)
    assert not is_at_fixpoint(file, here.machine)


def test_commands_that_have_run_are_part_of_it(here: MachineInMemory, folder: Path) -> None:
    file = write(folder, HUB + "!true\n")
    assert run(here, folder) is ExitStatus.OK
    assert run(here, folder) is ExitStatus.OK
    assert is_at_fixpoint(file, here.machine)


def test_one_interface_that_differs_has_all_of_them_looked_at(
    here: MachineInMemory, folder: Path
) -> None:
    write(folder, HUB)
    write(folder, "wgkey " + KEY.to_base64() + "\n", "wg1")
    run(here, folder)
    here.system.links().set_mtu("wg1", 1300)
    here.engines.times_read = 0
    assert run(here, folder) is ExitStatus.OK
    assert here.engines.times_read >= 2


def test_a_fixpoint_holds_no_secret(here: MachineInMemory, folder: Path) -> None:
    write(folder, HUB)
    run(here, folder)
    text = here.system.fixpoints["wg0"]
    assert KEY.to_base64() not in text
    assert KEY.to_hex() not in text
