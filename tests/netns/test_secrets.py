"""No secret of a file is in anything that anybody may see, whatever is run, and whatever fails.

Every command there is gets its turn with files full of secrets, good ones and broken ones; one
that is new has to be given its turn here.
"""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from netstart_wg.cli.usage import COMMANDS
from tests.netns.engines import NETSTART_WG, new_key_pair, new_preshared_key
from tests.netns.hosts import Host, hosts

PASSWORD = "correct-horse-battery-staple"

BUG = """
import sys
import netstart_wg.reconcile.plan as plan
from netstart_wg.cli.netstart_wg import main
def bug(*arguments, **named):
    raise RuntimeError(f"with {arguments!r} and {named!r}")
plan.plan_interface = bug
sys.exit(main(sys.argv[1:]))
"""
"""A program that tells, in the text of an exception, all that a plan is made from."""


@dataclass(slots=True)
class Vault:
    """Files, what in them is secret, and everything that was said."""

    host: Host
    folder: Path
    keys: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def key(self) -> str:
        made = new_key_pair().private
        self.keys.append(made)
        return made

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text)
        return str(file)

    def run(self, *words: str, environment: dict[str, str] | None = None) -> None:
        result = self.host.attempt(NETSTART_WG, *words, environment=environment)
        prints_the_file = words[0] == "fmt"  # with the keys that are in it, as it says
        self.said.append(result.stderr if prints_the_file else result.stdout + result.stderr)
        assert "Traceback" not in result.stderr, result

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield what lies in the folders of ours; sockets have nothing."""
        for top in ("/run/netstart-wg", "/var/lib/netstart-wg"):
            found = self.host.attempt("find", top, "-type", "f").stdout.splitlines()
            for name in found:
                yield name, self.host.run("base64", "-w0", name).encode()


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    folder = tmp_path / "etc"
    folder.mkdir()
    with hosts(tmp_path) as new_host:
        yield Vault(new_host("solo"), folder)


def good_file(vault: Vault, *more: str) -> str:
    psk = new_preshared_key()
    vault.keys.append(psk)
    lines = (
        f"wgkey {vault.key()} wgport 51820",
        f"wgpeer {new_key_pair().public} wgdescr one wgpsk {psk} wgaip 10.0.0.2/32",
        "inet 10.0.0.1/24",
        f"!echo {vault.key()}",
        f"!: --password={PASSWORD} && false",
        f"!cat /proc/[0-9]*/cmdline | tr '\\0' ' ' >>{vault.folder}/arguments",
        *more,
    )
    return "".join(f"{line}\n" for line in lines)


def broken_files(vault: Vault) -> list[str]:
    """Return files with a key wherever one can go astray."""
    texts = [
        f"wgkey {vault.key()}x\n",
        f"wgky {vault.key()}\n",
        f"{vault.key()}\n",
        f"wgpeer {new_key_pair().public} wgpsk {vault.key()} wgiap 10.0.0.0/8\n",
        f"wgport {vault.key()}\n",
        f"inet {vault.key()}\n",
        f'wgkey "{vault.key()}\n',
        f"!route add {vault.key()} 10.0.0.1\n",
        f"description {vault.key()} {vault.key()}\n",
    ]
    return [vault.write(f"hostname.wg{20 + n}", text) for n, text in enumerate(texts)]


def test_no_secret_is_told_or_kept(vault: Vault) -> None:
    vault.write("hostname.wg0", good_file(vault))
    broken = broken_files(vault)
    folder = ("-C", str(vault.folder))
    toml = vault.write("netstart-wg.toml", "")
    turns: dict[str, list[tuple[str, ...]]] = {
        "": [
            (*folder, "-n"),
            (*folder, "-n", "--json"),
            (*folder, "-v"),
            folder,
            (*folder, "--json"),
            (*folder, "--frobnicate"),
        ],
        "check": [
            ("check", *broken, str(vault.folder / "hostname.wg0"), toml),
            ("check", "--openbsd", "--format", "json", *broken),
            ("check", "--format", "errorformat", *broken),
            ("check", "--live", *folder),
            ("check", "--live", "--json", *folder),
        ],
        "confirm": [(*folder, "--confirm", "1h", "wg0"), ("confirm",), ("confirm", "--revert")],
        "debug": [("debug", "wg9"), ("debug", "lo")],
        "exec": [("exec", "-T", "0", "true"), ("exec", "-T", "9", "true")],
        "fmt": [("fmt", "--check", *broken), ("fmt", *broken)],
        "history": [("history",), ("history", "--show", "1", "wg0"), ("history", "wg9")],
        "ifconfig": [
            ("ifconfig", "-A"),
            ("ifconfig", "wg0"),
            ("ifconfig", "wg0", "wgkey", vault.key()),
            ("ifconfig", "wg0", "wgkey", vault.key()[:-2] + "**"),
            ("ifconfig", "wg0", vault.key()),
        ],
        "rollback": [("rollback", *folder, "-n"), ("rollback", *folder, "--to", "1")],
        "status": [("status",), ("status", "--json"), ("status", "wg0")],
        "stop": [("stop", "wg9"), ("stop", "-v", "wg0"), ("stop",)],
    }
    assert set(turns) == {"", *COMMANDS}, "a command that is not looked at"
    for commands in turns.values():
        for words in commands:
            vault.run(*words)
        vault.write("hostname.wg0", good_file(vault, "inet alias 10.3.0.1/24"))
        vault.run(*folder, "--allow", "key,held", "wg0")
    debugging = ("env", "NETSTART_WG_DEBUG=1", sys.executable, "-P", "-c", BUG)
    traceback = vault.host.attempt(*debugging, "-n", *folder).stderr
    assert "internal error: RuntimeError" in traceback
    assert "InterfaceConfig(" in traceback
    vault.said += [traceback, (vault.folder / "arguments").read_text()]
    assert any("wg0: + create" in text for text in vault.said)
    assert_nowhere(vault)


def forms_of(key: str) -> set[bytes]:
    """Return what 32 octets may look like."""
    octets = base64.b64decode(key)
    text = binascii.hexlify(octets)
    return {key.rstrip("=").encode(), octets, text, text.upper(), repr(octets)[2:-1].encode()}


def assert_nowhere(vault: Vault) -> None:
    secrets = {form for key in vault.keys for form in forms_of(key)} | {PASSWORD.encode()}
    seen = [("what was said", text.encode()) for text in vault.said]
    kept = [(name, base64.b64decode(text)) for name, text in vault.files()]
    assert {Path(name).suffix for name, _ in kept} >= {".json", ".fixpoint"}
    assert any("/history/" in name for name, _ in kept)
    running = ("ps", vault.host.run("ps", "-eo", "args").encode())
    for where, octets in (*seen, *kept, running):
        found = [secret for secret in secrets if secret in octets]
        assert not found, f"{len(found)} secrets in {where}"
