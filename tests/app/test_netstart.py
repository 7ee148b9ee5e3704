"""The use case as a whole: real files, syntax and plans on a machine in memory."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.netstart import netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.errors import (
    BackendError,
    ConfigError,
    ExitStatus,
    PermissionDeniedError,
    UsageError,
)
from netstart_wg.model.guard import Guard
from netstart_wg.model.keys import PresharedKey, PrivateKey
from tests.app.machine_in_memory import Lines, LinksOfRdomain, MachineInMemory

PRIVATE_KEY = PrivateKey(bytes(range(32)))
PRESHARED_KEY = PresharedKey(bytes(range(64, 96)))
LAPTOP = derive_public_key(PrivateKey(bytes(range(1, 33)))).to_base64()
OFFICE = derive_public_key(PrivateKey(bytes(range(2, 34)))).to_base64()

ODD = "inet 10.0.0.1/24\nwgpeer " + LAPTOP + " wgaip 10.9.0.2/16\n"
"""A network that is written with the bits of a host."""

HUB = f"""\
wgkey {PRIVATE_KEY.to_base64()} wgport 51820
wgpeer {LAPTOP} wgdescr laptop wgaip 10.0.0.2/32
wgpeer {OFFICE} wgendpoint 192.0.2.1 51820 wgaip 10.1.0.0/16 wgpka 25 \\
    wgpsk {PRESHARED_KEY.to_base64()}
