"""Words that exist elsewhere and can mean nothing here: one table, each with the reason.

Most are words of OpenBSD's ifconfig(8) about interfaces of other kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a word that somebody may well write means nothing here."""

    reason: str
    """Goes on after the word: `"media" is about ...`."""
    hint: str = "leave it out"


_NO_TAKING_BACK = "does not exist"

_TABLE = (
    (
        Refusal("is about a network card, and there is none below a tunnel"),
        "media mediaopt -mediaopt instance inst transceiver",
    ),
    (
        Refusal("is about a radio, and there is none below a tunnel"),
        "nwid -nwid nwkey -nwkey nwflag -nwflag join -join joinlist -joinlist wpa -wpa wpakey"
        " -wpakey wpaakms wpaciphers wpagroupcipher wpaprotos bssid -bssid chan -chan mode -mode"
        " powersave -powersave stayauth txpower -txpower",
    ),
    (
        Refusal("is about link-layer addresses, and a tunnel has none"),
        "lladdr arp -arp staticarp -staticarp",
    ),
    (
        Refusal(
            "makes an address of the link-layer address, and a tunnel has none",
            "write the whole address",
        ),
        "eui64",
    ),
    (
        Refusal(
            "waits for an address from somebody, and in a tunnel nobody gives any",
            "write the address itself: inet 10.0.0.2/24 or inet6 fd00::2/64",
        ),
        "autoconf dhcp rtsol autoconfprivacy temporary soii",
    ),
    (
        Refusal("limits the use of an address, and here addresses are used without limits"),
        "pltime vltime tentative",
    ),
    (
        Refusal("shares an address among hosts, and in a tunnel it belongs to one peer"),
        "anycast",
    ),
    (
        Refusal("is so anyway: there is nothing of the kind in a tunnel"),
        "-autoconf -autoconfprivacy -temporary -soii -tentative -anycast",
    ),
    (
        Refusal(
            "is about tunnels of other kinds",
            "wgendpoint says where a peer is, and wgrtable in which rdomain",
        ),
        "tunnel -tunnel deletetunnel tunneladdr tunneldomain -tunneldomain tunnelttl tunneldf"
        " -tunneldf keepalive -keepalive ecn -ecn",
    ),
    (
        Refusal("is about interfaces of other kinds"),
        "parent -parent vnetid -vnetid vnetflowid -vnetflowid vlan -vlan vlandev -vlandev vlanprio"
        " txprio rxprio patch -patch carpdev -carpdev carpnode carppeer -carppeer vhid advbase"
        " advskew pass state balancing carpgroup syncdev -syncdev syncpeer -syncpeer maxupd defer"
        " -defer flowsrc -flowsrc flowdst -flowdst pflowproto trunkport -trunkport trunkproto"
        " lacpmode lacptimeout add del addlocal addspan delspan learn -learn discover -discover"
        " stp -stp blocknonip -blocknonip protected -protected -endpoint mpls -mpls mplslabel"
        " -mplslabel pwe3 -pwe3 pwecword -pwecword pwefat -pwefat neighbor -neighbor pppoedev"
        " -pppoedev pppoesvc -pppoesvc pppoeac -pppoeac authproto authname authkey peerproto"
        " peername peerkey apn -apn pin puk chgpin setpin roaming -roaming",
    ),
    (
        Refusal("is a switch of OpenBSD's kernel, and Linux has none like it"),
        "link0 -link0 link1 -link1 link2 -link2 monitor -monitor tcplro -tcplro tso -tso lro -lro"
        " mpsafe -mpsafe",
    ),
    (
        Refusal("asks what there is, and a file says what shall be", "ask netstart-wg status"),
        "scan sff sffdump hwfeatures show wgpubkey wgpeers",
    ),
    (
        Refusal("is a command of its own", "begin the line with !"),
        "route ip sysctl pfctl sh ping sleep echo",
    ),
    (
        Refusal("is what every line begins with anyway", "leave it out, and the interface's name"),
        "ifconfig",
    ),
    (Refusal(_NO_TAKING_BACK, "a wgkey of nothing but zeroes is none"), "-wgkey"),
    (Refusal(_NO_TAKING_BACK, "write wgport 0"), "-wgport"),
    (Refusal(_NO_TAKING_BACK, "write wgrtable 0"), "-wgrtable"),
    (Refusal(_NO_TAKING_BACK, "write down"), "-up"),
    (Refusal(_NO_TAKING_BACK, "write up"), "-down"),
    (Refusal(_NO_TAKING_BACK, "write mtu 1420, or nothing"), "-mtu"),
    (Refusal(_NO_TAKING_BACK, "write priority 0, or nothing"), "-priority"),
    (Refusal(_NO_TAKING_BACK), "-metric -llprio"),
    (Refusal(_NO_TAKING_BACK, "write wgpka 0"), "-wgpka"),
    (Refusal(_NO_TAKING_BACK, "name those that remain, all of them after one wgpeer"), "-wgaip"),
    (Refusal(_NO_TAKING_BACK, "remove the peer with -wgpeer and name it again"), "-wgendpoint"),
)

REFUSED: Mapping[str, Refusal] = {
    word: refusal for refusal, words in _TABLE for word in words.split()
}
"""Words of ifconfig(8), and others that people will try, that can mean nothing here."""
