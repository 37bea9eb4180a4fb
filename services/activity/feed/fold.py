"""What an event means here: a pure function, one arm per event of the contracts.

Everything is recorded in the audit log, also what no arm knows. Only what a client should read becomes an entry:
reads, sign-ins, roles and people stay in the audit log.
"""

from datetime import date
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.activity.audit.models import FINANCIAL, SECURITY, Author, Presence, Record
from services.activity.feed.models import COMPANY, Ended, Entry
from services.activity.kpis.models import ClientFact, Fact, MilestoneFact, ProjectFact
from shared.contracts import accounts, activity, contacts, identity, projects
from shared.contracts.accounts import (
    InvitationAccepted,
    OrganisationJoined,
    OrganisationSwitched,
    PasswordReset,
    PasswordResetRequested,
    RegistrationRequested,
)
from shared.contracts.identity import (
    ApiClientRevoked,
    ApiClientUpdated,
    ApiTokenIssued,
    ApiTokenRefused,
    AssignmentsChanged,
    ClientCreated,
    ClientUpdated,
    PersonUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    SessionRevoked,
    SignedIn,
    SignedOut,
    SignInFailed,
    SignInLinkRequested,
    SignInPaused,
)
from shared.contracts.projects import (
    MilestoneCompleted,
    MilestoneCreated,
    MilestoneReopened,
    MilestoneUpdated,
    ProjectCreated,
    ProjectStatusChanged,
    ProjectUpdated,
)
from shared.events import EventData, RawEvent

KNOWN: dict[str, type[EventData]] = {
    kind.type: kind
    for module in (accounts, activity, contacts, identity, projects)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, EventData) and hasattr(kind, "type")
}
PERSONAL = ("ip", "user_agent")
FROM_OUTSIDE = (
    SignedIn,
    SignInPaused,
    SignInFailed,
    SignInLinkRequested,
    PasswordResetRequested,
    PasswordReset,
    RegistrationRequested,
    InvitationAccepted,
    OrganisationJoined,
    OrganisationSwitched,
    ApiTokenIssued,
    ApiTokenRefused,
)
"""What says from where it came; the envelope's `sessionid` is the session it opened, or an id of the attempt."""
"""Fields of event data that are a person's: kept beside the audit chain, never in it."""
RIGHTS = frozenset({"active", "is_primary_contact", "portal_access"})
"""Fields of a person that decide what a stream may show."""

FIELDS = {"starts_on": "start date", "ends_on": "end date", "completion": "progress"}


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """One event, taken apart into what each feature keeps of it."""

    record: Record
    author: Author | None
    presence: Presence | None
    entry: Entry | None
    ended: Ended | None
    fact: Fact | None


class _Words(NamedTuple):
    title: str
    description: str
    project_id: UUID
    target_type: str


def fold(event: RawEvent, position: int) -> Folded:
    """Take one event apart. Raises `msgspec.ValidationError` if its data is not what its type promises."""
    kind = KNOWN.get(event.type)
    data = msgspec.json.decode(event.data, type=kind) if kind else None
    tenant = event.clientid or COMPANY
    presence = None
    if isinstance(data, FROM_OUTSIDE) and event.sessionid and data.ip:
        presence = Presence(session_id=event.sessionid, client_id=tenant, ip=data.ip, user_agent=data.user_agent)
    author = None
    if event.actorid and event.actorname:
        home = tenant if event.actorkind == "client" else COMPANY
        author = Author(id=event.actorid, client_id=home, name=event.actorname)
    return Folded(
        record=_record(event, position, tenant),
        author=author,
        presence=presence,
        entry=_entry(event, position, data),
        ended=_ended(event, position, tenant, data),
        fact=_fact(event, data),
    )


def _record(event: RawEvent, position: int, tenant: UUID) -> Record:
    data = msgspec.json.decode(event.data)
    detail = {name: value for name, value in data.items() if name not in PERSONAL} if isinstance(data, dict) else data
    return Record(
        client_id=tenant,
        position=position,
        event_id=event.id,
        type=event.type,
        subject=event.subject,
        actor_id=event.actorid,
        actor_kind=event.actorkind,
        session_id=event.sessionid,
        trace_id=event.traceparent[3:35],
        at=event.time,
        detail=msgspec.json.encode(detail, order="sorted").decode(),
        security=event.type in SECURITY,
        financial=event.type in FINANCIAL,
    )


