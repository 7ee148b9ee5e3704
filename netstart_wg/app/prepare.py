"""Everything before the first interface is touched: look, look up, plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.engine import with_engine
from netstart_wg.app.files import Reading
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import ElsewhereError, observe
from netstart_wg.app.outer_paths import OuterPath
from netstart_wg.app.output import Output, for_each
from netstart_wg.app.rdomains import check_places
from netstart_wg.app.records import read_record, records_of_others
from netstart_wg.app.routing import left_behind, tables_of, with_routes_asked_for
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NotOursError
from netstart_wg.model.action import Plan, RemoveStranger
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.guard import Guard
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import RouteKey
from netstart_wg.model.settings import ForeignPolicy, InterfaceSettings
from netstart_wg.model.source import Diagnostic
from netstart_wg.model.state import NOTHING_LEFT, InterfaceState, LeftBehind
from netstart_wg.reconcile.endpoints import names_to_resolve
from netstart_wg.reconcile.foreign import with_foreign
from netstart_wg.reconcile.mtu import declared_endpoints, with_mtu
from netstart_wg.reconcile.plan import leaves_engine_to_commands, plan_interface
from netstart_wg.reconcile.record import record_of
from netstart_wg.reconcile.routes import own_routes

if TYPE_CHECKING:
    from netstart_wg.syntax.statements import HostnameFile

Resolved = Mapping[EndpointName, Endpoint]
Guards = frozenset[Guard]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One interface: what it shall be, what it is, and what the last run made of it."""

    desired: InterfaceConfig
    running: InterfaceState | None
    applied: AppliedRecord | None
    settings: InterfaceSettings = field(default_factory=InterfaceSettings)
    """What netstart-wg.toml says of it."""
    warnings: tuple[Diagnostic, ...] = ()
    """About the file."""
    is_incremental: bool = False
    """Whether `desired` is not a file's, but what is there with a command folded onto it."""
    file_digest: str | None = None
    """Of the texts that say what is desired, if nothing else does."""
    key_path: Path | None = None
    """The file with the private key, if it is in one of its own."""
    file: HostnameFile | None = field(default=None, compare=False, repr=False)
    """Where `desired` comes from; None if it is not a file's."""
    left_behind: LeftBehind = NOTHING_LEFT
    """By a former interface of that name, where there is none now."""
    outer_paths: tuple[OuterPath, ...] = ()
    """That the MTU was worked out from."""
    displaces: bool = False
    """Whether there is an interface of that name which is not ours, and may be removed."""

    @property
    def reading(self) -> Reading:
        """Return what was read before anybody looked."""
        return Reading(
            config=self.desired,
            settings=self.settings,
            warnings=self.warnings,
            digest=self.file_digest,
            key_path=self.key_path,
            file=self.file,
        )

    @property
    def wish(self) -> InterfaceConfig:
        """Return what plans lead to: what is desired, and what is somebody else's and may stay."""
        keeps = self.settings.foreign is ForeignPolicy.KEEP and not self.is_incremental
        if not keeps or self.running is None or leaves_engine_to_commands(self.desired):
            return self.desired
        return with_foreign(self.desired, self.running, self.applied)

    def plan(self, resolved: Resolved) -> Plan:
        """Return the steps from what is to what shall be."""
        applied = self.applied
        if self.is_incremental and applied is not None:
            # it may say where a peer is, too, and nothing of the file's commands
            applied = replace(applied, endpoints=(), commands=())
        plan = plan_interface(
            self.wish, self.running, applied, resolved, derive_public_key, self.left_behind
        )
        if self.displaces:
            return replace(plan, actions=(RemoveStranger(plan.interface), *plan.actions))
        return plan

    def rest(self, resolved: Resolved) -> Plan:
        """Return what is left to do once a plan was carried out.

        An endpoint that was given to a peer is done with, wherever that is by now.
        """
        if self.running is None:
            return self.plan(resolved)
        applied = record_of(self.desired, self.running.index, self.applied, resolved)
        return plan_interface(self.wish, self.running, applied, resolved, derive_public_key)

    def record(self, resolved: Resolved) -> AppliedRecord | None:
        """Return what to remember of an interface that is as it shall be; None if there is none.

        An incremental change leaves alone what is remembered of the file.
        """
        if self.running is None:
            return None
        if self.is_incremental:
            return self.applied
        return record_of(self.desired, self.running.index, self.applied, resolved)

    @property
    def text(self) -> str | None:
        """Return what the file says, secrets included, if there is one."""
        return None if self.file is None else self.file.source.text()

    @property
    def rdomains(self) -> frozenset[int]:
        """Where routes of ours can be, besides the interface's own rdomain."""
        applied = self.applied.routes if self.applied else ()
        return frozenset(
            key.rdomain for key in (*applied, *(route.key for route in self.desired.routes))
        )

    def settled(self, resolved: Resolved) -> Situation | None:
        """Return it as the next run will find it if there is nothing left to do for that one.

        None if there is: a name has yet to be looked up.
        """
        then = replace(self, applied=self.record(resolved))
        if names_to_resolve(self.desired, self.running, then.applied):
            return None
        return then if then.record({}) == then.applied else None


