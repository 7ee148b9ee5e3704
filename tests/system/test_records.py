from __future__ import annotations

import os

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.system.paths import RUN_DIRECTORY, fixpoint_path, record_path
from netstart_wg.system.records import (
    SIZE_LIMIT,
    read_fixpoint,
    read_record,
    remove_record,
    write_fixpoint,
    write_record,
)

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def test_what_was_written_is_read() -> None:
    write_record("wg0", "one\n")
    write_record("wg0", "two\n")
    assert read_record("wg0") == "two\n"


def test_nothing_but_the_record_is_left_and_it_is_roots_alone() -> None:
    write_record("wg0", "text")
    assert [path.name for path in RUN_DIRECTORY.iterdir()] == ["wg0.json"]
    assert RUN_DIRECTORY.stat().st_mode & 0o777 == 0o700
    assert record_path("wg0").stat().st_mode & 0o777 == 0o600


def test_no_record_is_none() -> None:
    assert read_record("wg0") is None


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"x" * (SIZE_LIMIT + 1)], ids=["bytes", "size"])
def test_a_damaged_record_is_none(octets: bytes) -> None:
    write_record("wg0", "text")
    record_path("wg0").write_bytes(octets)
    assert read_record("wg0") is None


def test_a_record_is_read_by_no_link() -> None:
    write_record("wg0", "text")
    record_path("wg1").symlink_to(record_path("wg0"))
    assert read_record("wg1") is None


def test_a_record_in_somebody_elses_folder_is_none() -> None:
    write_record("wg0", "text")
    os.chown(RUN_DIRECTORY, 65534, 65534)
    assert read_record("wg0") is None


def test_a_pipe_in_a_records_place_is_none_and_waited_for_by_nobody() -> None:
    RUN_DIRECTORY.mkdir(mode=0o700)
    os.mkfifo(record_path("wg0"))
    assert read_record("wg0") is None


def test_a_record_that_cannot_be_replaced_stays_and_leaves_no_draft() -> None:
    RUN_DIRECTORY.mkdir(mode=0o700)
    record_path("wg0").mkdir()
    with pytest.raises(BackendError, match=r"write the record: /run/netstart-wg/wg0\.json"):
        write_record("wg0", "text")
    assert [path.name for path in RUN_DIRECTORY.iterdir()] == ["wg0.json"]


def test_a_removed_record_is_none_and_may_be_removed_again() -> None:
    write_record("wg0", "text")
    remove_record("wg0")
    remove_record("wg0")
    assert read_record("wg0") is None


def test_a_fixpoint_is_kept_beside_the_record_and_goes_with_it() -> None:
    write_record("wg0", "record")
    write_fixpoint("wg0", "fixpoint")
    assert (read_record("wg0"), read_fixpoint("wg0")) == ("record", "fixpoint")
    assert fixpoint_path("wg0").stat().st_mode & 0o777 == 0o600
    remove_record("wg0")
    assert list(RUN_DIRECTORY.iterdir()) == []
    assert read_fixpoint("wg0") is None
