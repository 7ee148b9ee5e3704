"""Rules of policy routing of ours in the kernel, told from all others by their protocol number.

The kernel compares that number too, both when it adds and when it removes one
(Linux 4.17): a rule of somebody else's that says the same stays where it is.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final

from netstart_wg.model.rule import MARK_MASK, TABLES, PolicyRule
from netstart_wg.system.routes import ROUTE_PROTOCOL, protocols_in_table
from netstart_wg.system.rtnetlink import NLM_F_CREATE, NLM_F_EXCL, RT_TABLE_MAIN, Rtnetlink

if TYPE_CHECKING:
    from pyroute2.netlink import nlmsg

RTM_NEWRULE: Final = 32
RTM_DELRULE: Final = 33
RTM_GETRULE: Final = 34
RT_TABLE_UNSPEC: Final = 0
"""linux/rtnetlink.h."""

FIB_RULE_INVERT: Final = 0x2
FR_ACT_TO_TBL: Final = 1
"""linux/fib_rules.h."""

_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSIONS: Final = {number: version for version, number in _FAMILIES.items()}


def read_rules(rtnetlink: Rtnetlink) -> tuple[PolicyRule, ...]:
    """Return our rules in the kernel's order, which is that of priority; raise OSError.

    Rules are a namespace's; a VRF has none of its own.
    """
    if rtnetlink.vrf is not None:
        return ()
    found = (_decode(message, rtnetlink.rdomain) for message in _dump(rtnetlink))
    return tuple(rule for rule in found if rule is not None)


def put_rule(rtnetlink: Rtnetlink, rule: PolicyRule) -> None:
    """Add a rule unless it is there; raise OSError."""
    try:
        rtnetlink.request(_encode(rule), RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise


def take_rule(rtnetlink: Rtnetlink, rule: PolicyRule) -> None:
    """Remove a rule of ours; nothing there is what was wanted; raise OSError."""
    try:
        rtnetlink.request(_encode(rule), RTM_DELRULE, 0)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


def is_table_of_others(rtnetlink: Rtnetlink, table: int) -> bool:
    """Say whether somebody else has a rule about this table or mark, or a route in it."""
    for message in _dump(rtnetlink):
        numbers = (_table_of(message), message.get_attr("FRA_FWMARK"))
        if message.get_attr("FRA_PROTOCOL") != ROUTE_PROTOCOL and table in numbers:
            return True
    return bool(protocols_in_table(rtnetlink, table) - {ROUTE_PROTOCOL})


def _dump(rtnetlink: Rtnetlink) -> list[nlmsg]:
    """Return everybody's rules of both families: the kernel has no filter for them."""
    from pyroute2.netlink.rtnl.fibmsg import fibmsg

    return rtnetlink.dump(fibmsg(), RTM_GETRULE)


def _encode(rule: PolicyRule) -> nlmsg:
    from pyroute2.netlink.rtnl.fibmsg import fibmsg

    message = fibmsg()
    message["family"] = _FAMILIES[rule.version]
    message["table"] = RT_TABLE_MAIN if rule.table is None else RT_TABLE_UNSPEC
    message["action"] = FR_ACT_TO_TBL
    message["flags"] = FIB_RULE_INVERT
    message["attrs"] = [
        ("FRA_PRIORITY", rule.priority),
        ("FRA_FWMARK", rule.unless_mark),
        ("FRA_FWMASK", MARK_MASK),
        ("FRA_TABLE", RT_TABLE_MAIN if rule.table is None else rule.table),
        ("FRA_PROTOCOL", ROUTE_PROTOCOL),
    ]
    if rule.ignores_default:
        message["attrs"].append(("FRA_SUPPRESS_PREFIXLEN", 0))
    return message


def _decode(message: nlmsg, rdomain: int) -> PolicyRule | None:
    """Return the rule, or None if it is none of ours."""
    mark, version = message.get_attr("FRA_FWMARK"), _VERSIONS.get(message["family"])
    if message.get_attr("FRA_PROTOCOL") != ROUTE_PROTOCOL or version is None or mark not in TABLES:
        return None
    table = _table_of(message)
    return PolicyRule(
        rdomain=rdomain,
        version=version,
        priority=int(message.get_attr("FRA_PRIORITY") or 0),
        unless_mark=int(mark),
        table=None if table == RT_TABLE_MAIN else table,
        ignores_default=message.get_attr("FRA_SUPPRESS_PREFIXLEN") == 0,
    )


def _table_of(message: nlmsg) -> int:
    return int(message.get_attr("FRA_TABLE") or message["table"])
