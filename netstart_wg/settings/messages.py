"""Every message about netstart-wg.toml, in a table like those of hostname files, by the same rules.

The trigger of a message is a netstart-wg.toml that gets it.
"""

from __future__ import annotations

from netstart_wg.syntax.messages import Entry, MessageTable


class SettingsMessage(MessageTable):
    """What can be wrong with netstart-wg.toml."""

    # ---- TOML ----

    NOT_TOML = Entry("this is not TOML: {problem}", "{advice}", "engine = kernel\n")
    TOO_DEEP = Entry("tables or arrays in each other, too deep", None, f"a = {'[' * 5000}\n")
    BAD_NUMBER = Entry("a number with too many digits", None, f"a = {'1' * 5000}\n")

    # ---- keys ----

    UNKNOWN_KEY = Entry("unknown key {word}", "the keys here are {known}", "frobnicate = 1\n")
    MISSPELT_KEY = Entry("unknown key {word}", "did you mean {nearest}?", 'engin = "kernel"\n')
    OF_ONE_INTERFACE = Entry(
        "{word} is for one interface",
        "write it in the table of that interface, such as [interface.wg0]",
        'key_file = "/etc/wireguard/wg0.key"\n',
    )
    BAD_INTERFACE = Entry(
        "{word} cannot be the name of an interface",
        "letters and then digits, at most 15 characters, such as wg0",
        "[interface.wg]\n",
    )
    KEY_TWICE = Entry(
        "key_file and credential for one interface",
        "leave out one of the two",
        '[interface.wg0]\nkey_file = "/a"\ncredential = "a"\n',
    )

    # ---- values ----

    WRONG_TYPE = Entry("{key} is {kind}", "it takes {wanted}", "engine = 1\n")
    UNKNOWN_WORD = Entry("{key} knows no {word}", "it takes {wanted}", 'engine = "go"\n')
    MISSPELT_WORD = Entry(
        "{key} knows no {word}", 'did you mean "{nearest}"?', 'engine = "kernal"\n'
    )
    RELATIVE_PATH = Entry(
        "the path {word} does not begin with /",
        "write the whole path: netstart-wg may be started in any folder",
        '[interface.wg0]\nkey_file = "wg0.key"\n',
    )
    BAD_TEXT = Entry(
        "{key} has the character U+{code:04X}",
        "leave it out",
        '[interface.wg0]\nkey_file = "/etc/\\u0000"\n',
    )
    BAD_CREDENTIAL = Entry(
        "{word} cannot be the name of a credential",
        "it is one that systemd.exec(5) takes: a file name without a slash",
        '[interface.wg0]\ncredential = "a/b"\n',
    )

    # ---- rdomains ----

    BAD_RDOMAIN = Entry(
        "{word} is not the number of an rdomain", "1 to {limit}", '[rdomain]\n256.vrf = "a"\n'
    )
    RDOMAIN_ZERO = Entry(
        "rdomain 0 is always where netstart-wg runs",
        "map a number from 1 to {limit}",
        '[rdomain]\n0 = { namespace = "blue" }\n',
    )
    RDOMAIN_NOWHERE = Entry(
        "rdomain {number} has no place",
        'write namespace = "NAME" or vrf = "NAME"',
        "[rdomain]\n1 = {}\n",
    )
    RDOMAIN_TWICE = Entry(
        "rdomain {number} cannot be a namespace and a VRF",
        "leave out one of the two",
        '[rdomain]\n1 = { namespace = "blue", vrf = "red" }\n',
    )
    BAD_NAMESPACE = Entry(
        "{word} cannot be the name of a namespace",
        "one that `ip netns list` shows",
        '[rdomain]\n1 = { namespace = "a/b" }\n',
    )
    OWN_NAMESPACE = Entry(
        "{word} is where netstart-wg has an rdomain of its own",
        "name a namespace that is called otherwise, or leave rdomain {number} out",
        '[rdomain]\n1 = { namespace = "rdomain2" }\n',
    )
    BAD_VRF = Entry(
        "{word} cannot be the name of a VRF",
        "at most 15 characters, without blanks, slashes and colons",
        '[rdomain]\n1 = { vrf = "a b" }\n',
    )
    PLACE_TAKEN = Entry(
        "{word} is rdomain {other} already",
        "an rdomain has a place of its own",
        '[rdomain]\n1 = { namespace = "blue" }\n2 = { namespace = "blue" }\n',
    )
    BAD_TABLE = Entry(
        "the routing table {number} cannot be a VRF's",
        "1 to 4294967295, without 253 to 255, which Linux has for itself",
        '[rdomain]\n1 = { vrf = "red", table = 254 }\n',
    )
    NEEDS_TABLE = Entry(
        "rdomain {number} needs a routing table of another number: Linux has this for itself",
        "write it down, such as table = 1{number}",
        '[rdomain]\n254 = { vrf = "red" }\n',
    )
    TABLE_TAKEN = Entry(
        "the routing table {number} is that of rdomain {other} already",
        "write another one down, such as table = 1{number}",
        '[rdomain]\n1 = { vrf = "red", table = 2 }\n2 = { vrf = "blue" }\n',
    )
    TABLE_OF_NAMESPACE = Entry(
        "a table for an rdomain that is a namespace",
        "leave it out: a namespace has tables of its own",
        '[rdomain]\n1 = { namespace = "blue", table = 7 }\n',
    )
