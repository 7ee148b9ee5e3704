"""What is asked of systemd, and what is made of its answers; `tests/vm` has systemd itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.system import service_manager

SYSTEMCTL = """\
#!/bin/sh
echo "$@" >>{folder}/asked
case $1 in
start) exit $(cat {folder}/status) ;;
show) cat {folder}/shown; [ ! -e {folder}/next ] || mv {folder}/next {folder}/shown ;;
esac
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a systemctl(1) that says what is written there."""
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(folder=tmp_path))
    program.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def asked(systemd: Path) -> list[str]:
    return [line.split()[0] for line in (systemd / "asked").read_text().splitlines()]


def test_a_tree_that_nobody_has_installed_starts_no_units() -> None:
    assert not service_manager.is_in_charge()


def test_a_unit_that_starts_is_asked_for_once(systemd: Path) -> None:
    service_manager.start("netstart-wgd@wg0.service", "start the engine", "wg0")
    assert asked(systemd) == ["reset-failed", "start"]


def test_one_that_does_not_is_stopped_again_and_says_why_itself(systemd: Path) -> None:
    (systemd / "status").write_text("1")
    (systemd / "shown").write_text(
        "Result=exit-code\nStatusText=wg0: open: /dev/net/tun: no such file; hint: load it\n"
    )
    said = "^wg0: start the engine: open: /dev/net/tun: no such file\n    hint: load it$"
    with pytest.raises(BackendError, match=said):
        service_manager.start("netstart-wgd@wg0.service", "start the engine", "wg0")
    assert asked(systemd) == ["reset-failed", "start", "show", "stop", "reset-failed"]


def test_one_that_says_nothing_is_named_with_its_result(systemd: Path) -> None:
    (systemd / "status").write_text("1")
    (systemd / "shown").write_text("Result=timeout\nStatusText=\n")
    with pytest.raises(BackendError, match=r"netstart-wgd@wg0\.service: timeout"):
        service_manager.start("netstart-wgd@wg0.service", "start the engine", "wg0")


def test_a_unit_is_expected_until_it_is_neither_running_nor_starting(systemd: Path) -> None:
    (systemd / "shown").write_text("ActiveState=activating\n")
    (systemd / "next").write_text("ActiveState=failed\n")
    assert list(service_manager.while_expected("netstart-wgd@wg0.service")) == [None]
    assert list(service_manager.while_expected("netstart-wgd@wg0.service")) == []


def test_without_systemctl_nothing_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list(service_manager.while_expected("netstart-wgd@wg0.service")) == []
    with pytest.raises(BackendError):
        service_manager.start("netstart-wgd@wg0.service", "start the engine", "wg0")
