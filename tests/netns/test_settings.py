"""What netstart-wg.toml asks for, in a host: keys in files, strict commands, what is foreign."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.netns.engines import NETSTART_WG, KeyPair, new_key_pair, show
from tests.netns.hosts import Host, HostMaker


@dataclass(frozen=True, slots=True)
class Machine:
    """A host with a folder of its own for all files."""

    host: Host
    folder: Path
    said: list[str] = field(default_factory=list)
    """All that was ever said."""

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_text(text)
        return path

    def netstart(
        self, *options: str, environment: dict[str, str] | None = None
    ) -> CompletedProcess[str]:
        command = (NETSTART_WG, "-v", "-C", str(self.folder), *options)
        done = self.host.attempt(*command, environment=environment)
        self.said.append(done.stdout + done.stderr)
        return done

    def netstart_well(self, *options: str) -> str:
        done = self.netstart(*options)
        assert done.returncode == 0, done
        return done.stdout + done.stderr

    def addresses(self) -> list[str]:
        text = self.host.run("ip", "-j", "-4", "address", "show", "dev", "wg0")
        (link,) = json.loads(text)
        return [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]]

    def assert_nobody_told(self, *keys: KeyPair) -> None:
        """Look for private keys in all that was said, and in all that is remembered."""
        kept = self.host.run("sh", "-c", "cat /run/netstart-wg/*")
        for pair in keys:
            assert pair.private not in "".join(self.said) + kept


@pytest.fixture
def machine(new_host: HostMaker, tmp_path: Path) -> Machine:
    folder = tmp_path / "etc"
    folder.mkdir()
    return Machine(new_host("settings"), folder)


def test_a_key_in_a_file_of_its_own(machine: Machine) -> None:
    first, second = new_key_pair(), new_key_pair()
    key = machine.write("wg0.key", f"{first.private}\n", mode=0o640)
    machine.write("hostname.wg0", "wgport 51820\ninet 10.0.0.1/24\n")
    machine.write("netstart-wg.toml", f'[interface.wg0]\nkey_file = "{key}"\n', mode=0o644)
    machine.netstart_well()
    assert show(machine.host, "wg0").private_key == first.private
    assert machine.netstart_well() == ""

    key.write_text(f"{second.private}\n")
    assert machine.netstart().returncode == 1, "another key is a guard's concern"
    machine.netstart_well("--allow", "key")
    assert show(machine.host, "wg0").private_key == second.private

    key.chmod(0o644)
    refused = machine.netstart()
    assert refused.returncode == 1
    assert "--allow readable-secret" in refused.stderr
    assert machine.netstart_well("--allow", "readable-secret") == ""

    key.chmod(0o600)
    machine.write("netstart-wg.toml", '[interface.wg0]\ncredential = "wg0.key"\n', mode=0o644)
    without = machine.netstart()
    assert without.returncode == 65
    assert "there is no $CREDENTIALS_DIRECTORY" in without.stderr
    handed_in = machine.netstart(environment={"CREDENTIALS_DIRECTORY": str(machine.folder)})
    assert (handed_in.returncode, handed_in.stdout, handed_in.stderr) == (0, "", "")

    machine.write("hostname.wg0", f"wgport 51820\nwgkey {first.private}\n")
    both = machine.netstart(environment={"CREDENTIALS_DIRECTORY": str(machine.folder)})
    assert both.returncode == 65
    assert f"hostname.wg0:2:1: wgkey, and another private key at {machine.folder}" in both.stderr
    machine.assert_nobody_told(first, second)


def test_a_broken_file_stops_everything(machine: Machine) -> None:
    keys = new_key_pair()
    machine.write("hostname.wg0", "inet 10.0.0.1/24\n")
    machine.write("netstart-wg.toml", f'[interface.wg0]\nwgkey = "{keys.private}"\n', mode=0o606)
    for options in ((), ("-n",)):
        done = machine.netstart(*options)
        assert done.returncode == 65
        assert 'netstart-wg.toml:2:1: unknown key "wgkey"' in done.stderr
    assert "netstart-wg.toml is insecure, fixing permissions." in machine.said[0]
    assert (machine.folder / "netstart-wg.toml").stat().st_mode & 0o777 == 0o604
    assert not machine.host.has_interface("wg0")
    assert keys.private not in "".join(machine.said)


def test_a_strict_command_that_fails_leaves_everything_as_it_was(machine: Machine) -> None:
    machine.write("netstart-wg.toml", "strict-commands = true\n", mode=0o644)
    machine.write("hostname.wg0", "inet 10.0.0.1/24\n!false\n")
    failed = machine.netstart()
    assert failed.returncode == 1
    assert "wg0: strict-commands: command failed: exit status 1: !false" in failed.stderr
    assert not machine.host.has_interface("wg0")

    machine.write("hostname.wg0", "inet 10.0.0.1/24\n!true\n")
    machine.netstart_well()
    machine.write("hostname.wg0", "inet 10.0.0.1/24\nmtu 1300\ninet alias 10.1.0.1/24\n!false\n")
    assert machine.netstart().returncode == 1
    assert machine.addresses() == ["10.0.0.1/24"]
    assert machine.host.run("cat", "/sys/class/net/wg0/mtu").strip() == "1420"
    assert "everything is again as it was" in machine.said[-1]


def test_what_others_have_added_stays_if_that_is_wanted(machine: Machine) -> None:
    ours, leaving, theirs = (new_key_pair() for _ in range(3))
    peers = [f"wgpeer {each.public} wgaip 10.0.0.0/8\n" for each in (ours, leaving)]
    machine.write("netstart-wg.toml", 'foreign = "keep"\n', mode=0o644)
    machine.write("hostname.wg0", "".join(peers) + "inet 10.0.0.1/24\ninet alias 10.1.0.1/24\n")
    machine.netstart_well()
    machine.host.run("wg", "set", "wg0", "peer", theirs.public, "allowed-ips", "10.7.0.0/16")
    machine.host.run("ip", "address", "add", "10.9.0.1/24", "dev", "wg0")
    assert machine.netstart_well() == machine.netstart_well() == ""

    machine.write("hostname.wg0", f"{peers[0]}inet 10.0.0.1/24\n")
    machine.netstart_well()
    shown = show(machine.host, "wg0").peers
    assert {key: peer.allowed_ips for key, peer in shown.items()} == {
        ours.public: ("10.0.0.0/8",),
        theirs.public: ("10.7.0.0/16",),
    }
    assert machine.addresses() == ["10.0.0.1/24", "10.9.0.1/24"]

    (machine.folder / "netstart-wg.toml").unlink()
    machine.netstart_well()
    assert set(show(machine.host, "wg0").peers) == {ours.public}
    assert machine.addresses() == ["10.0.0.1/24"]
