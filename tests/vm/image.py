"""The disk that the virtual machine boots from: Debian 12 with what netstart-wg needs, and no more.

It takes root, debootstrap(8) and a minute, once: the image is kept in `.peers/vm`
under a digest of this file, which is all that it is made from, and is never
written to afterwards.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".peers" / "vm"
"""Clones may share it, by way of a symbolic link."""

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "systemd", "systemd-sysv", "dbus", "udev"),
    *("kmod", "procps", "iproute2", "iputils-ping", "wireguard-tools", "wireguard-go", "iperf3"),
    *("tcpdump", "strace", "net-tools", "openssl", "nftables"),
    *("python3", "python3-cryptography", "python3-lark", "python3-jinja2", "python3-pyroute2"),
    *("python3-pytest", "python3-hypothesis", "python3-cffi-backend"),
)
SIZE = "3G"
"""Of the disk; the file has holes."""

# The second disk is a tar archive: a tree, and in it what is to be run.
THE_TASK = """\
[Unit]
Description=Run what the host asks for, and power off
After=basic.target

[Service]
ExecStart=sh -c 'mkdir -p /root/tree && cd /root/tree && tar -xf /dev/vdb && exec ./.vm-run'

[Install]
WantedBy=multi-user.target
"""
IN_THE_TREE = """
set -e
cd "$1"
echo netstart-wg-vm >etc/hostname
echo '127.0.0.1 localhost netstart-wg-vm' >etc/hosts
echo 'net.ipv6.conf.default.accept_dad = 0' >etc/sysctl.d/vm.conf
printf 'MODULES=list\\nCOMPRESS=gzip\\n' >etc/initramfs-tools/conf.d/small
printf 'virtio_pci\\nvirtio_blk\\n' >>etc/initramfs-tools/modules
chroot . systemctl --quiet enable the-task.service
chroot . systemctl --quiet mask systemd-networkd-wait-online.service apt-daily.timer \
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service proc-sys-fs-binfmt_misc.automount getty@tty1.service
chroot . update-initramfs -u
rm -rf var/cache/apt/* var/lib/apt/lists/* usr/share/doc usr/share/locale
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What qemu boots."""

    kernel: Path
    initrd: Path
    disk: Path
    """Raw; to be opened as a snapshot."""


def image() -> Image:
    """Return the image, which is built if need be; raise CalledProcessError."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    folder = CACHE / digest
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked():
        if not folder.is_dir():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            _build(draft)
            draft.rename(folder)
    return Image(kernel=folder / "vmlinuz", initrd=folder / "initrd.img", disk=folder / "disk.ext4")


@contextmanager
def _locked() -> Iterator[None]:
    """Let one build it, and the others find it."""
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path) -> None:
    """Build in a mount namespace: whatever debootstrap(8) mounts is gone with it."""
    tree = folder / "tree"
    log = folder / "build.log"
    with log.open("wb") as said:

        def run(*command: str) -> None:
            subprocess.run(
                ["unshare", "--mount", "--propagation=private", *command],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=True,
            )

        packages = f"--include={','.join(PACKAGES)}"
        run("debootstrap", "--variant=minbase", packages, SUITE, str(tree), MIRROR)
        (tree / "etc/systemd/system/the-task.service").write_text(THE_TASK)
        run("sh", "-c", IN_THE_TREE, "sh", str(tree))
        for name in ("vmlinuz", "initrd.img"):
            (found,) = (tree / "boot").glob(f"{name}-*-cloud-amd64")
            shutil.copy(found, folder / name)
        run("mkfs.ext4", "-q", "-L", "root", "-d", str(tree), str(folder / "disk.ext4"), SIZE)
    shutil.rmtree(tree)
