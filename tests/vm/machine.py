"""A virtual machine for the length of one command: booted, given the tree, watched, and ended.

It has two processors, 1 GiB, no network, and the whole of Debian's kernel.
What is written to its disk is gone with it.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.vm.image import Image

ROOT = Path(__file__).parents[2]
TIMED_OUT = 124
"""As timeout(1) ends."""
NEVER_TOLD = 125
CONSOLE_LINES = 40

_QEMU = (
    *("qemu-system-x86_64", "-accel", "tcg", "-smp", "2", "-m", "1024"),
    *("-cpu", "qemu64,-svm", "-nodefaults", "-nographic", "-no-reboot"),
    *("-device", "virtio-rng-pci"),
)
_RUN = """\
#!/bin/sh
# What the command prints goes to the second serial port, its exit status to the third.
for port in /dev/ttyS1 /dev/ttyS2; do
    stty -F "$port" raw -echo
done
for program in netstart-wg netstart-wgd; do
    module=netstart_wg.cli.$(echo "$program" | tr - _)
    printf '#!/bin/sh\\nPYTHONPATH=%s exec python3 -P -m %s "$@"\\n' "$PWD" "$module" \\
        >/usr/local/bin/$program
    chmod 755 /usr/local/bin/$program
done
modprobe --all wireguard tun vrf dummy veth
export HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 CI=true
sh ./.vm-command >/dev/ttyS1 2>&1 </dev/null
echo $? >/dev/ttyS2
systemctl poweroff --force --force
"""
_KERNEL_ARGUMENTS = "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=0"


def run_in_machine(image: Image, command: str, within_seconds: float) -> int:
    """Run a command of sh(1) in the tree's root folder, as root; return its exit status.

    What it prints goes to our standard output as it comes.  If the machine does not
    get that far, or takes too long, what its console said last goes to standard
    error; the status is then one of ours.
    """
    with TemporaryDirectory(prefix="netstart-wg-vm.") as name:
        folder = Path(name)
        _pack(folder / "task.tar", command)
        words = _command_line(image, folder)
        with subprocess.Popen(words, stdin=subprocess.DEVNULL) as machine:
            try:
                machine.wait(within_seconds)
            except subprocess.TimeoutExpired:
                return _fail(TIMED_OUT, f"not done after {within_seconds:.0f} seconds", folder)
            finally:
                machine.kill()
        told = (folder / "status").read_text().strip()
        if not told.isdigit():
            return _fail(NEVER_TOLD, "it ended before the command did", folder)
        return int(told)


def _pack(archive: Path, command: str) -> None:
    """Write the tree as it is here, committed or not, and the command."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tarfile.open(archive, "w") as tar:
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():  # one that was deleted is listed until that is committed
                tar.add(ROOT / path, path)
        for path, text in ((".vm-run", _RUN), (".vm-command", f"{command}\n")):
            script = archive.with_name(path)
            script.write_text(text)
            script.chmod(0o755)
            tar.add(script, path)


def _command_line(image: Image, folder: Path) -> list[str]:
    def drive(path: Path, *options: str) -> list[str]:
        return ["-drive", ",".join((f"file={path}", "format=raw", "if=virtio", *options))]

    return [
        *_QEMU,
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        *("-append", _KERNEL_ARGUMENTS, "-serial", f"file:{folder / 'console'}"),
        *("-serial", "stdio", "-serial", f"file:{folder / 'status'}"),
        *drive(image.disk, "snapshot=on"),
        *drive(folder / "task.tar", "readonly=on"),
    ]


def _fail(status: int, reason: str, folder: Path) -> int:
    console = (folder / "console").read_text(errors="replace").splitlines()
    for line in (*console[-CONSOLE_LINES:], f"virtual machine: {reason}"):
        sys.stderr.write(f"{line}\n")
    return status
