from __future__ import annotations

import os
from pathlib import Path

import pytest

from netstart_wg.errors import UsageError
from netstart_wg.system.hostname_files import (
    HostnamePath,
    find,
    fix_permissions,
    interface_of,
    is_insecure,
    is_interface_name,
    name_files,
)


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_files_come_in_the_shells_order(tmp_path: Path) -> None:
    make(tmp_path, "hostname.wg2", "hostname.wg10", "hostname.wg0", "hostname.wg1")
    assert [found.interface for found in find(tmp_path)] == ["wg0", "wg1", "wg10", "wg2"]


def test_a_found_file_comes_with_its_path(tmp_path: Path) -> None:
    make(tmp_path, "hostname.wg0")
    assert find(tmp_path) == (HostnamePath("wg0", tmp_path / "hostname.wg0"),)


@pytest.mark.parametrize(
    "name",
    [
        "hostname.wg0.bak",
        "hostname.wg0~",
        "hostname.wg",
        "hostname.wg-0",
        "hostname.em0",
        "hostname.wga0",
        "hostname.WG0",
        ".hostname.wg0",
        "xhostname.wg0",
        "hostname.wg0 ",
        "hostname.wg0\n",
        "hostname.wg\u0660",
        "hostname.wg12345678901234",
    ],
)
def test_other_names_are_skipped(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    assert find(tmp_path) == ()


def test_a_link_to_nowhere_is_found_so_that_it_can_be_complained_of(tmp_path: Path) -> None:
    (tmp_path / "hostname.wg0").symlink_to("nowhere")
    assert [found.interface for found in find(tmp_path)] == ["wg0"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find(tmp_path / "nowhere")


def test_named_interfaces_keep_their_order_and_need_not_exist(tmp_path: Path) -> None:
    assert name_files(tmp_path, ["wg9", "vpn1"]) == (
        HostnamePath("wg9", tmp_path / "hostname.wg9"),
        HostnamePath("vpn1", tmp_path / "hostname.vpn1"),
    )


def test_a_duplicate_interface_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='duplicate interface "wg0"'):
        name_files(tmp_path, ["wg0", "wg1", "wg0"])


@pytest.mark.parametrize(
    "text", ["", "start", "wg", "0", "wg0.bak", "../wg0", "wg0/1", "wg0\n", "wg1234567890123456"]
)
def test_what_is_no_interface_name_is_wrong_usage(tmp_path: Path, text: str) -> None:
    assert not is_interface_name(text)
    with pytest.raises(UsageError, match="neither a command nor an interface"):
        name_files(tmp_path, [text])


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own a file as root does")
class TestPermissions:
    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o400, 0o770])
    def test_the_group_bits_are_free(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "hostname.wg0"
        path.touch()
        path.chmod(mode)
        assert not is_insecure(path)

    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601, 0o666])
    def test_any_bit_of_the_others_is_taken_away(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "hostname.wg0"
        path.touch()
        path.chmod(mode)
        assert is_insecure(path)
        fix_permissions(path)
        assert not is_insecure(path)
        assert path.stat().st_mode & 0o777 == mode & 0o770

    @pytest.mark.parametrize("mode", [0o644, 0o646, 0o664, 0o602])
    def test_a_file_without_secrets_may_be_read_but_not_written(
        self, tmp_path: Path, mode: int
    ) -> None:
        path = tmp_path / "netstart-wg.toml"
        path.touch()
        path.chmod(mode)
        assert is_insecure(path, may_be_read=True) == bool(mode & 0o002)
        fix_permissions(path, may_be_read=True)
        assert not is_insecure(path, may_be_read=True)
        assert path.stat().st_mode & 0o777 == mode & ~0o002

    @pytest.mark.parametrize(("user", "group"), [(1000, 0), (0, 1000)])
    def test_a_file_of_somebody_else_becomes_roots(
        self, tmp_path: Path, user: int, group: int
    ) -> None:
        path = tmp_path / "hostname.wg0"
        path.touch(0o600)
        os.chown(path, user, group)
        assert is_insecure(path)
        fix_permissions(path)
        assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)

    def test_what_is_no_regular_file_is_not_mended(self, tmp_path: Path) -> None:
        pipe, folder = tmp_path / "pipe", tmp_path / "folder"
        os.mkfifo(pipe, 0o666)
        folder.mkdir()
        link = tmp_path / "hostname.wg0"
        link.symlink_to("/dev/null")
        for path in (pipe, folder, link):
            before = path.stat().st_mode
            assert not is_insecure(path)
            fix_permissions(path)
            assert path.stat().st_mode == before

    def test_what_a_link_points_to_counts(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.touch()
        target.chmod(0o644)
        link = tmp_path / "hostname.wg0"
        link.symlink_to(target)
        assert is_insecure(link)
        fix_permissions(link)
        assert link.is_symlink()
        assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "interface"),
    [
        ("hostname.wg0", "wg0"),
        ("hostname.tun17", "tun17"),
        ("hostname.wg0.bak", None),
        ("hostname.wg", None),
        ("hostname.", None),
        ("wg0", None),
        ("hostname.wg12345678901234", None),
    ],
)
def test_a_file_is_about_the_interface_that_its_name_ends_in(
    name: str, interface: str | None
) -> None:
    assert interface_of(Path("/tmp") / name) == interface
