"""One line for an interface that was changed, in the past tense: `wg0: created, 2 peers added`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    AddRule,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    ForgetCommand,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveStranger,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange

_PLURALS = {
    "peer": "peers",
    "address": "addresses",
    "route": "routes",
    "rule": "rules",
    "command": "commands",
}
"""What is counted; of everything else there is one for each interface."""


def summarize(plan: Plan) -> str:
    """Return the line for a plan that was carried out.

    What every new interface gets (key, port, MTU, being up) goes without saying.
    """
    is_new = any(isinstance(action, CreateInterface) for action in plan.actions)
    facts = Counter(fact for action in plan.actions for fact in _facts(action))
    phrases = [
        f"{count} {noun if count == 1 else _PLURALS[noun]} {verb}"
        if noun in _PLURALS
        else f"{noun} {verb}"
        for (noun, verb), count in sorted(facts.items(), key=_is_about_commands)
        if noun in _PLURALS or not is_new
    ]
    return f"{plan.interface}: " + ", ".join(["created", *phrases] if is_new else phrases)


def _is_about_commands(fact: tuple[tuple[str, str], int]) -> bool:
    """Put commands last, wherever they ran."""
    return fact[0][0] == "command"


def _facts(action: Action) -> Iterator[tuple[str, str]]:
    """Yield a noun and a verb for each thing that the action changes."""
    match action:
        case CreateInterface() | ForgetCommand():
            pass
        case RemoveStranger():
            yield "interface of somebody else", "removed"
        case DestroyInterface():
            yield "interface", "destroyed"
        case SetRdomain(_, _, after):
            yield "interface", f"moved to rdomain {after}"
        case ConfigureDevice(_, change):
            yield from _device_facts(change)
        case SetMtu():
            yield "mtu", "set"
        case SetDescription(_, _, after):
            yield "description", "removed" if after is None else "set"
        case AddAddress():
            yield "address", "added"
        case RemoveAddress():
            yield "address", "removed"
        case SetDebug(_, is_on):
            yield "debug", "switched on" if is_on else "switched off"
        case AddRoute():
            yield "route", "added"
        case RemoveRoute():
            yield "route", "removed"
        case AddRule():
            yield "rule", "added"
        case RemoveRule():
            yield "rule", "removed"
        case BringUp():
            yield "interface", "brought up"
        case BringDown():
            yield "interface", "brought down"
        case RunCommand():
            yield "command", "run"
        case _:
            assert_never(action)


def _device_facts(change: DeviceChange) -> Iterator[tuple[str, str]]:
    if change.private_key is not UNCHANGED:
        yield "key", "removed" if change.private_key is None else "set"
    if change.listen_port is not UNCHANGED:
        yield "port", "set"
    if change.fwmark is not UNCHANGED:
        yield "fwmark", "set"
    if change.wgrtable is not UNCHANGED:
        yield "wgrtable", "set"
    if change.groups is not UNCHANGED:
        yield "groups", "set"
    if change.replace_peers:
        yield "list of peers", "cleared"
    for peer in change.peers:
        yield "peer", _verb(peer)


def _verb(peer: PeerChange) -> str:
    if peer.remove:
        return "removed"
    return "changed" if peer.update_only else "added"
