"""Against the real kernel, in network and mount namespaces of the test's own."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netstart_wg.system import libc
from netstart_wg.system.namespaces import (
    NAMESPACE_FOLDER,
    inside,
    inside_rdomain,
    is_called,
    is_rdomain,
    make_rdomain,
    name_rdomain,
    obstacle_to_name,
    open_rdomain,
    rdomain_of,
    rdomain_path,
    rdomains,
    remove_rdomain,
)
from netstart_wg.system.paths import RUN_DIRECTORY

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]

OWN = Path("/proc/thread-self/ns/net")
MS_PRIVATE = 1 << 18

POWERLESS_MAKER = """
from pathlib import Path
from netstart_wg.system.namespaces import make_rdomain
own = Path("/proc/self/ns/net")
before = own.stat().st_ino
try:
    make_rdomain(3)
except OSError as error:
    print(error.strerror, own.stat().st_ino == before, sep=", ")
"""

MAKER = """
import sys
from netstart_wg.system.namespaces import make_rdomain, rdomain_path
sys.stdin.read()
make_rdomain(3)
print(rdomain_path(3).stat().st_ino)
"""


def inode() -> int:
    return OWN.stat().st_ino


def mounts_on(path: Path) -> list[list[str]]:
    """Return the fields of /proc/PID/mountinfo for each mount on a path, the visible one last."""
    lines = Path("/proc/thread-self/mountinfo").read_text().splitlines()
    return [fields for line in lines if (fields := line.split())[4] == str(path)]


def test_a_new_rdomain_is_another_namespace_with_its_loopback_up() -> None:
    words = "ip link add here type veth peer name near"
    subprocess.run(words.split(), check=True)
    make_rdomain(3)
    assert is_rdomain(3)
    assert rdomains() == (3,)
    before = inode()
    with inside_rdomain(3):
        assert inode() != before
        names = {name for _, name in socket.if_nameindex()}
        assert "lo" in names
        assert "here" not in names
        assert " lo\n" in Path("/proc/thread-self/net/if_inet6").read_text(), "::1: lo is up"
    assert inode() == before


def test_ip_netns_knows_it_and_its_own_namespaces_are_found() -> None:
    make_rdomain(3)
    subprocess.run(["ip", "netns", "add", "rdomain4"], check=True)
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    assert {line.split()[0] for line in listed.stdout.splitlines()} == {"rdomain3", "rdomain4"}
    assert rdomains() == (3, 4)
    subprocess.run(["ip", "netns", "delete", "rdomain3"], check=True)
    assert rdomains() == (4,)


def test_other_names_are_no_rdomains() -> None:
    make_rdomain(3)
    for name in ("rdomain", "rdomain0", "rdomain03", "rdomain-1", "blue", "rdomain1000"):
        (NAMESPACE_FOLDER / name).touch()
    assert rdomains() == (3,)


def test_making_it_again_changes_nothing() -> None:
    make_rdomain(3)
    before = rdomain_path(3).stat().st_ino
    make_rdomain(3)
    assert rdomain_path(3).stat().st_ino == before
    assert len(mounts_on(rdomain_path(3))) == 1


def test_rdomain_0_is_where_the_process_is() -> None:
    make_rdomain(0)
    assert is_rdomain(0)
    assert rdomain_of(inode()) == 0
    with inside_rdomain(0):
        assert rdomain_of(inode()) == 0
    assert not NAMESPACE_FOLDER.exists()


def test_an_rdomain_is_found_by_the_inode_of_its_namespace() -> None:
    make_rdomain(3)
    make_rdomain(200)
    with inside_rdomain(200):
        there = inode()
    assert rdomain_of(there) == 200
    assert rdomain_of(there + 1_000_000) is None


def test_a_namespace_of_another_name_is_no_rdomain() -> None:
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    assert rdomain_of((NAMESPACE_FOLDER / "blue").stat().st_ino) is None


def test_without_the_rdomain_nobody_gets_inside() -> None:
    with pytest.raises(FileNotFoundError), inside_rdomain(3):
        pass
    with pytest.raises(FileNotFoundError):
        open_rdomain(3)
    assert not is_rdomain(3)


def test_one_comes_back_from_inside_after_an_exception() -> None:
    make_rdomain(3)
    before = inode()
    with pytest.raises(ZeroDivisionError), inside_rdomain(3):
        raise ZeroDivisionError
    assert inode() == before


def test_only_the_calling_thread_goes_inside() -> None:
    make_rdomain(3)
    seen: list[int] = []
    has_entered = threading.Event()

    def look() -> None:
        has_entered.wait(10)
        seen.append(inode())

    before = inode()
    other = threading.Thread(target=look)
    other.start()
    namespace = open_rdomain(3)
    with inside(namespace):
        assert inode() != before
        has_entered.set()
        other.join()
    os.close(namespace)
    assert seen == [before]


def test_a_bare_file_that_an_accident_left_is_taken() -> None:
    NAMESPACE_FOLDER.mkdir()
    rdomain_path(3).touch()
    assert not is_rdomain(3)
    assert rdomains() == ()
    make_rdomain(3)
    assert is_rdomain(3)


def test_a_namespace_of_another_kind_is_no_rdomain_and_is_left_alone() -> None:
    NAMESPACE_FOLDER.mkdir()
    rdomain_path(3).touch()
    libc.mount(Path("/proc/self/ns/uts"), rdomain_path(3), "none", libc.MS_BIND)
    assert not is_rdomain(3)
    assert rdomains() == ()
    assert rdomain_of(rdomain_path(3).stat().st_ino) is None
    with pytest.raises(FileExistsError):
        make_rdomain(3)
    assert len(mounts_on(rdomain_path(3))) == 1


def test_a_link_to_nowhere_is_refused_and_not_followed() -> None:
    NAMESPACE_FOLDER.mkdir()
    rdomain_path(3).symlink_to("/run/elsewhere")
    with pytest.raises(OSError) as caught:
        make_rdomain(3)
    assert caught.value.errno == errno.ELOOP
    assert not Path("/run/elsewhere").exists()


@pytest.mark.parametrize("is_mounted", [False, True])
def test_the_folder_becomes_a_shared_mount(is_mounted: bool) -> None:
    """So that a namespace is seen, and can be removed, from every mount namespace."""
    NAMESPACE_FOLDER.mkdir()
    if is_mounted:
        libc.mount(NAMESPACE_FOLDER, NAMESPACE_FOLDER, "none", libc.MS_BIND)
        libc.mount(None, NAMESPACE_FOLDER, "none", MS_PRIVATE)
    make_rdomain(3)
    make_rdomain(4)
    assert any(field.startswith("shared:") for field in mounts_on(NAMESPACE_FOLDER)[-1])


def test_processes_that_want_it_at_once_get_the_same() -> None:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.close()
        maker.stdin = None
    inodes = {int(maker.communicate(timeout=30)[0]) for maker in makers}
    assert inodes == {rdomain_path(3).stat().st_ino}
    assert len(mounts_on(rdomain_path(3))) == 1


@pytest.mark.parametrize("missing", ["-sys_admin", "-net_admin"])
def test_one_who_has_no_right_to_leaves_nothing_behind(missing: str) -> None:
    """Without CAP_NET_ADMIN it fails on the way, in the new namespace."""
    words = ["setpriv", "--bounding-set", missing, sys.executable, "-c", POWERLESS_MAKER]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said == "Operation not permitted, True\n"
    assert not rdomain_path(3).exists()


def add_namespace(name: str) -> int:
    """Make a namespace as ip-netns(8) does, and return its inode."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    return (NAMESPACE_FOLDER / name).stat().st_ino


