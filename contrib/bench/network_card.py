"""Make a veth interface pass packets as a network card without segmentation offload does.

    network_card.py INTERFACE

Run in the interface's network namespace; standard library only.  What goes out
is cut before the interface, and what comes in is joined (GRO) behind it.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
import subprocess
import sys

SIOCETHTOOL = 0x8946
ETHTOOL_SGRO = 0x2C


def main(interface: str) -> None:
    subprocess.run(["ip", "link", "set", interface, "gso_max_segs", "1"], check=True)
    switch_on = array.array("I", [ETHTOOL_SGRO, 1])
    address, _ = switch_on.buffer_info()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), address))


if __name__ == "__main__":
    main(sys.argv[1])
