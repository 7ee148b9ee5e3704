"""From an empty machine to tunnels with the kernel's WireGuard, which carry and follow."""

from __future__ import annotations

from collections.abc import Callable

from netstart_wg import VERSION
from tests.vm.life.conftest import Life
from tests.vm.life.network import COMMAND, OURS, PASSES, SCRIPT, UNIT, our_file, their_file

Tell = Callable[[str], None]

# Twice the octets, to be found equal on the other side.
ANSWER = """
import hashlib, socket, sys
here = (sys.argv[1], 7000)
with socket.create_server(here, family=socket.AF_INET6, dualstack_ipv6=True) as server:
    open("/run/listening", "w").close()
    connection, _ = server.accept()
    with connection:
        octets = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        connection.sendall(hashlib.sha256(octets).digest())
"""
ASK = """
import hashlib, os, socket, sys
octets = os.urandom(1_000_000)
with socket.create_connection((sys.argv[1], 7000), timeout=60) as connection:
    connection.sendall(octets)
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(64) == hashlib.sha256(octets).digest()
"""


def test_the_package_is_installed_and_one_unit_is_enabled(life: Life, tell: Tell) -> None:
    life.boot()
    life.run(
        f"""
        tar -xf /dev/vdb
        begun=$(uptime); dpkg -i netstart-wg_{VERSION}_all.deb; echo "$begun $(uptime)" >/run/took
        test "$(systemctl is-enabled netstart-wg.service)" = enabled
        netstart-wg --version | grep -F {VERSION}
        """,
        within=300,
    )
    begun, ended = map(float, life.run("cat /run/took").split())
    tell(f"the package was installed in {ended - begun:.1f} s")
    life.write("/etc/systemd/system/around.service", UNIT, mode="644")
    life.write("/root/network.sh", SCRIPT)
    life.write("/root/answer.py", ANSWER)
    life.write("/root/ask.py", ASK)
    for number in (0, 1):
        life.write(f"/root/peer{number}", their_file(number))
    life.write("/etc/hostname.wg0", our_file(0, COMMAND))
    life.write("/etc/hostname.wg1", our_file(1))
    life.run("systemctl --quiet enable around.service")
    life.reboot()


def test_after_a_boot_the_tunnel_carries_traffic_without_a_login(life: Life, tell: Tell) -> None:
    life.run(
        f"""
        eventually 60 {PASSES} 10.9.0.2
        {PASSES} fd09::2
        {PASSES} 10.8.0.2
        test -z "$(systemctl --failed --no-legend)"
        test "$(systemctl is-system-running)" = running
        test -z "$(loginctl --no-legend list-sessions)"
        test "$(ran)" = 1
        """
    )
    told = life.run(
        """
        systemctl show netstart-wg.service -P ExecMainStartTimestampMonotonic
        systemctl show netstart-wg.service -P ExecMainExitTimestampMonotonic
        systemctl show -P UserspaceTimestampMonotonic
        handshake=$(peer wg show peer0 latest-handshakes | cut -f2)
        uptime=$(uptime | tr -d .)0000
        echo $(((handshake - $(date +%s)) * 1000000 + uptime))
        """
    )
    start, end, init, handshake = (int(word) / 1e6 for word in told.split())
    tell(
        f"init at {init:.1f} s, netstart-wg from {start:.1f} s to {end:.1f} s,"
        f" first handshake at {handshake:.0f} s: {handshake - init:.0f} s after init"
    )


def test_ping_and_tcp_pass_both_ways_inside_ipv4_and_ipv6(life: Life) -> None:
    for address, asked in (("::ffff:10.9.0.1", "10.9.0.1"), ("fd09::1", "fd09::1")):
        life.run(
            f"""
            rm -f /run/listening
            python3 /root/answer.py {address} &
            eventually 60 test -e /run/listening
            peer {PASSES} {asked}
            peer python3 /root/ask.py {asked}
            wait $!
            """
        )
    life.run(
        """
        rm -f /run/listening
        peer python3 /root/answer.py fd09::2 &
        eventually 60 test -e /run/listening
        python3 /root/ask.py fd09::2
        wait $!
        """
    )


def test_a_peer_roams_and_is_followed(life: Life) -> None:
    life.run(
        f"""
        peer ip address del 192.0.2.2/24 dev uplink
        peer ip address add 192.0.2.3/24 dev uplink
        eventually 60 peer {PASSES} 10.9.0.1
        wg show wg0 endpoints | grep -F 192.0.2.3:51820
        {PASSES} 10.9.0.2
        peer ip address del 192.0.2.3/24 dev uplink
        peer ip address add 192.0.2.2/24 dev uplink
        eventually 60 peer {PASSES} 10.9.0.1
        wg show wg0 endpoints | grep -F 192.0.2.2:51820
        """
    )


def test_the_kernel_initiates_after_it_has_forgotten_us(life: Life) -> None:
    life.run(
        f"""
        handshake=$(peer wg show peer0 latest-handshakes)
        peer wg setconf peer0 /root/peer0
        peer wg set peer0 peer {OURS.public} endpoint 192.0.2.1:51820
        eventually 60 peer {PASSES} 10.9.0.1
        peer {PASSES} fd09::1
        test "$handshake" != "$(peer wg show peer0 latest-handshakes)"
        """
    )