def test_an_rdomain_can_be_another_name_of_a_namespace() -> None:
    blue = add_namespace("blue")
    for _ in range(2):
        assert obstacle_to_name(3, "blue") is None
        name_rdomain(3, "blue")
        assert (rdomains(), rdomain_of(blue)) == ((3,), 3)
    assert len(mounts_on(rdomain_path(3))) == 1
    assert is_called(3, "blue")
    with inside_rdomain(3):
        assert inode() == blue
    subprocess.run(["ip", "netns", "delete", "rdomain3"], check=True)
    assert rdomains() == ()
    assert (NAMESPACE_FOLDER / "blue").stat().st_ino == blue


def test_a_namespace_that_is_not_there_is_no_rdomain() -> None:
    assert "there is no namespace" in str(obstacle_to_name(3, "blue"))
    add_namespace("blue")
    (NAMESPACE_FOLDER / "file").touch()
    assert "there is no namespace" in str(obstacle_to_name(3, "file"))
    with pytest.raises(FileExistsError, match="there is no namespace"):
        name_rdomain(3, "file")
    assert not rdomain_path(3).exists()
    assert not is_called(3, "blue")


def test_an_rdomain_that_is_another_namespace_stays_what_it_is() -> None:
    make_rdomain(3)
    add_namespace("blue")
    before = rdomain_path(3).stat().st_ino
    assert "is not the namespace" in str(obstacle_to_name(3, "blue"))
    with pytest.raises(FileExistsError):
        name_rdomain(3, "blue")
    assert rdomain_path(3).stat().st_ino == before
    assert not is_called(3, "blue")


