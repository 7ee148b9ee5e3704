"""What the tests in namespaces share: hosts that are gone after the test, and when not to run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from inspect import signature
from pathlib import Path
from shutil import which

import pytest

from tests.netns.engines import Engine
from tests.netns.hosts import HostMaker, hosts
from tests.netns.kinds import ENGINES as ENGINE_KINDS
from tests.netns.kinds import Kind
from tests.netns.obstacles import give_up
from tests.netns.scenarios import ENGINES, hold_to_the_table

HERE = Path(__file__).parent
NEEDED = (
    "unshare",
    "nsenter",
    "ip",
    "ss",
    "wg",
    "wireguard-go",
    "ping",
    "iperf3",
    "strace",
    "tcpdump",
    "setpriv",
    "flock",
    "netstat",
    "openssl",
)


@cache
def obstacle() -> str | None:
    """Return why these tests cannot run on this machine, or None."""
    if os.geteuid() != 0:
        return "not root"
    if not Path("/dev/net/tun").is_char_device():
        return "no /dev/net/tun"
    try:
        Path("/dev/net/tun").open("r+b", buffering=0).close()
    except OSError as error:
        return f"/dev/net/tun: {error.strerror}"
    missing = [tool for tool in NEEDED if which(tool) is None]
    if missing:
        return f"missing tools: {', '.join(missing)}"
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "true"]
    attempt = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"no namespaces: {attempt.stderr.strip()}" if attempt.returncode else None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(number): see tests/netns/scenarios.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.root)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip where there are no namespaces; but on CI there must be."""
    reason = obstacle()
    if reason is not None:
        give_up(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a scenario's test, and compare what it saw with what is recorded."""
    marker = pyfuncitem.get_closest_marker("scenario")
    if marker is None:
        return None
    wanted = signature(pyfuncitem.obj).parameters
    error = None
    try:
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
    except AssertionError as seen:
        error = seen
    (number,), engine = marker.args, pyfuncitem.funcargs["engine"]
    assert isinstance(engine, Engine)
    hold_to_the_table(number, engine, error)
    return True


@pytest.fixture(scope="module", params=ENGINES, ids=lambda each: each.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, of those that are here."""
    each = request.param
    assert isinstance(each, Engine)
    if (reason := each.obstacle()) is not None:
        give_up(reason)
    return each


@pytest.fixture(scope="module", params=ENGINE_KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind in turn, of those that the kernel has."""
    each = request.param
    assert isinstance(each, Kind)
    return each


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[HostMaker]:
    """Make hosts by name, for one test."""
    with hosts(tmp_path) as maker:
        yield maker
