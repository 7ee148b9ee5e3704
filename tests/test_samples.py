"""The samples in etc/: they are what they seem, and nobody could mistake their keys for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.settings import Settings
from netstart_wg.settings.read import OF_ALL, OF_ONE, read_settings
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText

ETC = Path(__file__).parent.parent / "etc"
SAMPLES = sorted(ETC.glob("hostname.wg*.sample"))


def public_key_of(private_key: PrivateKey) -> PublicKey:
    """Stand in for the real thing: a fake key belongs to no peer in the files."""
    return PublicKey(private_key.to_bytes())


def read(path: Path) -> InterfaceConfig:
    lowered = lower(parse(SourceText.read(path), "wg0"), "wg0", public_key_of)
    assert lowered.warnings == ()
    return lowered.config


def test_there_is_a_server_and_a_road_warrior() -> None:
    assert [path.name for path in SAMPLES] == [
        "hostname.wg0.road-warrior.sample",
        "hostname.wg0.server.sample",
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_asks_for_a_whole_tunnel(path: Path) -> None:
    config = read(path)
    assert config.wireguard.private_key is not None
    assert config.wireguard.peers
    assert all(peer.allowed_ips and peer.description for peer in config.wireguard.peers)
    assert {address.version for address in config.addresses} == {4, 6}
    assert config.is_up
    (route,) = config.routes
    assert str(route.key.destination) == "10.1.0.0/16"
    (gateway,) = [hop.gateway for hop in route.next_hops]
    allowed_ips = [network for peer in config.wireguard.peers for network in peer.allowed_ips]
    assert any(gateway in network for network in allowed_ips)
    assert not config.commands


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_key_says_that_it_is_a_fake(path: Path) -> None:
    keys = re.findall(r"\b(?:wgkey|wgpeer|wgpsk) (\S+)", path.read_text())
    assert len(keys) >= 2
    assert all(key.startswith("FAKE/") for key in keys)


def test_the_two_samples_fit_each_other() -> None:
    road_warrior, server = (read(path) for path in SAMPLES)
    (to_server,) = road_warrior.wireguard.peers
    laptop, _ = server.wireguard.peers
    assert {address.ip for address in road_warrior.addresses} == {
        network.network_address for network in laptop.allowed_ips
    }
    assert to_server.endpoint is not None
    assert to_server.endpoint.port == server.wireguard.listen_port
    for address in server.addresses:
        assert any(address.ip in network for network in to_server.allowed_ips)


# ---- netstart-wg.toml ----

SETTINGS = ETC / "netstart-wg.toml.sample"


def uncommented() -> str:
    """Return the sample without the # of what is a setting; before a comment is a blank."""
    return re.sub(r"^#(?=\S)", "", SETTINGS.read_text(), flags=re.M)


def test_the_sample_settings_ask_for_nothing() -> None:
    assert read_settings(SourceText.read(SETTINGS)) == Settings()


def test_what_the_sample_says_of_all_interfaces_are_the_defaults() -> None:
    settings = read_settings(SourceText.from_text("sample", uncommented()))
    assert settings.default == Settings().default
    assert settings.interfaces.keys() == {"wg0", "wg1"}
    assert settings.interfaces["wg0"].key_file is not None
    assert settings.interfaces["wg1"].credential == "wg1"
    assert settings.rdomains.keys() == {1, 2}


def test_the_sample_names_every_setting() -> None:
    assert set(re.findall(r"^#?([a-z_-]+) =", uncommented(), re.M)) == {*OF_ALL, *OF_ONE}