def test_a_namespace_that_was_made_again_is_another() -> None:
    add_namespace("blue")
    name_rdomain(3, "blue")
    subprocess.run(["ip", "netns", "delete", "blue"], check=True)
    assert "there is no namespace" in str(obstacle_to_name(3, "blue"))
    add_namespace("blue")
    assert "is not the namespace" in str(obstacle_to_name(3, "blue"))
    assert not is_called(3, "blue")


def test_a_namespace_is_one_rdomain_only() -> None:
    add_namespace("blue")
    name_rdomain(3, "blue")
    assert "is rdomain 3 already" in str(obstacle_to_name(4, "blue"))
    subprocess.run(["ip", "netns", "attach", "here", str(os.getpid())], check=True)
    assert "that is rdomain 0" in str(obstacle_to_name(4, "here"))


# ---- removing ----


def marks() -> list[str]:
    return sorted(path.name for path in RUN_DIRECTORY.glob("rdomain*.namespace"))


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def test_a_namespace_of_ours_goes_when_it_is_empty() -> None:
    make_rdomain(3)
    make_rdomain(4)
    assert marks() == ["rdomain3.namespace", "rdomain4.namespace"]
    assert remove_rdomain(3)
    assert not rdomain_path(3).exists()
    assert rdomains() == (4,)
    assert marks() == ["rdomain4.namespace"]
    assert not remove_rdomain(3)
    make_rdomain(3)
    assert remove_rdomain(3), "the same number again"


def test_it_stays_as_long_as_anything_is_in_it() -> None:
    make_rdomain(3)
    ip("-n rdomain3 link add eth0 type veth peer name eth1")
    assert not remove_rdomain(3)
    ip("-n rdomain3 link del eth0")
    with inside_rdomain(3):
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        assert not remove_rdomain(3)
    finally:
        process.communicate()
    other = NAMESPACE_FOLDER / "other"
    other.touch()
    libc.mount(rdomain_path(3), other, "none", libc.MS_BIND)
    assert not remove_rdomain(3)
    ip("netns delete other")
    assert remove_rdomain(3)


def test_one_that_somebody_else_has_made_stays() -> None:
    ip("netns add rdomain3")
    assert not remove_rdomain(3)
    make_rdomain(3)
    assert not remove_rdomain(3), "it was there"
    make_rdomain(4)
    ip("netns delete rdomain4")
    ip("netns add rdomain4")
    assert not remove_rdomain(4), "it is another one, whose number may be the same"
    assert rdomains() == (3, 4)
    ip("netns delete rdomain4")
    assert not remove_rdomain(4)
    assert marks() == [], "and of one that is no more there is none"


@pytest.mark.parametrize("text", ["", "None lo", "12345 lo"])
def test_one_whose_mark_says_nothing_of_it_stays(text: str) -> None:
    make_rdomain(3)
    (RUN_DIRECTORY / "rdomain3.namespace").write_text(text)
    assert not remove_rdomain(3)
    assert rdomains() == (3,)


def test_rdomain_0_stays() -> None:
    assert not remove_rdomain(0)
    assert is_rdomain(0)