def _entry(event: RawEvent, position: int, data: EventData | None) -> Entry | None:
    words = _words(event.subject, data)
    if words is None or event.clientid is None:
        return None
    return Entry(
        position=position,
        client_id=event.clientid,
        id=event.id,
        type=event.type,
        title=words.title,
        description=words.description,
        actor_id=event.actorid,
        actor_name=event.actorname,
        project_id=words.project_id,
        target_type=words.target_type,
        target_id=event.subject,
        at=event.time,
    )


def _words(subject: UUID, data: EventData | None) -> _Words | None:
    words = None
    match data:
        case ProjectCreated(name=name):
            words = _Words("Project started", name, subject, "project")
        case ProjectUpdated(name=name, fields=fields):
            changed = ", ".join(FIELDS.get(field, _plain(field)) for field in fields)
            words = _Words("Project updated", f"{name} · {changed}", subject, "project")
        case ProjectStatusChanged(name=name, old=old, new=new):
            words = _Words(f"Project {_plain(new)}", f"{name} · was {_plain(old)}", subject, "project")
        case MilestoneCreated():
            words = _about("Milestone added", data)
        case MilestoneUpdated(fields=fields, target_on=target) if "target_on" in fields:
            words = _about("Milestone rescheduled", data, f"due {target.day} {target:%b %Y}")
        case MilestoneUpdated():
            words = _about("Milestone updated", data)
        case MilestoneCompleted():
            words = _about("Milestone completed", data)
        case MilestoneReopened():
            words = _about("Milestone reopened", data)
        case _:
            pass
    return words


_AnyMilestone = MilestoneCreated | MilestoneUpdated | MilestoneCompleted | MilestoneReopened


def _about(title: str, data: _AnyMilestone, *more: str) -> _Words:
    return _Words(title, " · ".join([data.name, data.project_name, *more]), data.project_id, "milestone")


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _ended(event: RawEvent, position: int, tenant: UUID, data: EventData | None) -> Ended | None:
    match data:
        case SignedOut() if event.sessionid:
            subject, reason, final = event.sessionid, "session_ended", True
        case SessionRevoked():
            subject, reason, final = event.subject, "session_ended", True
        case ApiClientRevoked():
            subject, reason, final = event.subject, "session_ended", True
        case ApiClientUpdated(fields=fields) if "scopes" in fields:
            subject, reason, final = event.subject, "access_changed", False
        case ProjectRolesChanged() | PoliciesChanged() | AssignmentsChanged():
            subject, reason, final = event.subject, "access_changed", False
        case PersonUpdated(fields=fields) if RIGHTS.intersection(fields):
            subject, reason, final = event.subject, "access_changed", False
        case ClientUpdated(active=active, portal_enabled=enabled) if not (active and enabled):
            subject, reason, final = event.subject, "portal_disabled", False
        case _:
            return None
    return Ended(position=position, client_id=tenant, subject=subject, reason=reason, final=final, at=event.time)


def _fact(event: RawEvent, data: EventData | None) -> Fact | None:
    if event.clientid is None:
        return None
    at, client_id, today = event.time, event.clientid, event.time.date()
    match data:
        case ClientCreated(name=name) | ClientUpdated(name=name):
            return ClientFact(client_id=client_id, at=at, name=name)
        case ProjectCreated(status=status) | ProjectUpdated(status=status) | ProjectStatusChanged(new=status):
            starts_on = None if isinstance(data, ProjectStatusChanged) else data.starts_on
            return ProjectFact(
                client_id=client_id,
                at=at,
                id=event.subject,
                version=data.version,
                name=data.name,
                since=min(starts_on or today, today),
                completed_on=today if status == "completed" else None,
            )
        case MilestoneCreated() | MilestoneUpdated() | MilestoneCompleted() | MilestoneReopened():
            return MilestoneFact(
                client_id=client_id,
                at=at,
                id=event.subject,
                version=data.version,
                project_id=data.project_id,
                name=data.name,
                target_on=data.target_on,
                completed_on=_completed_on(data),
            )
        case _:
            return None


def _completed_on(data: _AnyMilestone) -> date | msgspec.UnsetType | None:
    match data:
        case MilestoneCompleted(completed_on=completed_on):
            return completed_on
        case MilestoneUpdated():
            return msgspec.UNSET
        case _:
            return None
