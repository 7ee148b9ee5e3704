"""systemd-networkd, told to configure everything: it leaves alone what is ours, and no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WG, new_key_pair
from tests.netns.waiting import eventually

ROOT = Path(__file__).parents[3]
NETWORKS = Path("/run/systemd/network")
OURS = {
    "00-netstart-wg.network": "etc/networkd.network",
    "00-netstart-wg-kernel.network": "etc/networkd-kernel.network",
}
EVERYTHING = "[Match]\nName=wg*\n\n[Network]\nAddress=192.0.2.7/24\n"
PATIENCE_SECONDS = 60.0


def run(*command: str) -> str:
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return ran.stdout


def state(interface: str) -> str:
    """Return what networkd does about an interface: `unmanaged`, or another word."""
    return run("networkctl", "list", "--no-legend", "--no-pager", interface).split()[-1]


def addresses(interface: str) -> list[str]:
    shown = run("ip", "-o", "-4", "address", "show", "dev", interface)
    return [line.split()[3] for line in shown.splitlines()]


def is_configured(interface: str) -> bool:
    return "192.0.2.7/24" in addresses(interface)


@pytest.fixture
def networkd() -> Iterator[None]:
    NETWORKS.mkdir(parents=True, exist_ok=True)
    (NETWORKS / "50-everything.network").write_text(EVERYTHING)
    for name, source in OURS.items():
        (NETWORKS / name).write_text((ROOT / source).read_text())
    yield
    run("systemctl", "stop", "systemd-networkd.service", "systemd-networkd.socket")
    for path in NETWORKS.iterdir():
        path.unlink()


@pytest.mark.usefixtures("networkd")
def test_it_leaves_ours_alone_and_configures_wireguard_of_others(tmp_path: Path) -> None:
    for number in (5, 6):
        file = tmp_path / f"hostname.wg{number}"
        file.write_text(f"wgkey {new_key_pair().private}\ninet 10.{number}.0.1/24\n")
        file.chmod(0o600)
    (tmp_path / "netstart-wg.toml").write_text('[interface.wg6]\nengine = "kernel"\n')
    run("ip", "link", "add", "wg7", "type", "wireguard")
    try:
        run(NETSTART_WG, "-C", str(tmp_path))
        run("systemctl", "restart", "systemd-networkd.service")
        eventually(lambda: is_configured("wg7"), within=PATIENCE_SECONDS)
        assert (state("wg5"), state("wg6")) == ("unmanaged", "unmanaged")
        assert (addresses("wg5"), addresses("wg6")) == (["10.5.0.1/24"], ["10.6.0.1/24"])
    finally:
        run("ip", "link", "delete", "wg7")
        run(NETSTART_WG, "stop")