def survey(reading: Reading, machine: Machine, allowed: Guards = frozenset()) -> Situation:
    """Look at one interface; raise NotOursError if it is somebody else's and has to stay."""
    desired = reading.config
    check_places(desired, reading.settings, machine)
    try:
        running, applied = look(desired.name, machine, {route.key for route in desired.routes})
    except ElsewhereError:
        raise
    except NotOursError:
        if Guard.TAKEOVER not in allowed or not desired.exists:
            raise
        return Situation(
            desired=desired,
            running=None,
            applied=None,
            settings=reading.settings,
            warnings=reading.warnings,
            file=reading.file,
            displaces=True,
        )
    desired = with_engine(desired, reading.settings, running, machine)
    desired = with_routes_asked_for(desired, reading.settings, running, applied, machine)
    return Situation(
        desired=desired,
        running=running,
        applied=applied,
        settings=reading.settings,
        warnings=reading.warnings,
        file_digest=reading.digest,
        file=reading.file,
        key_path=reading.key_path,
        left_behind=left_behind(applied, machine) if running is None else NOTHING_LEFT,
    )


def survey_again(before: Situation, machine: Machine, allowed: Guards = frozenset()) -> Situation:
    """Look once more: now nobody else can change it, or we have."""
    after = survey(before.reading, machine, allowed)
    return replace(
        after,
        desired=with_mtu(after.desired, _known(before.outer_paths)),
        is_incremental=before.is_incremental,
        outer_paths=before.outer_paths,
    )


def look(
    interface: str, machine: Machine, declared: Collection[RouteKey] = ()
) -> tuple[InterfaceState | None, AppliedRecord | None]:
    """Return what runs and what the last run applied; raise NotOursError.

    Routes are looked for where those declared and those on record can be.  One
    through the interface that belongs to another file is not among them.
    """
    applied = read_record(interface, machine)
    own = frozenset(declared).union(applied.routes if applied else ())
    running = observe(interface, machine, {key.rdomain for key in own}, tables_of(own))
    if running is None or own.issuperset(route.key for route in own_routes(running, ())):
        return running, applied
    others = _routes_of_others(interface, machine) - own
    routes = tuple(route for route in running.routes if route.key not in others)
    return replace(running, routes=routes), applied


def _routes_of_others(interface: str, machine: Machine) -> frozenset[RouteKey]:
    """Return what the records of the other interfaces name."""
    return frozenset(
        key for record in records_of_others(interface, machine) for key in record.routes
    )


def survey_all(
    readings: Sequence[Reading], machine: Machine, output: Output, allowed: Guards = frozenset()
) -> tuple[tuple[Situation, ...], ExitStatus]:
    """Look at all interfaces; say which cannot be looked at, and go on without them."""
    situations: list[Situation] = []

    def look(reading: Reading) -> ExitStatus:
        situations.append(survey(reading, machine, allowed))
        return ExitStatus.OK

    status = for_each(readings, look, output)
    return tuple(situations), status


def settle(
    situations: Sequence[Situation], machine: Machine, output: Output
) -> tuple[tuple[Situation, ...], Resolved, ExitStatus]:
    """Find out what the files leave open: where names lead, and with that the MTUs."""
    resolved, status = resolve_names(situations, machine, output)
    settled = tuple(_with_mtu(each, resolved, machine) for each in situations)
    return settled, resolved, status


def _with_mtu(situation: Situation, resolved: Resolved, machine: Machine) -> Situation:
    """Work the MTU out if the file names none."""
    desired, running = situation.desired, situation.running
    engine = running.wireguard if running else None
    present = (engine.wgrtable, engine.fwmark) if engine else (0, 0)
    rdomain = desired.wireguard.wgrtable
    fwmark = desired.wireguard.fwmark
    paths = tuple(
        OuterPath(
            interface=desired.name,
            rdomain=(present[0] or 0) if rdomain is None else rdomain,
            fwmark=present[1] if fwmark is None else fwmark,
            endpoint=endpoint,
        ).look(machine)
        for endpoint in declared_endpoints(desired, running, resolved)
    )
    return replace(situation, desired=with_mtu(desired, _known(paths)), outer_paths=paths)


def _known(paths: Sequence[OuterPath]) -> Sequence[int]:
    """Return the MTUs of those that lead anywhere."""
    return [path.mtu for path in paths if path.mtu is not None]


def resolve_names(
    situations: Sequence[Situation], machine: Machine, output: Output
) -> tuple[Resolved, ExitStatus]:
    """Look up every name that a plan depends on; warn of those that nobody knows just now.

    These have the address where they were last found, if there is one; the others
    are left to the background (`app/names.py`).
    """
    names = {
        situation.desired.name: names_to_resolve(
            situation.desired, situation.running, situation.applied
        )
        for situation in situations
    }
    answers = machine.system.resolve(frozenset().union(*names.values()))
    status = ExitStatus.OK
    for interface, wanted in names.items():
        for name in sorted(wanted, key=str):
            answer = answers[name]
            if not isinstance(answer, Endpoint):
                output.warn(f'{interface}: warning: endpoint "{name.host}": {answer.reason}')
                status = ExitStatus.WARNINGS
    resolved = {
        name: found
        for name, answer in answers.items()
        if (found := answer if isinstance(answer, Endpoint) else answer.last_known) is not None
    }
    return resolved, status
