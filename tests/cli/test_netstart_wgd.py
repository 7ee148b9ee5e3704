"""The command line of `netstart-wgd`, as far as nothing is opened for it."""

from __future__ import annotations

import pytest

from netstart_wg.cli.netstart_wgd import main
from netstart_wg.errors import ExitStatus
from netstart_wg.model.offload import Offload


@pytest.mark.parametrize("names", ["nonsense", "udp-gso,nonsense", "nonsense,udp-gso"])
def test_an_offload_that_there_is_not_is_answered_with_those_there_are(
    names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--without", names, "wg0"]) == ExitStatus.USAGE
    first, *_ = capsys.readouterr().err.splitlines()
    assert '"nonsense"' in first
    assert all(each.value in first.partition(" is none of ")[2] for each in Offload)
