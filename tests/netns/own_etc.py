"""An /etc of a host's own, so that what stands there by its full path can be written."""

from __future__ import annotations

from tests.netns.hosts import Host

_SCRIPT = """
set -e
mount -t tmpfs -o mode=755 tmpfs /mnt
cp -p /etc/ld.so.cache /etc/passwd /etc/group /mnt
echo 'hosts: files' > /mnt/nsswitch.conf
echo '203.0.113.10 vpn.example.net' > /mnt/hosts
mount --move /mnt /etc
"""


def give_own_etc(host: Host) -> None:
    """Let /etc have what programs need to start, and one name: vpn.example.net."""
    host.run("sh", "-c", _SCRIPT)


def write_secretly(host: Host, file: str, text: str) -> None:
    """Write a file as a hostname file should be: for its owner alone."""
    host.run("sh", "-c", f"umask 077; cat > {file}", text=text)
