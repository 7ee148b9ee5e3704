"""`netstart-wg debug`: what the engine of an interface says it does, as it happens.

OpenBSD's wg(4) says it to the console and the log; here whoever wants to read
along asks for it.  It is said while the interface has `debug`.
"""

from __future__ import annotations

from netstart_wg.app.observe import observe_link
from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import BackendError, ExitStatus


def follow(interface: str, machine: Machine, output: Output) -> ExitStatus:
    """Print each line as it comes, until the interface goes or nobody reads any more.

    Raise BackendError if there is no engine of ours, or it hangs up on us.
    """
    engine = machine.backend.state(interface)
    if engine is None:
        hint = "`netstart-wg status` shows those that there are"
        raise BackendError("debug", interface, f"there is no such interface\n    hint: {hint}")
    lines = machine.backend.follow(interface)
    link = observe_link(interface, engine, machine)
    if link is not None and not link.is_debug:
        hint = f"`netstart-wg ifconfig {interface} debug` turns it on"
        output.warn(f"{interface}: debug is off, and nothing is told\n    hint: {hint}")
    for line in lines:
        output.say(line)
        if not output.has_reader:
            return ExitStatus.OK
    if machine.backend.state(interface) is not None:
        raise BackendError("debug", interface, "its engine hung up: too much was left unread")
    return ExitStatus.OK
