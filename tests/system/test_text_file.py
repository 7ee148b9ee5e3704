from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from netstart_wg.system.text_file import replace_text


def test_the_text_is_new_and_the_mode_old(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    for mode in (0o600, 0o640, 0o400, 0o644):
        path.chmod(mode)
        replace_text(path, f"mtu 1400\n# caf\u00e9 {mode}\n")
        assert path.read_text() == f"mtu 1400\n# caf\u00e9 {mode}\n"
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    os.chown(path, 65534, 12345)
    path.chmod(0o640)
    replace_text(path, "down\n")
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (65534, 12345)
    assert stat.S_IMODE(status.st_mode) == 0o640


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    replace_text(path, "down\n")
    assert os.getxattr(path, "user.note") == b"mine"


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target = folder / "wg0.conf"
    target.write_text("up\n")
    link = tmp_path / "hostname.wg0"
    link.symlink_to("elsewhere/wg0.conf")
    replace_text(link, "down\n")
    assert link.is_symlink()
    assert target.read_text() == "down\n"
    assert list(folder.iterdir()) == [target]


def test_a_dangling_link_makes_no_file(tmp_path: Path) -> None:
    link = tmp_path / "hostname.wg0"
    link.symlink_to("nowhere")
    with pytest.raises(FileNotFoundError):
        replace_text(link, "down\n")
    assert list(tmp_path.iterdir()) == [link]


def test_a_reader_of_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    with path.open() as reader:
        replace_text(path, "down\n")
        assert reader.read() == "up\n"


def test_nothing_is_left_behind_and_the_old_text_stays_if_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "\ud800")
    assert path.read_text() == "up\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_is_never_open_to_others_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hostname.wg0"
    path.write_text("up\n")
    path.chmod(0o600)
    seen: list[int] = []
    watched = os.fsync

    def look(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        watched(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        replace_text(path, "down\n")
    finally:
        os.umask(before)
    assert seen == [0o600]