inet 10.0.0.1/24
"""


def write(folder: Path, text: str, interface: str = "wg0") -> Path:
    path = folder / f"hostname.{interface}"
    path.write_text(text)
    path.chmod(0o600)
    return path


def run(
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    *interfaces: str,
    allowed: frozenset[Guard] = frozenset(),
) -> ExitStatus:
    return netstart(folder, interfaces, Options(allowed=allowed), here.machine, lines)


def look(here: MachineInMemory, folder: Path, lines: Lines, *interfaces: str) -> ExitStatus:
    return preview(folder, interfaces, Options(), here.machine, lines)


class TestNew:
    def test_a_file_brings_up_an_interface(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.OK
        link, engine = here.system.links().observe("wg0"), here.engines.state("wg0")
        assert link is not None
        assert link.is_up
        assert [str(address) for address in link.addresses] == ["10.0.0.1/24"]
        assert engine is not None
        assert (engine.private_key, engine.listen_port) == (PRIVATE_KEY, 51820)
        assert [peer.public_key.to_base64() for peer in engine.peers] == [LAPTOP, OFFICE]
        assert engine.peers[1].preshared_key == PRESHARED_KEY

    def test_it_says_so_in_one_line(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, lines)
        assert lines.summaries == ["wg0: created, 2 peers added, 1 address added"]
        assert lines.said == lines.warnings == []

    def test_each_step_is_a_line_of_the_plan(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        look(here, folder, lines)
        run(here, folder, lines)
        assert lines.steps == lines.said

    def test_the_second_run_writes_nothing_and_says_nothing(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "inet6 fd00::1/64\nmtu 1380\ndescription hub\n!true\n")
        run(here, folder, lines)
        here.journal.writes.clear()
        again = Lines()
        assert run(here, folder, again) is ExitStatus.OK
        assert here.journal.writes == []
        assert vars(again) == vars(Lines())

    def test_a_record_that_was_lost_is_written_again_and_nothing_else(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, lines)
        here.system.records["wg0"] = "damaged"
        here.journal.writes.clear()
        # the endpoint is set once more: nobody knows any longer whether it is the file's
        assert run(here, folder, Lines()) is ExitStatus.OK
        assert here.journal.writes == ["write record"]

    def test_no_files_are_nothing_to_do(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        assert run(here, folder, lines) is ExitStatus.OK
        assert vars(lines) == vars(Lines())


class TestWarnings:
    def test_what_its_author_may_not_have_meant_is_told_when_something_changes(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        path = write(folder, ODD)
        assert run(here, folder, lines) is ExitStatus.OK
        (warning,) = lines.warnings
        assert warning.startswith(f"{path}:2:")

    def test_it_is_not_told_again_while_nothing_changes_but_by_a_preview(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, ODD)
        run(here, folder, lines)
        again, asked = Lines(), Lines()
        assert run(here, folder, again) is ExitStatus.OK
        assert again.warnings == again.summaries == []
        assert look(here, folder, asked) is ExitStatus.OK
        assert asked.warnings == lines.warnings


class TestPreview:
    def test_differences_are_told_and_nothing_is_changed(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        assert look(here, folder, lines) is ExitStatus.DIFFERENT
        assert lines.said[0] == "wg0: + create"
        assert "wg0: + inet 10.0.0.1/24" in lines.said
        assert here.journal.writes == []
        assert here.links.states == {}

    def test_no_secret_is_told(self, here: MachineInMemory, folder: Path, lines: Lines) -> None:
        write(folder, HUB + f"!echo {PRESHARED_KEY.to_base64()}\n")
        look(here, folder, lines)
        run(here, folder, lines)
        text = "\n".join([*lines.said, *lines.steps, *lines.summaries, *lines.warnings])
        text += here.system.records["wg0"]
        for secret in (PRIVATE_KEY, PRESHARED_KEY):
            assert secret.to_base64() not in text
            assert secret.to_hex() not in text

    def test_what_is_in_sync_has_no_lines(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        assert look(here, folder, lines) is ExitStatus.OK
        assert vars(lines) == vars(Lines())


class TestChange:
    def test_an_edit_changes_what_was_edited(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        here.journal.writes.clear()
        write(folder, HUB.replace("10.0.0.1/24", "10.0.0.9/24") + "mtu 1380\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.summaries == ["wg0: mtu set, 1 address added, 1 address removed"]
        assert here.journal.writes == [
            "set mtu 1380",
            "add address 10.0.0.9/24",
            "remove address 10.0.0.1/24",
            "write record",
        ]

    def test_what_somebody_changed_is_put_right(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        here.system.links().bring_down("wg0")
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.summaries == ["wg0: interface brought up"]

    def test_a_peer_that_left_the_file_goes(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        write(folder, HUB.replace(f"wgpeer {LAPTOP} wgdescr laptop wgaip 10.0.0.2/32\n", ""))
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.summaries == ["wg0: 1 peer removed"]


class TestCommands:
    def test_commands_run_in_their_places_and_once(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "!one $if\n" + HUB + "!two\n")
        assert run(here, folder, lines) is ExitStatus.OK
        steps = [entry for entry in here.journal.writes if entry != "write record"]
        assert steps[:3] == ["create", "run one wg0", "configure"]
        assert steps[-2:] == ["bring up", "run two"]
        assert lines.summaries == ["wg0: created, 2 peers added, 1 address added, 2 commands run"]

    def test_a_new_command_runs_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "!one\n")
        run(here, folder, Lines())
        here.journal.writes.clear()
        write(folder, HUB + "!one\n!two\n")
        assert run(here, folder, lines) is ExitStatus.OK
        assert [entry for entry in here.journal.writes if entry.startswith("run")] == ["run two"]
        assert lines.summaries == ["wg0: 1 command run"]

    def test_a_command_that_fails_is_a_warning_and_holds_up_nothing(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.failing_commands.add("one")
        write(folder, HUB + "!one\n!two\n")
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert lines.warnings == ["wg0: warning: command failed: exit status 1: !one"]
        assert "run two" in here.journal.writes
        assert run(here, folder, Lines()) is ExitStatus.OK

    def test_what_a_command_prints_is_told_without_keys(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        key = PRIVATE_KEY.to_base64()
        here.system.printed["one"] = ["[Interface]", f"PrivateKey = {key}"]
        here.system.failing_commands.add("one")
        write(folder, HUB + "!one\n")
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert lines.warnings == [
            "wg0: command: [Interface]",
            "wg0: command: PrivateKey = (hidden)",
            "wg0: warning: command failed: exit status 1: !one",
        ]

    def test_a_command_that_fails_is_told_without_its_secrets(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.failing_commands.add("login --password hunter2")
        write(folder, HUB + "!login --password hunter2\n")
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert lines.warnings == [
            "wg0: warning: command failed: exit status 1: !login --password (hidden)"
        ]

    def test_what_a_command_makes_of_the_interface_is_no_failure(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "!meddle\n")
        real = here.system.run_command

        def meddle(text: str, rdomain: int, tell: Callable[[str], None]) -> object:
            here.system.links(rdomain).set_mtu("wg0", 1280)
            return real(text, rdomain, tell)

        here.system.run_command = meddle  # type: ignore[method-assign,assignment]
        assert run(here, folder, lines) is ExitStatus.OK

    def test_a_run_killed_among_the_commands_repeats_none_that_ran(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB + "!one\n!two\n!three\n")
        here.journal.fault = "run two"
        run(here, folder, lines)
        here.journal.fault = None
        here.journal.writes.clear()
        assert run(here, folder, Lines()) is ExitStatus.OK
        runs = [entry for entry in here.journal.writes if entry.startswith("run")]
        assert runs == ["run two", "run three"]


class TestNames:
    NAMED = HUB.replace("192.0.2.1", "vpn.example.net")

    def test_a_name_is_looked_up_once(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.hosts["vpn.example.net"] = "192.0.2.7"
        write(folder, self.NAMED)
        assert run(here, folder, lines) is ExitStatus.OK
        assert run(here, folder, lines) is ExitStatus.OK
        assert here.system.looked_up == ["vpn.example.net"]
        engine = here.engines.state("wg0")
        assert engine is not None
        assert str(engine.peers[1].endpoint) == "192.0.2.7:51820"

    def test_a_name_without_address_holds_up_nothing_and_is_tried_again(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, self.NAMED)
        assert run(here, folder, lines) is ExitStatus.WARNINGS
        assert lines.warnings == [
            'wg0: warning: endpoint "vpn.example.net": name or service not known'
        ]
        engine = here.engines.state("wg0")
        assert engine is not None
        assert engine.peers[1].endpoint is None
        assert engine.peers[1].persistent_keepalive == 25
        assert run(here, folder, Lines()) is ExitStatus.WARNINGS
        here.system.hosts["vpn.example.net"] = "192.0.2.7"
        again = Lines()
        assert run(here, folder, again) is ExitStatus.OK
        assert again.summaries == ["wg0: 1 peer changed"]

    def test_a_peer_that_roamed_is_left_where_it_is(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.hosts["vpn.example.net"] = "192.0.2.7"
        write(folder, self.NAMED)
        run(here, folder, lines)
        here.system.hosts["vpn.example.net"] = "192.0.2.99"
        here.journal.writes.clear()
        assert run(here, folder, lines) is ExitStatus.OK
        assert here.journal.writes == []


class TestSeveral:
    def test_all_are_brought_about_in_the_shells_order(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        for interface in ("wg2", "wg10", "wg0"):
            write(folder, "inet 10.0.0.1/24\n", interface)
        assert run(here, folder, lines) is ExitStatus.OK
        assert [line.partition(":")[0] for line in lines.summaries] == ["wg0", "wg10", "wg2"]

    def test_a_bad_file_stops_nothing_but_itself(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "inet 10.0.0.1/33\n", "wg0")
        write(folder, HUB, "wg1")
        assert run(here, folder, lines) is ExitStatus.CONFIG
        assert list(here.links.states) == ["wg1"]
        (warning,) = lines.warnings
        assert warning.startswith(f"{folder}/hostname.wg0:1:")

    def test_a_bad_file_is_worse_than_a_difference(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, "nonsense\n", "wg0")
        write(folder, HUB, "wg1")
        assert look(here, folder, lines) is ExitStatus.CONFIG
        assert lines.said[0] == "wg1: + create"

    def test_a_named_interface_without_file_does_not_hold_up_the_others(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        assert run(here, folder, lines, "wg9", "wg0") is ExitStatus.CONFIG
        assert list(here.links.states) == ["wg0"]
        (warning,) = lines.warnings
        assert warning.startswith(f"{folder}/hostname.wg9: ")
        assert "no such file" in warning.lower()

    def test_only_what_is_named_is_brought_about(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB, "wg0")
        write(folder, HUB, "vpn7")
        assert run(here, folder, lines, "vpn7") is ExitStatus.OK
        assert list(here.links.states) == ["vpn7"]

    def test_a_duplicate_interface_is_wrong_usage_and_touches_nothing(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        with pytest.raises(UsageError, match="duplicate interface"):
            run(here, folder, lines, "wg0", "wg0")
        assert here.journal.writes == []

    def test_an_interface_somebody_is_at_work_on_is_busy(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB, "wg0")
        write(folder, HUB, "wg1")
        here.system.locked.add("wg0")
        assert run(here, folder, lines) is ExitStatus.BUSY
        assert list(here.links.states) == ["wg1"]


class TestRefusals:
    def test_without_root_nothing_is_even_read(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.system.has_root = False
        write(folder, "nonsense\n")
        for use_case in (run, look):
            with pytest.raises(PermissionDeniedError, match="need root privileges"):
                use_case(here, folder, lines)
        assert vars(lines) == vars(Lines())

    def test_a_folder_that_is_not_there_is_bad_configuration(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        with pytest.raises(ConfigError, match="nowhere: no such file or directory"):
            run(here, folder / "nowhere", lines)

    def test_an_interface_without_engine_of_ours_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.links.add("wg0")
        write(folder, HUB)
        for use_case in (run, look):
            assert use_case(here, folder, lines) is ExitStatus.FAILED
        assert here.journal.writes == []
        assert "exists and is not ours" in lines.warnings[0]

    def test_another_programs_engine_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        here.links.add("wg0")
        here.engines.foreign.add("wg0")
        write(folder, HUB)
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.journal.writes == []
        assert "another program's" in lines.warnings[0]

    def test_an_interface_of_the_former_name_of_ours_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        here.engines.renamed.add("wg0")
        here.journal.writes.clear()
        write(folder, HUB + "mtu 1280\n")
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert "renamed" in lines.warnings[0]
        assert here.journal.writes == []

    def test_an_engine_whose_interface_is_elsewhere_is_left_alone(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        del here.links.states["wg0"]
        here.journal.writes.clear()
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.journal.writes == []
        assert "renamed, or is in a network namespace that is no rdomain" in lines.warnings[0]


class TestPermissions:
    def test_an_insecure_file_is_mended_with_a_warning_and_used(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        path = write(folder, HUB)
        here.system.insecure_files.add(path)
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings == [f"WARNING: {path} is insecure, fixing permissions."]
        assert here.journal.writes[0] == f"fix permissions {path}"
        assert list(here.links.states) == ["wg0"]

    def test_a_preview_only_says_so(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        path = write(folder, HUB)
        here.system.insecure_files.add(path)
        assert look(here, folder, lines) is ExitStatus.DIFFERENT
        assert lines.warnings == [f"WARNING: {path} is insecure, permissions would be fixed."]
        assert here.journal.writes == []

    def test_a_file_that_cannot_be_mended_is_used_all_the_same(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        path = write(folder, HUB)
        here.system.insecure_files.add(path)
        here.system.files_are_read_only = True
        assert run(here, folder, lines) is ExitStatus.OK
        assert lines.warnings[-1] == f"WARNING: {path}: permissions not fixed: " + (
            "read-only file system"
        )
        assert list(here.links.states) == ["wg0"]


WRITES = ["create", "configure", "set mtu", "set description", "add address", "bring up"]


class TestFailure:
    WISH = HUB + "mtu 1380\ndescription hub\n!command\n"

    @pytest.mark.parametrize("fault", [*WRITES, "write record"])
    def test_a_new_interface_that_cannot_be_finished_is_removed_again(
        self, here: MachineInMemory, folder: Path, lines: Lines, fault: str
    ) -> None:
        write(folder, self.WISH)
        here.journal.fault = fault
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.links.states == {}
        assert here.engines.state("wg0") is None
        assert here.system.records == {}
        assert "run command" not in here.journal.writes
        assert lines.warnings[-1].startswith(f"wg0: {fault}")
        assert lines.summaries == []
        here.journal.fault = None
        assert run(here, folder, lines) is ExitStatus.OK

    @pytest.mark.parametrize("fault", ["configure", "set description", "add address", "remove"])
    def test_an_interface_that_was_there_goes_back_to_what_it_was(
        self, here: MachineInMemory, folder: Path, lines: Lines, fault: str
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        state, engine = here.links.states["wg0"], here.engines.state("wg0")
        record = here.system.records["wg0"]
        write(folder, self.WISH.replace("10.0.0.1", "10.0.0.9").replace("51820", "51821"))
        here.journal.fault = fault
        is_needed_to_go_back = fault == "remove"
        assert run(here, folder, lines) is (
            ExitStatus.NOT_RESTORED if is_needed_to_go_back else ExitStatus.FAILED
        )
        if is_needed_to_go_back:
            assert "wg0: - inet 10.0.0.9/24 (not restored)" in lines.warnings
        else:
            assert here.links.states["wg0"] == state
            assert here.engines.state("wg0") == engine
            assert "wg0: everything is again as it was" in lines.warnings
        assert here.system.records["wg0"] == record
        assert "run command" not in here.journal.writes
        assert lines.warnings[-1].endswith("input/output error")
        assert here.system.links().observe("wg0") is not None
        here.journal.fault = None
        assert run(here, folder, Lines()) is ExitStatus.OK

    def test_a_first_change_that_fails_has_changed_nothing(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        run(here, folder, Lines())
        before = here.system.links().observe("wg0")
        write(folder, HUB + "mtu 1380\n")
        here.journal.fault = "set mtu"
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.system.links().observe("wg0") == before
        assert lines.warnings == ["wg0: set mtu: input/output error"]

    def test_a_new_interface_that_cannot_even_be_removed_needs_a_person(
        self, here: MachineInMemory, folder: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, HUB)
        here.journal.fault = "add address"

        def refuse(interface: str) -> None:
            raise BackendError("destroy", interface, "device or resource busy", errno.EBUSY)

        monkeypatch.setattr(here.engines, "destroy", refuse)
        assert run(here, folder, lines) is ExitStatus.NOT_RESTORED
        assert lines.warnings[-1] == "wg0: destroy: device or resource busy"

    def test_writes_that_have_no_effect_are_found_out(
        self, here: MachineInMemory, folder: Path, lines: Lines
    ) -> None:
        write(folder, HUB)
        here.links.is_deaf = True
        assert run(here, folder, lines) is ExitStatus.FAILED
        assert here.links.states == {}
        assert "wg0: verify: it still differs from what it shall be" in lines.warnings[-1]
        assert "wg0: + inet 10.0.0.1/24" in lines.warnings[-1]

    def test_an_interrupted_run_removes_what_it_created(
        self, here: MachineInMemory, folder: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, HUB)

        def interrupt(_links: LinksOfRdomain, interface: str) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(LinksOfRdomain, "bring_up", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(here, folder, lines)
        assert here.links.states == {}


def test_what_changes_between_the_plan_and_the_lock_is_planned_anew(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    real = here.system.lock

    def lock_after_somebody_else(interface: str) -> object:
        here.system.lock = real  # type: ignore[method-assign]
        assert run(here, folder, Lines()) is ExitStatus.OK
        here.journal.writes.clear()
        return real(interface)

    here.system.lock = lock_after_somebody_else  # type: ignore[method-assign,assignment]
    assert run(here, folder, lines) is ExitStatus.OK
    assert [entry for entry in here.journal.writes if entry != "write record"] == []
    assert lines.summaries == []


def test_a_replaced_interface_gets_its_commands_again(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB + "!one\n")
    run(here, folder, Lines())
    here.engines.destroy("wg0")
    here.journal.writes.clear()
    assert run(here, folder, lines) is ExitStatus.OK
    assert "run one" in here.journal.writes


def test_a_foreign_address_the_file_does_not_know_goes(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    run(here, folder, Lines())
    state = here.links.states["wg0"]
    here.links.states["wg0"] = replace(
        state, addresses=(*state.addresses, ip_interface("10.9.0.1/24"))
    )
    assert run(here, folder, lines) is ExitStatus.OK
    assert lines.steps == ["wg0: - inet 10.9.0.1/24"]
