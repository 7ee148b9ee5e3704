"""Changes that nobody confirms: everything is as it was, whatever became of whoever made them.

    near ── eth1 ── hub ── eth2 ── far

The hub's file is changed.  What near has through the tunnel is not concerned, unless
it is the very thing that the change takes away.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from netstart_wg.errors import ExitStatus
from tests.netns.engines import (
    NETSTART_WG,
    KeyPair,
    PeerSection,
    endpoint,
    new_key_pair,
    new_preshared_key,
    show,
)
from tests.netns.hosts import Host, hosts
from tests.netns.kinds import Kind
from tests.netns.test_hitless import PORT, Hub, add_spoke
from tests.netns.test_restore import picture
from tests.netns.traffic import Flood, ping, pings, wait_for_listener
from tests.netns.waiting import eventually

CONTROL_PORT = 7000
STREAM = """\
import socket, sys
with socket.create_connection((sys.argv[1], 7001), timeout=20) as stream:
    print("connected", flush=True)
    while stream.recv(1) == b".":
        stream.send(b".")
"""
ECHO = """\
import itertools, socket, sys, time
with socket.create_server((sys.argv[1], 7001)) as server:
    stream, _ = server.accept()
    stream.settimeout(20)
    for number in itertools.count():
        stream.send(b".")
        assert stream.recv(1) == b"."
        print(number, flush=True)
        time.sleep(0.01)
