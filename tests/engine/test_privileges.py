"""Giving up privileges, each in a process of its own, which has none to give back."""

from __future__ import annotations

import os
import pwd
import resource
import subprocess
import sys

import pytest

from netstart_wg.engine.account import FALLBACK_ID, NAMES, Account, find_account
from netstart_wg.errors import BackendError, UsageError

OPENER_SETS = "0000000000201400"

LOCK = """
import resource
from netstart_wg.engine.privileges import lock_memory
{before}
print(lock_memory())
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")))
"""


def run(program: str) -> str:
    """Run a program of Python; return what it prints."""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def entry(name: str, user: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", user, user + 1, "", "/", "/usr/sbin/nologin"))


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> list[pwd.struct_passwd]:
    """The users of a system."""
    known = [entry("root", 0), entry("carrier", 500)]

    def find(field: str, value: object) -> pwd.struct_passwd:
        for each in known:
            if getattr(each, field) == value:
                return each
        raise KeyError(value)

    monkeypatch.setattr(pwd, "getpwnam", lambda name: find("pw_name", name))
    monkeypatch.setattr(pwd, "getpwuid", lambda number: find("pw_uid", number))
    return known


# -- who ---------------------------------------------------------------------------------------


def test_a_user_is_found_by_name_or_number(accounts: list[pwd.struct_passwd]) -> None:
    assert find_account("carrier") == find_account("500") == Account("carrier", 500, 501)


@pytest.mark.parametrize("name", ["nobody-at-all", "501", "-500", "", "\u0665\u0660\u0660"])
def test_a_user_who_does_not_exist_is_a_mistake_of_usage(
    accounts: list[pwd.struct_passwd], name: str
) -> None:
    with pytest.raises(UsageError, match="there is no user"):
        find_account(name)


@pytest.mark.parametrize("name", ["root", "0"])
def test_root_has_an_option_of_its_own(accounts: list[pwd.struct_passwd], name: str) -> None:
    with pytest.raises(UsageError, match="--keep-root"):
        find_account(name)


def test_the_users_for_engines_have_an_order(accounts: list[pwd.struct_passwd]) -> None:
    for at, name in enumerate(reversed(NAMES)):
        accounts.append(entry(name, 600 + at))
        assert find_account(None) == Account(name, 600 + at, 601 + at)


def test_a_user_for_engines_who_is_root_is_none(accounts: list[pwd.struct_passwd]) -> None:
    accounts.append(entry(NAMES[0], 0))
    assert find_account(None).user == FALLBACK_ID


def test_without_a_user_for_engines_a_number_is_taken_that_nobody_has(
    accounts: list[pwd.struct_passwd],
) -> None:
    assert find_account(None) == Account(str(FALLBACK_ID), FALLBACK_ID, FALLBACK_ID)
    accounts.append(entry("somebody", FALLBACK_ID))
    with pytest.raises(BackendError, match="is 'somebody'"):
        find_account(None)


def test_the_number_is_given_out_by_neither_debian_nor_systemd() -> None:
    """Debian policy 9.2.2 reserves 65000 to 65533; systemd's dynamic users end at 65519."""
    assert 65519 < FALLBACK_ID <= 65533


# -- what --------------------------------------------------------------------------------------


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_is_given_up_cannot_be_had_again() -> None:
    program = (
        "import os\n"
        "from netstart_wg.engine.account import Account\n"
        "from netstart_wg.engine.privileges import become\n"
        "os.setgroups([4, 5])\n"
        "become(Account('x', 4711, 4712))\n"
        "print(os.getresuid(), os.getresgid(), os.getgroups())\n"
        "for call in (lambda: os.setresuid(0, 0, 0), lambda: os.open('/etc/shadow', 0)):\n"
        "    try:\n"
        "        call()\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
        "print(os.system('grep -q \"CapPrm:.*0000000000000000\" /proc/self/status'))\n"
    )
    said = run(program).splitlines()
    assert said == [f"{(4711,) * 3} {(4712,) * 3} []", "refused", "refused", "0"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_keeps_what_it_is_told_to_and_gains_nothing_by_running_a_program() -> None:
    program = (
        "import os\n"
        "from netstart_wg.engine.privileges import OPENER, keep\n"
        "keep(OPENER)\n"
        "keep(OPENER)\n"
        "os.system('cat /proc/self/status')\n"
    )
    fields = dict(line.split(":\t", 1) for line in run(program).splitlines() if ":\t" in line)
    # what runs as root would have all capabilities again, were there no bounding set
    assert fields["CapPrm"] == fields["CapEff"] == fields["CapBnd"] == OPENER_SETS
    assert fields["NoNewPrivs"] == "1"


def test_whoever_has_nothing_has_nothing_to_give_up() -> None:
    program = (
        "import os\n"
        "if os.geteuid() == 0:\n"
        "    os.setresgid(4711, 4711, 4711)\n"
        "    os.setresuid(4711, 4711, 4711)\n"
        "keep(OPENER)\n"
        "print(permitted_capabilities())\n"
    )
    # loaded before the user changes, who need not be allowed to read it
    head = (
        "from netstart_wg.engine.privileges import OPENER, keep\n"
        "from netstart_wg.system.libc import permitted_capabilities\n"
    )
    assert run(head + program) == "0\n"


def test_a_process_that_gives_up_has_no_core_file() -> None:
    program = (
        "import resource\n"
        "from netstart_wg.engine.privileges import NOTHING, keep\n"
        "keep(NOTHING)\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    assert run(program) == "(0, 0)\n"


# -- memory ------------------------------------------------------------------------------------


def test_where_memory_may_not_be_locked_without_limit_none_is() -> None:
    """Or one day there would be no more of it; root without a capability may raise no limit."""
    before = (
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))\n"
        "from netstart_wg.engine.privileges import NOTHING, keep\n"
        "keep(NOTHING)"
    )
    assert run(LOCK.format(before=before)).split() == ["False", "0"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_locked_memory_is_locked_as_it_is_used_and_grows_by_nothing() -> None:
    program = (
        "from netstart_wg.system import libc\n"
        "def kib(name):\n"
        "    lines = open('/proc/self/status')\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith(name))\n"
        "before = kib('VmRSS')\n"
        "libc.mlockall(libc.MCL_CURRENT | libc.MCL_FUTURE | libc.MCL_ONFAULT)\n"
        "unused = __import__('mmap').mmap(-1, 64 << 20)\n"
        "print(kib('VmLck') >= 64 << 10, kib('VmRSS') - before < 4 << 10)\n"
    )
    assert run(program).split() == ["True", "True"]


def test_the_limit_here_decides_whether_memory_is_locked() -> None:
    is_locked, kib = run(LOCK.format(before="")).split()
    assert (is_locked == "True") == (int(kib) > 0)
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY:
        assert is_locked == "True"


# -- what ps(1) shows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "shown"), [("opener of wg0", b"opener of wg0"), ("x" * 9999, b"x" * 20)]
)
def test_a_title_takes_the_place_of_the_arguments(title: str, shown: bytes) -> None:
    program = (
        "from netstart_wg.engine.privileges import set_title\n"
        f"set_title({title!r})\n"
        "print(open('/proc/self/cmdline').read())\n"
    )
    line = run(program).encode().rstrip(b"\n")
    assert line.startswith(shown)
    assert b"import" not in line
