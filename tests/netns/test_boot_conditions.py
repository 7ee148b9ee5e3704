"""A machine that is not all there yet: each lack has a clear outcome, and nothing is half done."""

from __future__ import annotations

import subprocess

import pytest

from tests.netns.engines import NETSTART_WG, new_key_pair
from tests.netns.hosts import Host, HostMaker

HISTORY = "/var/lib/netstart-wg/history"


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    """A host with a hostname file, in a folder that is a mount of its own."""
    host = new_host("host")
    host.run("mount", "-t", "tmpfs", "none", "/mnt")
    host.run("sh", "-c", "umask 077 && cat >/mnt/hostname.wg0", text=hostname_file())
    return host


def hostname_file() -> str:
    return f"wgkey {new_key_pair().private}\ninet 10.0.0.1/24\n"


def netstart(host: Host, *options: str) -> subprocess.CompletedProcess[str]:
    return host.attempt(NETSTART_WG, "-C", "/mnt", *options)


def links(host: Host) -> str:
    return host.run("ip", "-brief", "link")


def test_files_that_cannot_be_written_are_no_obstacle(host: Host) -> None:
    host.run("chmod", "644", "/mnt/hostname.wg0")
    host.run("mount", "-o", "remount,ro", "/mnt")
    host.run("mount", "-t", "tmpfs", "-o", "ro", "none", "/var/lib")
    result = netstart(host)
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "WARNING: /mnt/hostname.wg0 is insecure, fixing permissions.",
        "WARNING: /mnt/hostname.wg0: permissions not fixed: read-only file system",
        f"wg0: warning: write the history: {HISTORY}/wg0/1: read-only file system",
    ]
    assert "wg0" in links(host)
    again = netstart(host)
    assert (again.returncode, again.stdout) == (0, "")


def test_without_a_run_directory_to_write_to_nothing_is_begun(host: Host) -> None:
    host.run("mount", "-t", "tmpfs", "-o", "ro", "none", "/run")
    result = netstart(host)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "wg0: lock: /run/netstart-wg: read-only file system\n"
    assert "wg0" not in links(host)
    host.run("mount", "-t", "tmpfs", "none", "/run")
    assert netstart(host).returncode == 0


@pytest.mark.parametrize(
    ("lack", "reason"),
    [
        ("rm -f /dev/net/tun", "open: /dev/net/tun: No such file or directory"),
        ("touch /dev/net/tun", "create: /dev/net/tun is something else"),
    ],
)
def test_without_a_tun_device_the_way_out_is_told(host: Host, lack: str, reason: str) -> None:
    host.run("mount", "-t", "tmpfs", "none", "/dev/net")
    host.run("sh", "-c", lack)
    result = netstart(host)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"wg0: start the engine: {reason}",
        "    hint: `modprobe tun`; a container is given the device by its host",
    ]
    assert host.run("find", "/run/wireguard", "-type", "s") == ""
    assert host.processes("netstart_wgd") == []
    assert not host.exists("/run/netstart-wg/wg0.json")
    host.run("umount", "/dev/net")
    assert netstart(host).returncode == 0


def test_a_clock_behind_its_own_files_is_told_of(host: Host) -> None:
    host.run("touch", "-d", "2100-01-01", "/mnt/hostname.wg0")
    result = netstart(host)
    assert result.returncode == 0
    assert "but /mnt/hostname.wg0 was written 2100-01-01 00:00 UTC" in result.stderr
    assert netstart(host).stderr == ""