"""
CONTROL = f"""\
import socket, subprocess, sys
with socket.create_server(("10.0.0.1", {CONTROL_PORT})) as server:
    stream, _ = server.accept()
    subprocess.run(sys.argv[1:], stdin=stream, stdout=stream, stderr=stream)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    hub: Hub
    near: PeerSection
    far: PeerSection
    near_host: Host
    far_host: Host

    @property
    def host(self) -> Host:
        return self.hub.host

    def file(self, interface: str = "wg0") -> Path:
        return self.hub.folder / f"hostname.{interface}"

    def write(self, *peers: PeerSection, rest: str = "", port: int = PORT) -> None:
        lines = f"wgkey {self.hub.keys.private} wgport {port}\ninet 10.0.0.1/24\n"
        self.file().touch(mode=0o600)
        self.file().write_text(lines + "".join(peer.hostname_line() for peer in peers) + rest)

    def command(self, *options: str) -> tuple[str, ...]:
        return (NETSTART_WG, "-C", str(self.hub.folder), *options)

    def netstart(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.host.attempt(*self.command(*options))

    def confirm(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.host.attempt(NETSTART_WG, "confirm", *words)

    def keepers(self) -> list[int]:
        return self.host.processes("netstart_wg.cli.keeper")

    def await_the_end(self) -> None:
        eventually(self.keepers, lambda found: not found, what="the keeper's end")

    def written(self) -> str:
        """Return everything that is in a file of ours, and what ps(1) shows."""
        files = "/run/netstart-wg/* /var/lib/netstart-wg/history/*/* /proc/[0-9]*/cmdline"
        script = f"cat {files} | tr '\\0' ' '"
        return self.host.attempt("sh", "-c", script).stdout


@pytest.fixture(scope="module")
def set_up(
    tmp_path_factory: pytest.TempPathFactory, kind: Kind
) -> Iterator[tuple[Star, list[KeyPair]]]:
    folder = tmp_path_factory.mktemp("confirm")
    kind.choose(folder)
    with hosts(folder) as new_host:
        hub = Hub(host=new_host("hub"), keys=new_key_pair(), folder=folder, kind=kind)
        near_host, to_near, near_keys = add_spoke(new_host, hub, "near", 1)
        far_host, to_far, far_keys = add_spoke(new_host, hub, "far", 2)
        star = Star(
            hub=hub,
            near=PeerSection(
                public_key=near_keys.public,
                allowed_ips=("10.0.0.2/32",),
                endpoint=endpoint(to_near.address(near_host, 4), PORT),
            ),
            far=PeerSection(
                public_key=far_keys.public,
                allowed_ips=("10.0.0.3/32",),
                endpoint=endpoint(to_far.address(far_host, 4), PORT),
            ),
            near_host=near_host,
            far_host=far_host,
        )
        yield star, [hub.keys, near_keys, far_keys]


@pytest.fixture
def star(set_up: tuple[Star, list[KeyPair]]) -> Iterator[Star]:
    """Both peers connected; afterwards nothing waits and no secret has been left anywhere."""
    star, keys = set_up
    star.write(star.near, star.far)
    applied = star.netstart()
    assert applied.returncode == 0, applied
    for address in ("10.0.0.2", "10.0.0.3"):
        eventually(partial(pings, star.host, address))
    yield star
    star.await_the_end()
    written = star.written()
    assert ".pending" not in star.host.run("ls", "/run/netstart-wg")
    assert not any(key.private in written for key in keys)


def test_what_nobody_confirms_goes_back_and_nobody_has_noticed(star: Star) -> None:
    before = picture(star.host)
    handshake = show(star.host, "wg0").peers[star.near.public_key].latest_handshake
    preshared_key = new_preshared_key()
    other = PeerSection(
        public_key=new_key_pair().public, allowed_ips=("10.0.0.3/32",), preshared_key=preshared_key
    )
    rest = "inet alias 10.5.0.1/24\nmtu 1380\ndescription hub\n"
    star.write(star.near, other, rest=rest)
    flood = Flood(star.near_host, "10.0.0.1")
    echo = star.host.start(sys.executable, "-c", ECHO, "10.0.0.1")
    wait_for_listener(star.host, 7001)
    stream = star.near_host.start(sys.executable, "-c", STREAM, "10.0.0.1")
    eventually(echo.output)

    applied = star.netstart("--confirm", "2s")
    assert applied.returncode == 0, applied
    hint = "wg0: goes back in 2 seconds, unless you confirm: netstart-wg confirm wg0\n"
    assert applied.stdout.endswith(hint)
    assert set(show(star.host, "wg0").peers) == {star.near.public_key, other.public_key}
    assert preshared_key not in star.written() + applied.stdout + applied.stderr
    star.await_the_end()

    assert flood.stop() == []
    seen = echo.output().count("\n")
    eventually(lambda: echo.output().count("\n") > seen + 10, what="the stream goes on")
    assert stream.is_running
    echo.stop()
    stream.stop()
    assert picture(star.host) == before
    after = show(star.host, "wg0").peers[star.near.public_key]
    assert after.latest_handshake == handshake > 0
    assert pings(star.host, "10.0.0.3"), "a new session: its own has gone with it"

    held = star.netstart()
    assert held.returncode == ExitStatus.WARNINGS
    assert "wg0: warning: left as it is: what its file says was not confirmed" in held.stderr
    late = star.confirm()
    assert (late.returncode, late.stderr) == (
        ExitStatus.FAILED,
        "wg0: too late: it went back, not confirmed in time\n",
    )
    assert picture(star.host) == before


def test_what_is_confirmed_in_time_stays_and_another_change_waits_for_that(star: Star) -> None:
    star.write(star.near)
    assert star.netstart("--confirm", "1h").returncode == 0
    (keeper,) = star.keepers()
    standard = {Path(f"/proc/{keeper}/fd/{number}").readlink() for number in (0, 1, 2)}
    assert standard == {Path(os.devnull)}
    assert Path(f"/proc/{keeper}/cwd").readlink() == Path("/")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        os.kill(keeper, number)

    assert star.netstart().returncode == 0, "the same again is no change"
    star.write(star.near, star.far)
    busy = star.netstart()
    assert busy.returncode == ExitStatus.BUSY
    assert "wg0: its last change waits for confirmation, for another 59 minutes" in busy.stderr
    star.write(star.near)
    confirmed = star.confirm()
    assert (confirmed.returncode, confirmed.stdout) == (0, "wg0: confirmed\n")
    star.await_the_end()
    assert set(show(star.host, "wg0").peers) == {star.near.public_key}
    assert star.netstart().returncode == 0
    assert star.confirm().returncode == ExitStatus.FAILED


def test_second_thoughts_and_the_end_of_the_keeper_go_back_at_once(star: Star) -> None:
    before = picture(star.host)
    star.write(star.near)
    star.netstart("--confirm", "1h")
    reverted = star.confirm("--revert", "wg0")
    assert (reverted.returncode, reverted.stdout) == (0, "wg0: is again as it was\n")
    assert picture(star.host) == before
    star.await_the_end()

    star.netstart("--confirm", "1h")
    assert picture(star.host) != before
    (keeper,) = star.keepers()
    os.kill(keeper, signal.SIGTERM)
    star.await_the_end()
    assert picture(star.host) == before


def test_a_rollback_goes_to_an_earlier_state_and_can_go_back_itself(star: Star) -> None:
    before = picture(star.host)
    preshared_key = new_preshared_key()
    star.write(replace(star.near, preshared_key=preshared_key), rest="!: password=hunter2\n")
    assert star.netstart().returncode == 0
    changed = picture(star.host)
    listed = star.host.run(NETSTART_WG, "history", "wg0").splitlines()
    assert listed[0].endswith("  1 peer changed, 1 peer removed, 1 command run")
    number = listed[0].split()[1]
    shown = star.host.run(NETSTART_WG, "history", "--show", number, "wg0")
    assert "wgkey (secret sha256:" in shown
    assert "password=(secret scrypt:" in shown
    for secret in (preshared_key, star.hub.keys.private, "hunter2"):
        assert secret not in star.written() + shown

    options = ("rollback", "-C", str(star.hub.folder))
    preview = star.host.attempt(NETSTART_WG, *options, "-n")
    assert (preview.returncode, preview.stderr) == (ExitStatus.DIFFERENT, "")
    assert star.far.public_key in preview.stdout
    assert picture(star.host) == changed
    rolled_back = star.host.attempt(NETSTART_WG, *options, "--confirm", "1s")
    assert rolled_back.returncode == 0, rolled_back
    assert picture(star.host) == before
    star.await_the_end()
    assert picture(star.host) == changed
    assert star.host.attempt(NETSTART_WG, *options, "wg0").returncode == 0
    assert picture(star.host) == before
    assert star.netstart().returncode == ExitStatus.WARNINGS
    assert picture(star.host) == before


def test_killed_in_the_middle_of_two_interfaces_both_go_back(star: Star) -> None:
    before = picture(star.host)
    star.write(star.near, rest="inet alias 10.5.0.1/24\n")
    keys = new_key_pair()
    star.file("wg1").touch(mode=0o600)
    star.file("wg1").write_text(f"wgkey {keys.private}\n!sleep 60\ninet 10.6.0.1/24\n")
    run = star.host.start(*star.command("--confirm", "2s"))
    eventually(partial(star.host.processes, "sleep 60"))
    assert star.host.has_interface("wg1")
    assert picture(star.host) != before
    run.send_signal(signal.SIGKILL)
    star.await_the_end()
    assert picture(star.host) == before
    assert not star.host.has_interface("wg1")
    assert keys.private not in star.written()
    star.file("wg1").unlink()


def test_a_terminal_that_goes_away_takes_nothing_along(star: Star) -> None:
    before = picture(star.host)
    star.write(star.near, rest="!sleep 61\n")
    terminal, other_end = pty.openpty()
    command = star.host.inside(("setsid", "-c", *star.command("-v", "--confirm", "2s")))
    run = subprocess.Popen(command, stdin=other_end, stdout=other_end, stderr=other_end)
    os.close(other_end)
    eventually(partial(star.host.processes, "sleep 61"))
    os.close(terminal)
    run.wait(20)
    star.await_the_end()
    assert picture(star.host) == before


def test_a_change_that_cuts_its_own_path_goes_back_in_time(star: Star) -> None:
    before = picture(star.host)
    star.write(star.far, port=PORT + 1)
    control = star.host.start(
        sys.executable, "-c", CONTROL, *star.command("--confirm", "3s", "--allow", "peers")
    )
    wait_for_listener(star.host, CONTROL_PORT)
    script = f"import socket; socket.create_connection(('10.0.0.1', {CONTROL_PORT}), 5).recv(1)"
    star.near_host.start(sys.executable, "-c", script)
    eventually(lambda: star.near.public_key not in show(star.host, "wg0").peers)
    assert ping(star.near_host, "10.0.0.1", count=1, wait=0.3).received == 0
    star.await_the_end()
    control.stop()
    assert picture(star.host) == before
    assert pings(star.host, "10.0.0.2")
    assert pings(star.near_host, "10.0.0.1")


def test_who_is_there_by_way_of_the_tunnel_has_to_confirm_what_may_cut_it(star: Star) -> None:
    before = picture(star.host)
    _terminal, other_end = pty.openpty()
    environment = {**os.environ, "SSH_CONNECTION": "10.0.0.2 51000 10.0.0.1 22"}

    def over_ssh(*options: str) -> subprocess.CompletedProcess[str]:
        """Run as under sudo: the shell has the variable, and we have not."""
        script = 'env -u SSH_CONNECTION "$@"; exit $?'
        return subprocess.run(
            star.host.inside(("/bin/sh", "-c", script, "sh", *star.command(*options))),
            stdin=other_end,
            capture_output=True,
            env=environment,
            text=True,
            check=False,
        )

    star.write(star.near, star.far, rest="description hub\n")
    assert over_ssh().stderr == ""
    assert star.keepers() == []
    star.write(replace(star.near, preshared_key=new_preshared_key()), star.far)
    armed = over_ssh()
    assert armed.returncode == 0
    assert "wg0: this may cut your SSH connection from 10.0.0.2" in armed.stderr
    assert star.confirm("--revert").returncode == 0
    assert picture(star.host)[:1] == before[:1]
    assert over_ssh("--no-confirm", "--allow", "held").stderr == ""
    assert star.keepers() == []


def test_a_session_is_kept_by_who_is_no_party_to_the_change(star: Star) -> None:
    handshake = show(star.host, "wg0").peers[star.near.public_key].latest_handshake
    changed = replace(star.far, allowed_ips=("10.0.0.3/32", "10.9.0.0/16"))
    star.write(star.near, changed)
    star.netstart("--confirm", "1s")
    star.await_the_end()
    assert pings(star.near_host, "10.0.0.1")
    assert show(star.host, "wg0").peers[star.near.public_key].latest_handshake == handshake > 0
    assert show(star.host, "wg0").peers[star.far.public_key].allowed_ips == ("10.0.0.3/32",)
