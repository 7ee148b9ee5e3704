"""Ten interfaces of which three are not in order, and the end of all of them."""

from __future__ import annotations

import re

from tests.vm.life.conftest import Life
from tests.vm.life.network import our_file

BROKEN, NAMED, SAME_PORT = "wg3", "wg1", "wg7"
OTHERS = ("wg0", "wg2", "wg4", "wg5", "wg6", "wg8", "wg9")


def test_of_ten_interfaces_those_that_can_are_up_at_boot(life: Life) -> None:
    own_key = "dNzuP2Qk6gDXVnGg5QWCbDj8mVX1d1TtT0K9mG0uJVM="
    lines = {
        f"wg{number}": f"wgkey {own_key}\nwgport {52000 + number}\ninet 10.7.{number}.1/24\n"
        for number in range(2, 10)
    }
    lines["wg0"] = our_file(0)
    lines[NAMED] = our_file(1).replace("wgendpoint 2001:db8::2", "wgendpoint peer.example")
    lines[BROKEN] += "wgpere nobody\n"
    lines[SAME_PORT] = lines[SAME_PORT].replace("52007", "52002")
    for name, text in lines.items():
        life.write(f"/etc/hostname.{name}", text)
    life.reboot()
    up = life.run("ip -oneline -4 address show | cut -d' ' -f2 | grep wg").split()
    assert set(up) >= set(OTHERS)
    told = life.run("journalctl --boot --unit=netstart-wg.service --output=cat").splitlines()
    for name in (BROKEN, "peer.example", SAME_PORT):
        assert len([line for line in told if re.search(rf"\b{name}\b", line)]) == 1, told
    life.run(
        """
        test -z "$(systemctl --failed --no-legend)"
        eventually 60 ping -n -q -c 1 -W 5 10.9.0.2
        """
    )


def test_what_is_stopped_leaves_nothing_behind(life: Life) -> None:
    life.run(
        """
        echo "rdomain 4" >>/etc/hostname.wg4
        netstart-wg wg4
        ip netns | grep -w rdomain4
        systemctl stop netstart-wg.service
        test "$(ip netns | cut -d' ' -f1)" = peer
        test -z "$(ip -oneline link | grep wg)"
        test -z "$(ss --no-header -lnu)"
        test "$(ip rule | wc -l)" = 3
        test -z "$(ip route show table all | grep -v -w -e uplink -e lo)"
        test -z "$(find /run/netstart-wg /run/wireguard -mindepth 1)"
        test -z "$(pgrep -f netstart-wg)"
        test -z "$(systemctl --no-legend list-units 'netstart-wg*' | grep -w -e active)"
        """
    )
