"""Somebody else's interface in the way, and the word to remove it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WG, WIREGUARD_GO, new_key_pair, show
from tests.netns.hosts import Host, hosts


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosts(tmp_path_factory.mktemp("hosts")) as make:
        yield make("solo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "hostname.wg0"
    file.touch(mode=0o600)
    file.write_text(f"wgkey {new_key_pair().private} wgport 51820\ninet 10.0.0.1/24\n")
    return tmp_path


def assert_ours_after_takeover(host: Host, folder: Path) -> None:
    refused = host.attempt(NETSTART_WG, "-C", str(folder))
    assert refused.returncode == 1, refused
    assert "not ours" in refused.stderr
    assert "--allow takeover" in refused.stderr
    host.run(NETSTART_WG, "-C", str(folder), "--allow", "takeover")
    assert show(host, "wg0").listen_port == 51820
    assert "inet 10.0.0.1" in host.run(NETSTART_WG, "status", "wg0")
    assert host.attempt(NETSTART_WG, "-n", "-C", str(folder)).returncode == 0


def test_another_engine_in_user_space_ends(host: Host, folder: Path) -> None:
    other = WIREGUARD_GO.start(host, "wg0")
    assert_ours_after_takeover(host, folder)
    other.wait()


def test_an_interface_of_another_kind_goes(host: Host, folder: Path) -> None:
    host.run("ip", "tuntap", "add", "wg0", "mode", "tun")
    assert_ours_after_takeover(host, folder)


def test_with_the_word_an_interface_of_ours_is_like_any(host: Host, folder: Path) -> None:
    host.run(NETSTART_WG, "-C", str(folder))
    before = host.run("ip", "-o", "link", "show", "wg0")
    host.run(NETSTART_WG, "-C", str(folder), "--allow", "takeover")
    assert host.run("ip", "-o", "link", "show", "wg0") == before
