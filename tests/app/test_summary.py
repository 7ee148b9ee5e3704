from __future__ import annotations

from ipaddress import ip_interface, ip_network

import pytest

from netstart_wg.app.summary import summarize
from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import Command
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.route import Route, RouteKey, RouteKind

ADDRESS = ip_interface("10.0.0.1/24")
ROUTE = Route(key=RouteKey(0, ip_network("10.1.0.0/16")), kind=RouteKind.BLACKHOLE)
PRIVATE_KEY = PrivateKey(bytes(32))
KEYS = [PublicKey(bytes([number] * 32)) for number in range(5)]


def configure(**values: object) -> ConfigureDevice:
    return ConfigureDevice("wg0", DeviceChange(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actions", "line"),
    [
        ([CreateInterface("wg0")], "created"),
        (
            [
                CreateInterface("wg0"),
                configure(private_key=PRIVATE_KEY, peers=(PeerChange(public_key=KEYS[0]),)),
                AddAddress("wg0", ADDRESS),
                AddAddress("wg0", ADDRESS),
                BringUp("wg0"),
            ],
            "created, 1 peer added, 2 addresses added",
        ),
        (
            [
                configure(
                    peers=(
                        PeerChange(public_key=KEYS[0]),
                        PeerChange(public_key=KEYS[1], update_only=True),
                        PeerChange(public_key=KEYS[2], remove=True),
                        PeerChange(public_key=KEYS[3], remove=True),
                    )
                )
            ],
            "1 peer added, 1 peer changed, 2 peers removed",
        ),
        (
            [configure(private_key=None, listen_port=1, fwmark=1)],
            "key removed, port set, fwmark set",
        ),
        ([configure(private_key=PRIVATE_KEY)], "key set"),
        ([configure(replace_peers=True)], "list of peers cleared"),
        ([SetMtu("wg0", 1420, 1380), BringDown("wg0")], "mtu set, interface brought down"),
        (
            [SetDescription("wg0", None, "x"), BringUp("wg0")],
            "description set, interface brought up",
        ),
        ([SetDescription("wg0", "x", None)], "description removed"),
        ([RemoveAddress("wg0", ADDRESS)], "1 address removed"),
        (
            [SetRdomain("wg0", 0, 3), SetDebug("wg0", True), configure(wgrtable=1, groups=("a",))],
            "interface moved to rdomain 3, debug switched on, wgrtable set, groups set",
        ),
        ([SetDebug("wg0", False)], "debug switched off"),
        (
            [AddRoute("wg0", ROUTE), AddRoute("wg0", ROUTE), RemoveRoute("wg0", ROUTE)],
            "2 routes added, 1 route removed",
        ),
        ([DestroyInterface("wg0")], "interface destroyed"),
        (
            [
                CreateInterface("wg0"),
                SetRdomain("wg0", 0, 3),
                RunCommand("wg0", Command("x")),
                AddAddress("wg0", ADDRESS),
                AddRoute("wg0", ROUTE),
            ],
            "created, 1 address added, 1 route added, 1 command run",
        ),
        ([RunCommand("wg0", Command("x")), RunCommand("wg0", Command("y"))], "2 commands run"),
    ],
)
def test_a_plan_is_one_line_in_the_past_tense(actions: list[Action], line: str) -> None:
    assert summarize(Plan("wg0", tuple(actions))) == f"wg0: {line}"
