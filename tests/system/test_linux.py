from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from netstart_wg.errors import BackendError, NoSuchRdomainError
from netstart_wg.model.settings import RdomainKind, RdomainPlace
from netstart_wg.system import libc
from netstart_wg.system.linux import Linux
from netstart_wg.system.namespaces import NAMESPACE_FOLDER, rdomain_path
from tests.system.vrf_kernel import kernel_has_vrfs

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def test_the_links_of_an_rdomain_are_one_object_until_closed(linux: Linux) -> None:
    linux.make_rdomain(3)
    assert linux.links(3) is linux.links(3) is not linux.links()
    assert linux.links(0) is linux.links()
    before = linux.links(3)
    linux.close()
    assert linux.links(3) is not before


def test_there_are_no_links_of_an_rdomain_that_is_not_there(linux: Linux) -> None:
    with pytest.raises(NoSuchRdomainError, match=r"^rdomain 3 does not exist$"):
        linux.links(3)
    linux.make_rdomain(3)
    assert linux.links(3).observe("lo") is not None


def test_rdomains_are_listed_and_found_by_inode(linux: Linux) -> None:
    linux.make_rdomain(3)
    linux.make_rdomain(0)
    assert linux.rdomains() == (3,)
    assert linux.rdomain_of(rdomain_path(3).stat().st_ino) == 3
    assert linux.rdomain_of(Path("/proc/thread-self/ns/net").stat().st_ino) == 0


def test_an_rdomain_that_cannot_be_made_is_refused(linux: Linux) -> None:
    NAMESPACE_FOLDER.mkdir()
    libc.mount(None, NAMESPACE_FOLDER, "tmpfs", libc.MS_RDONLY)
    with pytest.raises(BackendError, match=r"^rdomain 3: make: read-only file system$"):
        linux.make_rdomain(3)
    assert linux.rdomains() == ()


def test_a_command_runs_in_an_rdomain(linux: Linux, tmp_path: Path) -> None:
    linux.make_rdomain(3)
    assert linux.run_command(f"readlink /proc/self/ns/net >{tmp_path}/o", 3, print).failure is None
    assert (tmp_path / "o").read_text() == f"net:[{rdomain_path(3).stat().st_ino}]\n"


def test_a_place_that_is_missing_is_never_replaced_by_another(linux: Linux) -> None:
    place = RdomainPlace(kind=RdomainKind.NAMESPACE, name="blue")
    linux.place_rdomains({3: place})
    for work in (linux.check_rdomain, linux.make_rdomain):
        with pytest.raises(BackendError, match=r'^rdomain 3: use: there is no namespace "blue"\n'):
            work(3)
    assert linux.rdomains() == ()
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    linux.make_rdomain(3)
    assert linux.is_rdomain_called(3, "blue")
    assert not linux.remove_rdomain(3), "it is somebody else's"
    linux.place_rdomains({})
    assert not linux.remove_rdomain(3), "and stays that"
    assert linux.rdomains() == (3,)


@pytest.mark.skipif(kernel_has_vrfs(), reason="this kernel has VRFs: see test_vrfs.py")
def test_a_kernel_without_vrfs_says_so_and_makes_nothing_else(linux: Linux) -> None:
    linux.place_rdomains({3: RdomainPlace(kind=RdomainKind.VRF, name="red")})
    linux.check_rdomain(3)
    with pytest.raises(BackendError, match=r"^rdomain 3: make: this kernel has no VRFs$"):
        linux.make_rdomain(3)
    assert linux.rdomains() == ()
