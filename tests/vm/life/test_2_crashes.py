"""What is restarted, or dies, while it carries traffic, and comes back."""

from __future__ import annotations

from collections.abc import Callable

from tests.vm.life.conftest import Life

Tell = Callable[[str], None]


def test_an_engine_that_is_restarted_loses_no_packet_and_no_session(life: Life, tell: Tell) -> None:
    said = life.run(
        """
        handshake=$(peer wg show peer0 latest-handshakes)
        ip netns exec peer ping -n -i 0.05 -c 300 -W 60 10.9.0.1 >/run/pings &
        eventually 60 grep -F icmp_seq=20 /run/pings
        systemctl restart netstart-wgd@wg0.service
        wait $!
        test "$handshake" = "$(peer wg show peer0 latest-handshakes)"
        grep -F transmitted /run/pings
        """
    )
    tell(f"restart: {said.strip()}")
    assert "300 received" in said


def test_an_engine_that_is_killed_comes_back_with_everything(life: Life, tell: Tell) -> None:
    told = life.run(
        """
        look() { ip -brief address show dev wg0; ip route; ip -6 route; wg show wg0 listen-port; }
        look >/run/before
        ran=$(ran)
        engine=$(systemctl show -P MainPID netstart-wgd@wg0.service)
        begun=$(uptime)
        kill -9 "$engine"
        eventually 60 ping -n -q -c 1 -W 1 10.9.0.2
        echo "$begun $(uptime)"
        look | diff /run/before -
        now=$(systemctl show -P MainPID netstart-wgd@wg0.service)
        test "$now" != "$engine"
        test "$(pgrep -c -f 'netstart-wgd -f wg0')" = 1
        test "$(ran)" = "$ran"
        netstart-wg -n
        """
    ).splitlines()
    begun, ended = map(float, told[0].split())
    tell(f"traffic {ended - begun:.1f} s after kill -9")
