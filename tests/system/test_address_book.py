"""What is remembered of hosts."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from netstart_wg.system.address_book import HOSTS_LIMIT, AddressBook

HERE, THERE = ip_address("192.0.2.1"), ip_address("2001:db8::2")


def test_what_is_learnt_is_known_later(tmp_path: Path) -> None:
    path = tmp_path / "state" / "endpoints.json"
    AddressBook(path).learn({"a.example": HERE, "b.example": THERE})
    AddressBook(path).learn({"a.example": THERE})
    assert AddressBook(path).read() == {"a.example": THERE, "b.example": THERE}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "endpoints.json")
    book.learn({"a.example": HERE})
    before = (tmp_path / "endpoints.json").stat()
    book.learn({"a.example": HERE})
    assert (tmp_path / "endpoints.json").stat().st_ino == before.st_ino


def test_a_book_that_cannot_be_read_is_empty_and_one_that_cannot_be_written_no_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / "endpoints.json"
    assert AddressBook(path).read() == {}
    for text in ("", "[]", "{", '{"a": "b"}', "\\0"):
        path.write_text(text)
        assert AddressBook(path).read() == {}
    nowhere = AddressBook(path / "endpoints.json")
    nowhere.learn({"a.example": HERE})
    assert nowhere.read() == {}


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "endpoints.json")
    book.learn({f"{number}.example": HERE for number in range(HOSTS_LIMIT)})
    book.learn({"new.example": THERE})
    known = book.read()
    assert len(known) == HOSTS_LIMIT
    assert "0.example" not in known
    assert known["new.example"] == THERE
