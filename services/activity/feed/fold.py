"""What an event means here: a pure function, one arm per event of the contracts.

Everything is recorded in the audit log, also what no arm knows. Only what a client should read becomes an entry:
reads, sign-ins, roles and people stay in the audit log.
"""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec

from services.activity.audit.models import FINANCIAL, SECURITY, Author, Presence, Record, without_person
from services.activity.feed.models import COMPANY, Ended, Entry
from services.activity.feed.words import AnyMilestone, say
from services.activity.kpis.models import ClientFact, Fact, MilestoneFact, ProjectFact
from services.activity.recordings.models import Visit
from shared.clock import day_of
from shared.contracts import accounts, activity, contacts, identity, projects, recordings
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
    MilestoneShared,
    MilestoneUpdated,
    MilestoneWithdrawn,
    ProjectCreated,
    ProjectShared,
    ProjectStatusChanged,
    ProjectUpdated,
    ProjectWithdrawn,
)
from shared.contracts.recordings import SessionVisited
from shared.events import EventData, RawEvent

KNOWN: dict[str, type[EventData]] = {
    kind.type: kind
    for module in (accounts, activity, contacts, identity, projects, recordings)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, EventData) and hasattr(kind, "type")
}
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
RIGHTS = frozenset({"active", "is_primary_contact", "portal_access"})
"""Fields of a person that decide what a stream may show."""


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """One event, taken apart into what each feature keeps of it."""

    record: Record
    author: Author | None
    presence: Presence | None
    entry: Entry | None
    turned: UUID | None
    """The project of which something was shared, withdrawn, hidden or shown: the visibility of its entries is computed
    again.
    """
    ended: Ended | None
    fact: Fact | None
    visit: Visit | None


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
        turned=_turned(event.subject, data),
        ended=_ended(event, position, tenant, data),
        fact=_fact(event, data),
        visit=_visit(event, position, tenant) if isinstance(data, SessionVisited) else None,
    )


def _record(event: RawEvent, position: int, tenant: UUID) -> Record:
    detail = without_person(msgspec.json.decode(event.data))
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


def _visit(event: RawEvent, position: int, tenant: UUID) -> Visit:
    return Visit(
        client_id=tenant,
        session_id=event.subject,
        position=position,
        actor_id=event.actorid,
        actor_kind=event.actorkind,
        at=event.time,
    )


def _entry(event: RawEvent, position: int, data: EventData | None) -> Entry | None:
    words = say(event.subject, data)
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
        private=_is_private(data) or _is_hidden(words.tells, data),
        tells=sorted(words.tells),
        team_only=_is_for_the_team(data),
    )


def _turned(subject: UUID, data: EventData | None) -> UUID | None:
    match data:
        case ProjectShared() | ProjectWithdrawn():
            return subject
        case ProjectUpdated(fields=fields) if "hidden_fields" in fields:
            return subject
        case MilestoneShared() | MilestoneWithdrawn():
            return data.project_id
        case _:
            return None


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
        case ClientUpdated(fields=fields) if "closed_modules" in fields:
            subject, reason, final = event.subject, "access_changed", False
        case _:
            return None
    return Ended(position=position, client_id=tenant, subject=subject, reason=reason, final=final, at=event.time)


def _fact(event: RawEvent, data: EventData | None) -> Fact | None:
    if event.clientid is None:
        return None
    at, client_id, today = event.time, event.clientid, day_of(event.time)
    match data:
        case ClientCreated(name=name) | ClientUpdated(name=name):
            return ClientFact(client_id=client_id, at=at, name=name)
        case ProjectStatusChanged() | ProjectCreated() | ProjectUpdated() | ProjectShared() | ProjectWithdrawn():
            moved = isinstance(data, ProjectStatusChanged)
            starts_on, status = (None, data.new) if moved else (data.starts_on, data.status)
            return ProjectFact(
                client_id=client_id,
                at=at,
                id=event.subject,
                version=data.version,
                name=data.name,
                since=min(starts_on or today, today),
                completed_on=today if status == "completed" else None,
                private=_is_private(data),
                hidden_fields=data.hidden_fields,
            )
        case _ if isinstance(data, AnyMilestone):
            return MilestoneFact(
                client_id=client_id,
                at=at,
                id=event.subject,
                version=data.version,
                project_id=data.project_id,
                name=data.name,
                target_on=data.target_on,
                completed_on=_completed_on(data),
                private=data.private,
            )
        case _:
            return None


def _is_for_the_team(data: EventData | None) -> bool:
    """What the client is never told: that something was shared or taken back, and changes all hidden from it."""
    if isinstance(data, ProjectShared | ProjectWithdrawn | MilestoneShared | MilestoneWithdrawn):
        return True
    return isinstance(data, ProjectUpdated | MilestoneUpdated) and set(data.fields) <= set(data.hidden)


def _is_private(data: EventData | None) -> bool:
    """Whether what the event is about is kept from the client when it happens."""
    if isinstance(data, AnyMilestone):
        return data.private or data.project_private
    if isinstance(data, ProjectCreated | ProjectUpdated | ProjectStatusChanged):
        return data.private
    return isinstance(data, ProjectWithdrawn)


def _is_hidden(tells: Collection[str], data: EventData | None) -> bool:
    """Whether the project hides all that an entry tells."""
    hidden = getattr(data, "hidden_fields", None) or ()
    return bool(tells) and set(tells) <= set(hidden)


def _completed_on(data: AnyMilestone) -> date | msgspec.UnsetType | None:
    match data:
        case MilestoneCompleted() | MilestoneShared() | MilestoneWithdrawn():
            return data.completed_on
        case MilestoneUpdated():
            return msgspec.UNSET
        case _:
            return None
