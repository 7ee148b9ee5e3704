"""Whether this kernel has VRFs."""

from __future__ import annotations

import functools
import subprocess


@functools.cache
def kernel_has_vrfs() -> bool:
    """Make one, in a namespace of its own."""
    command = ["unshare", "--net", "ip", "link", "add", "vrf0", "type", "vrf", "table", "7"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
