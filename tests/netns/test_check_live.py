"""Damage done by hand to a tunnel that runs: told of as drift, and repaired by the next run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from tests.netns.engines import NETSTART_WG, new_key_pair
from tests.netns.hosts import hosts
from tests.netns.test_netstart import LEFT_ADDRESSES, Machine, Network, new_network
from tests.netns.waiting import eventually

ROUTE = "!route add 10.7.0.0/16 10.0.0.2"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A tunnel with traffic, for all tests: each leaves it repaired."""
    folder = tmp_path_factory.mktemp("network")
    with hosts(folder) as new_host:
        network = new_network(new_host, folder)
        network.write_both()
        network.left.write(network.right_as_peer().hostname_line(), *LEFT_ADDRESSES, ROUTE)
        network.start_both()
        yield network


def check(machine: Machine) -> tuple[int, str]:
    """Return the exit status, and all that is said; no secret may be in it."""
    command = (NETSTART_WG, "check", "--live", "-C", str(machine.folder), "wg0")
    done = machine.host.attempt(*command)
    assert machine.keys.private not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def remove_the_peer(network: Network) -> str:
    peer = network.right.keys.public
    network.left.host.run("wg", "set", "wg0", "peer", peer, "remove")
    return f"missing: wgpeer {peer} "


def add_an_address(network: Network) -> str:
    network.left.host.run("ip", "address", "add", "10.99.0.1/24", "dev", "wg0")
    return "extra: inet 10.99.0.1/24"


def delete_the_route(network: Network) -> str:
    network.left.host.run("ip", "route", "delete", "10.7.0.0/16")
    return "missing: !route add 10.7.0.0/16 10.0.0.2 (line 6)"


def change_the_key(network: Network) -> str:
    other = network.left.folder / "other.key"
    other.touch(mode=0o600)
    other.write_text(new_key_pair().private + "\n")
    network.left.host.run("wg", "set", "wg0", "private-key", str(other))
    return "other: wgkey (hidden) (line 1)"


def kill_the_engine(network: Network) -> str:
    host = network.left.host
    (engine,) = host.processes("netstart_wgd")
    os.kill(engine, signal.SIGKILL)
    eventually(lambda: not host.has_interface("wg0"))
    return "the interface is not there"


DAMAGES = (remove_the_peer, add_an_address, delete_the_route, change_the_key, kill_the_engine)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_by_hand_is_drift_and_the_next_run_repairs_it(
    network: Network, damage: Callable[[Network], str]
) -> None:
    left = network.left
    assert check(left) == (0, "")
    told = damage(network)
    status, text = check(left)
    assert status == 2
    (line,) = text.splitlines()
    assert line.startswith(f"wg0: drift: {told}")
    assert left.netstart().returncode == 0
    assert check(left) == (0, "")
    assert eventually(network.is_connected)


def test_programs_are_told_of_drift_in_the_object_that_is_described(network: Network) -> None:
    left = network.left
    schema = json.loads((files("netstart_wg.render") / "plan.schema.json").read_text())

    def told(status: int, *options: str) -> dict[str, str]:
        """Return the outcome and the reasons of the differences, by subject."""
        result = left.host.attempt(NETSTART_WG, *options, "-C", str(left.folder))
        assert result.returncode == status, result
        document = json.loads(result.stdout)
        jsonschema.validate(document, schema)
        assert left.keys.private not in result.stdout
        assert document["exit_status"] == status
        (interface,) = document["interfaces"]
        reasons = {each["what"]: each["reason"] for each in interface["differences"]}
        return {"outcome": interface["outcome"], **reasons}

    check = ("check", "--live", "--json")
    assert told(0, *check) == {"outcome": "in sync"}
    add_an_address(network)
    drift = {"inet 10.99.0.1/24": "drift"}
    assert told(2, *check) == told(2, "-n", "--json") == {"outcome": "different", **drift}
    assert told(0, "--json") == {"outcome": "changed", **drift}
    assert told(0, "--json") == {"outcome": "in sync"}


def test_what_the_file_says_anew_is_pending(network: Network) -> None:
    left = network.left
    before = left.file.read_bytes()
    left.write_bytes(before + b"mtu 1380\n")
    status, text = check(left)
    assert status == 2
    assert text == "wg0: pending: mtu 1420 instead of mtu 1380 (line 7)\n"
    left.write_bytes(before)
    assert check(left) == (0, "")


def test_a_file_that_is_wrong_is_an_error_and_no_difference(
    network: Network, tmp_path: Path
) -> None:
    (tmp_path / "hostname.wg0").write_text("mtu many\n")
    (tmp_path / "hostname.wg0").chmod(0o600)
    checked = network.left.host.attempt(NETSTART_WG, "check", "--live", "-C", str(tmp_path))
    assert checked.returncode == 65
