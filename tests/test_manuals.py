"""The manuals, the README and the Vim syntax say what the programs do.

What the examples do when they are run is for tests/netns/test_manual_examples.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from netstart_wg.app.keys import derive_public_key
from netstart_wg.cli.netstart_wg import main
from netstart_wg.cli.netstart_wgd import main as engine_main
from netstart_wg.cli.usage import COMMANDS, help_of, usage_of
from netstart_wg.engine.account import FALLBACK_ID, NAMES
from netstart_wg.model.action import describe_route
from netstart_wg.model.config import DEFAULT_MTU, Command, InterfaceConfig
from netstart_wg.model.route import DEFAULT_PRIORITY
from netstart_wg.model.settings import EngineChoice, ForeignPolicy, RouteSource, Settings
from netstart_wg.protocol.forwarding import DropReason
from netstart_wg.settings.read import OF_ALL, OF_ONE, read_settings
from netstart_wg.syntax.address_command import INET6_DEFAULT_LENGTH
from netstart_wg.syntax.convert import (
    KEEPALIVE_MAX,
    LLPRIO_MAX,
    METRIC_MAX,
    MTU_MAX,
    MTU_MIN,
    PRIORITY_MAX,
    RDOMAIN_MAX,
)
from netstart_wg.syntax.grammar import literal_words
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.refused import REFUSED
from netstart_wg.syntax.route_words import PRIORITY_MAX as ROUTE_PRIORITY_MAX
from netstart_wg.syntax.source import LIMIT_BYTES, SourceText
from netstart_wg.syntax.values import GROUP_LIMIT_BYTES, TEXT_LIMIT_BYTES
from netstart_wg.system.commands import TIME_LIMIT_SECONDS
from tests.mdoc import MAN, arguments, displays, manual, section, subsection, tags, unescape

ROOT = Path(__file__).parent.parent
VIM = ROOT / "contrib" / "vim"
HOSTNAME_WG = manual("hostname.wg.5")
SETTINGS = manual("netstart-wg.toml.5")
SETTINGS_KEYS = (*OF_ALL, *OF_ONE, "namespace", "vrf", "table")
WORDS = {each.value for words in (EngineChoice, RouteSource, ForeignPolicy) for each in words}
NETSTART_WG = manual("netstart-wg.8")
NETSTART_WGD = manual("netstart-wgd.8")


def meaning(text: str) -> InterfaceConfig:
    """Return what a hostname file asks for; it must be in order."""
    lowered = lower(parse(SourceText.from_text("example", text), "wg0"), "wg0", derive_public_key)
    assert lowered.warnings == ()
    return lowered.config


# ---- netstart-wg.toml(5) ----


def test_the_tags_of_the_manual_are_the_keys_of_the_settings() -> None:
    assert sorted(tags(SETTINGS, "Cm")) == sorted(SETTINGS_KEYS)


def test_the_manual_names_each_word_that_a_setting_takes() -> None:
    said = {argument.strip('"') for argument in arguments(SETTINGS, "Cm")}
    assert said >= WORDS


def test_the_examples_of_the_settings_are_in_order() -> None:
    shown = [text for text in displays(section(SETTINGS, "EXAMPLES")) if not text.startswith("#")]
    assert len(shown) > 4
    read = [read_settings(SourceText.from_text("example", text)) for text in shown]
    assert all(settings != Settings() for settings in read)


# ---- hostname.wg(5) ----


def test_the_tags_of_the_manual_are_the_keywords_of_the_grammar() -> None:
    assert set(tags(HOSTNAME_WG, "Cm")) == literal_words()


def test_a_keyword_has_its_tag_once() -> None:
    words = tags(HOSTNAME_WG, "Cm")
    twice = {"inet", "inet6", "alias"}  # each has two forms, and alias is also a part of all four
    assert {word for word in words if words.count(word) > 1} == twice


def test_a_keyword_takes_as_many_arguments_as_its_tag_shows() -> None:
    lines = re.findall(r"^\.It (Cm .*)$", HOSTNAME_WG, re.M)
    shown = {
        name: len(arguments(f".{form}", "Ar"))
        for line in lines
        if "Oo" not in line
        for form in re.split(r" , (?:Cm )?", line)
        for name in [unescape(form.removeprefix("Cm ").split()[0])]
    }
    families = {"inet", "inet6"}
    taken = {word.name: len(word.arguments.split()) for word in KEYWORDS.values()}
    assert shown == {name: count for name, count in taken.items() if name not in families}


def test_the_words_said_to_mean_nothing_mean_nothing() -> None:
    _, _, last = section(HOSTNAME_WG, "DIFFERENCES FROM OPENBSD").partition("mean nothing here")
    words = arguments(last, "Ql")
    assert len(words) > 10
    assert set(words) <= set(REFUSED)


@pytest.mark.parametrize(
    "text",
    [
        f"MTU of {DEFAULT_MTU}",
        f"{MTU_MIN} to {MTU_MAX}; {DEFAULT_MTU} by default",
        f"1 to {KEEPALIVE_MAX}",
        f"and {INET6_DEFAULT_LENGTH} by default",
        f"of {TEXT_LIMIT_BYTES} bytes at most",
        f"at most {GROUP_LIMIT_BYTES} bytes",
        f"Add 0 to {PRIORITY_MAX} to the priority",
        f"0 to {RDOMAIN_MAX}; 0 by default",
        f"0 to {LLPRIO_MAX} and 0 to {METRIC_MAX}",
        f"The priority is 1 to {ROUTE_PRIORITY_MAX}, the lower the better, and {DEFAULT_PRIORITY}",
        f"of {LIMIT_BYTES >> 20} MiB at most",
        f"After {TIME_LIMIT_SECONDS:.0f} seconds the process group of the command gets SIGTERM",
    ],
)
def test_the_manual_has_the_limits_of_the_program(text: str) -> None:
    assert text in " ".join(HOSTNAME_WG.split())


def test_the_examples_are_hostname_files_in_order() -> None:
    server, laptop, site, traveller = map(meaning, displays(section(HOSTNAME_WG, "EXAMPLES")))
    assert [peer.description for peer in server.wireguard.peers] == ["laptop", "office"]
    assert server.wireguard.listen_port == 51820
    assert list(map(describe_route, server.routes)) == ["route add 10.1.0.0/16 10.0.0.3"]
    (to_server,) = laptop.wireguard.peers
    assert str(to_server.endpoint) == "vpn.example.net 51820"
    assert laptop.mtu == 1380
    assert list(map(describe_route, laptop.routes)) == ["route add 10.1.0.0/16 10.0.0.1"]
    (to_oslo,) = site.wireguard.peers
    assert to_oslo.preshared_key is not None
    assert to_oslo.description == "Oslo (ask Bob's team)"
    assert [str(address) for address in site.addresses] == ["10.255.0.1/30", "10.1.0.1/32"]
    assert site.commands == (Command("ip route replace 10.2.0.0/16 dev wg0 src 10.1.0.1"),)
    assert (traveller.rdomain, traveller.wireguard.wgrtable) == (1, 0)
    (default,) = traveller.routes
    assert describe_route(default) == "route -T 1 add 0.0.0.0/0 -link wg0"


def test_the_keys_of_the_examples_say_that_they_are_fakes() -> None:
    keys = re.findall(r"\b(?:wgkey|wgpeer|wgpsk) (\S{44})", section(HOSTNAME_WG, "EXAMPLES"))
    assert len(keys) == 10
    assert all(key.startswith("FAKE/") for key in keys)


def test_the_display_about_quotes_means_what_it_looks_like() -> None:
    (display,) = displays(section(HOSTNAME_WG, "DESCRIPTION"))
    texts = [meaning(line).description for line in display.splitlines()]
    assert texts == ["Bob's garage; room #7", "costs $5"]


# ---- the README ----


def test_the_hostname_file_of_the_readme_is_in_order() -> None:
    found = re.search(
        r"^    # /etc/hostname\.wg0\n(?:    .*\n)+", (ROOT / "README.md").read_text(), re.M
    )
    assert found
    config = meaning(dedent(found[0]))
    assert config.wireguard.private_key is not None
    assert [peer.description for peer in config.wireguard.peers] == ["laptop", "office"]
    assert config.is_up
    assert [str(route.key.destination) for route in config.routes] == ["10.1.0.0/16"]
    assert config.commands == ()


# ---- netstart-wg(8) ----


HELPS = [help_of(), *map(help_of, COMMANDS)]


def option_names(flags: list[str]) -> set[str]:
    """Return `nv` as two options, and `-json` as one with two hyphens."""
    return {
        name
        for flag in flags
        if flag != "|"
        for name in ([f"-{flag}"] if flag.startswith("-") else [f"-{letter}" for letter in flag])
    }


def synopses(source: str) -> dict[str, str]:
    """Return the lines of the synopsis after each `.Nm`, by command."""
    _, *parts = section(source, "SYNOPSIS").split(".Nm netstart-wg\n")
    by_command: dict[str, str] = {}
    for part in parts:
        first = re.match(r"\.Cm (\w+)", part)
        command = first[1] if first else ""
        by_command[command] = by_command.get(command, "") + part
    return by_command


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_synopsis_and_the_usage_have_the_same_options(command: str) -> None:
    flags = re.findall(r"[\[ ]-(-?\w[\w-]*)", usage_of(command).removesuffix("command [-h] ..."))
    shown = synopses(NETSTART_WG)
    assert set(shown) == {"", *COMMANDS}
    assert option_names(arguments(shown[command], "Fl")) == option_names(flags)


def described_options(text: str) -> list[str]:
    lines = re.findall(r"^  (-.*?)(?:  |$)", text, re.M)
    return re.findall(r"(?:^|, )-(-?\w[\w-]*)", "\n".join(lines), re.M)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_describes_the_options_of_the_usage(command: str) -> None:
    usage, _, description = help_of(command).partition("\n\n")
    used = re.findall(r"[\[ ]-(-?\w[\w-]*)", usage)
    described = option_names(described_options(description))
    assert described - {"-h", "--help", "--version"} == option_names(used) - {"-h"}


def test_the_manual_and_the_help_describe_the_same_options() -> None:
    flags = [flag for text in HELPS for flag in described_options(text)]
    assert option_names(tags(NETSTART_WG, "Fl")) == option_names(flags)


@pytest.mark.parametrize(
    "text", [f"killed after {TIME_LIMIT_SECONDS:.0f} seconds", f"0 to {RDOMAIN_MAX}"]
)
def test_the_manual_has_the_limits_of_commands_and_rdomains(text: str) -> None:
    assert text in NETSTART_WG


def test_the_lines_shown_of_debug_are_those_of_the_engine() -> None:
    shown = subsection(NETSTART_WG, "Debug")
    (display,) = displays(shown)
    lines = [line.partition(": ")[2] for line in display.splitlines() if line.startswith("wg0: ")]
    lines += re.findall(r"^\.It Li (.*)$", shown, re.M)
    assert len(lines) > 5
    source = "".join(path.read_text() for path in (ROOT / "netstart_wg").rglob("*.py"))
    for line in lines:
        for words in re.split(
            r"\s?(?:peer 0 \(192\.0\.2\.1\)|192\.0\.2\.1|\binitiation|\d+\)?|,)", line
        ):
            assert words in source, line


@pytest.mark.parametrize("source", [NETSTART_WG, NETSTART_WGD], ids=["netstart-wg", "netstart-wgd"])
def test_the_diagnostics_shown_are_those_of_the_program(source: str) -> None:
    listed = re.findall(r"^\.It \"(.*)\"$", section(source, "DIAGNOSTICS"), re.M)
    assert len(listed) > 4
    program = "".join(path.read_text() for path in (ROOT / "netstart_wg").rglob("*.py"))
    for line in listed:
        for words in re.split(r"wg0:|: |3600|_netstart-wg,?|runs as| user ", line):
            assert words.strip() in program, line


def test_the_message_shown_is_the_one_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    display = displays(section(NETSTART_WG, "DIAGNOSTICS"))[0]
    file = tmp_path / "hostname.wg0"
    file.write_text("up\nmtu 1400\nwgpoort 51820\n")
    assert main(["check", str(file)]) == 65
    assert capsys.readouterr().out.replace(str(tmp_path), "/etc") == display


# ---- all manuals ----

OTHERS = {
    *("ps 1", "sh 1", "stat 1", "systemd 1", "send 2", "errno 3", "sd_listen_fds 3"),
    *("sd_notify 3", "syslog 3", "services 5", "systemd.exec 5", "network_namespaces 7"),
    *("cron 8", "ifconfig 8", "ip 8", "ip-netns 8", "ip-vrf 8", "route 8", "sudo 8", "wg 8"),
}
"""What Linux systems have."""

PAGES = sorted(MAN.iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_manual_refers_to_pages_that_are_there(page: Path) -> None:
    ours = {" ".join(each.name.rsplit(".", 1)) for each in PAGES}
    referred = set(re.findall(r"^\.Xr (\S+ \d)", page.read_text(), re.M))
    assert referred <= ours | OTHERS
    also = re.findall(r"^\.Xr (\S+) (\d)", section(page.read_text(), "SEE ALSO"), re.M)
    assert also == sorted(also, key=lambda name: (name[1], name[0]))
    assert {f"{name} {number}" for name, number in also} >= {
        name for name in referred & ours if name != " ".join(page.name.rsplit(".", 1))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_manual_has_the_sections_that_are_looked_for(page: Path) -> None:
    titles = re.findall(r"^\.Sh (.*)$", page.read_text(), re.M)
    order = (
        *("NAME", "SYNOPSIS", "DESCRIPTION", "DIFFERENCES FROM OPENBSD", "ENVIRONMENT", "FILES"),
        *("EXIT STATUS", "EXAMPLES", "DIAGNOSTICS", "SEE ALSO", "STANDARDS", "HISTORY", "AUTHORS"),
    )
    assert titles == [title for title in order if title in titles]
    wanted = {"NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO", "AUTHORS"}
    if page.suffix == ".8":
        wanted |= {"SYNOPSIS", "ENVIRONMENT", "EXIT STATUS", "DIAGNOSTICS"}
    assert set(titles) >= wanted


# ---- Vim ----


def test_vim_highlights_the_keywords_of_the_language() -> None:
    source = (VIM / "syntax" / "hostname-wg.vim").read_text()
    lines = re.findall(r"^syn keyword \w+ (.*)$", source, re.M)
    words = [
        word
        for line in lines
        for word in line.split()
        if word != "skipwhite" and not word.startswith("nextgroup=")
    ]
    assert sorted(words) == sorted(literal_words())


def test_vim_takes_a_hostname_file_for_that_type() -> None:
    (script,) = (VIM / "ftdetect").iterdir()
    (file_type,) = re.findall(r"setfiletype (\S+)$", script.read_text(), re.M)
    assert (VIM / "syntax" / f"{file_type}.vim").is_file()


def test_the_engines_manual_names_every_reason_for_a_drop() -> None:
    for reason in DropReason:
        assert f".Cm {reason.value} " in NETSTART_WGD


def test_the_engines_manual_has_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        engine_main(["--help"])
    options = set(re.findall(r"--([a-z-]+)", capsys.readouterr().out))
    shown = re.findall(r"^\.It Fl .*?-([a-z-]{2,})", NETSTART_WGD, re.M)
    assert sorted(options) == sorted(shown)


def test_the_engines_manual_says_who_it_runs_as() -> None:
    for name in NAMES:
        assert f"\n.Ql {name}" in NETSTART_WGD
    assert f"the user and group number {FALLBACK_ID}" in " ".join(NETSTART_WGD.split())
