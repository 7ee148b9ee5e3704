"""The disk that the virtual machine boots from: Debian 12 with what netstart-wg needs, and no more.

It takes root, mmdebstrap(1) and a minute, once: the image is kept in `.peers/vm`
under a digest of this file, which is all that it is made from, and is never
written to afterwards.

What makes it quick to boot: an initial RAM disk of one small program, which loads two modules
and mounts the disk; no kernel message, mitigation or probe that an emulated machine can do
without (`KERNEL_ARGUMENTS`).
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
    *("linux-image-cloud-amd64", "tiny-initramfs", "systemd", "systemd-sysv", "dbus", "udev"),
    *("kmod", "procps", "iproute2", "iputils-ping", "wireguard-tools", "wireguard-go", "iperf3"),
    *("tcpdump", "strace", "net-tools", "openssl", "nftables", "make"),
    *("python3", "python3-cryptography", "python3-lark", "python3-jinja2", "python3-pyroute2"),
    *("python3-pytest", "python3-hypothesis", "python3-cffi-backend"),
)
UNPACK_WITHOUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
)
SIZE = "3G"
"""Of the disk; the file has holes."""
KERNEL_ARGUMENTS = (
    "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=0"
    " mitigations=off nokaslr audit=0 no_timer_check tsc=reliable random.trust_cpu=on"
)

# It is there before anything else, needs no login and nothing of ours, and goes last.
AGENT_UNIT = """\
[Unit]
Description=Run what the host asks for
DefaultDependencies=no
After=systemd-remount-fs.service

[Service]
ExecStart=/usr/local/sbin/agent
Environment=HOME=/root LANG=C.UTF-8
KillMode=process
TimeoutStopSec=1
StandardError=journal+console

[Install]
WantedBy=sysinit.target
"""
# The host writes a line: a word, and a script in base64. What it prints goes back as it
# comes, and then the word again, with the exit status.
AGENT = """\
#!/bin/sh
modprobe virtio_console
until set -- /dev/vport*p1; [ -c "$1" ]; do
    sleep 0.1
done
exec 3<>"$1"
cd /root
while read -r word script <&3; do
    echo "$script" | base64 -d >/run/script
    sh /run/script >&3 2>&3 3>&- </dev/null
    printf '\\n%s %s\\n' "$word" "$?" >&3
done
"""
IN_THE_TREE = """
set -e
cd "$1"
echo netstart-wg-vm >etc/hostname
echo '127.0.0.1 localhost netstart-wg-vm' >etc/hosts
echo 'net.ipv6.conf.default.accept_dad = 0' >etc/sysctl.d/vm.conf
mkdir -p var/log/journal
chroot . systemctl --quiet enable agent.service
chroot . systemctl --quiet mask systemd-networkd-wait-online.service apt-daily.timer \
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
    getty@tty1.service serial-getty@ttyS0.service
chroot . mktirfs -m no -M no --include-modules=virtio_pci,virtio_blk \
    -o /boot/initrd "$(ls lib/modules)"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What qemu boots."""

    kernel: Path
    initrd: Path
    disk: Path
    """Raw; to be opened as a snapshot, or copied."""


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
    return Image(kernel=folder / "vmlinuz", initrd=folder / "initrd", disk=folder / "disk.ext4")


@contextmanager
def _locked() -> Iterator[None]:
    """Let one build it, and the others find it."""
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path) -> None:
    """Build in a mount namespace: whatever mmdebstrap(1) mounts is gone with it."""
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

        run(*_mmdebstrap(tree))
        (tree / "etc/systemd/system/agent.service").write_text(AGENT_UNIT)
        agent = tree / "usr/local/sbin/agent"
        agent.write_text(AGENT)
        agent.chmod(0o755)
        run("sh", "-c", IN_THE_TREE, "sh", str(tree))
        shutil.move(tree / "boot/initrd", folder / "initrd")
        (kernel,) = (tree / "boot").glob("vmlinuz-*-cloud-amd64")
        shutil.move(kernel, folder / "vmlinuz")
        run("mkfs.ext4", "-q", "-L", "root", "-d", str(tree), str(folder / "disk.ext4"), SIZE)
    shutil.rmtree(tree)


def _mmdebstrap(tree: Path) -> Iterator[str]:
    """Say what makes the tree: nothing is waited for to be on a disk, and nobody reads there."""
    yield from ("mmdebstrap", "--variant=essential", f"--include={','.join(PACKAGES)}")
    yield from ("--aptopt=Acquire::Languages none", "--dpkgopt=force-unsafe-io")
    for path in UNPACK_WITHOUT:
        yield f"--dpkgopt=path-exclude={path}"
    yield from (SUITE, str(tree), f"deb {MIRROR} {SUITE} main")
