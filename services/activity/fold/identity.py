"""Events of identity: who lost access, what a client is called, and what was opened in a recorded session."""

from collections.abc import Collection
from typing import Any

from services.activity.fold.meaning import End, Meaning, Meanings
from services.activity.kpis.models import ClientFact
from shared.contracts.api_clients import ApiClientRevoked, ApiClientUpdated
from shared.contracts.identity import (
    AssignmentsChanged,
    ClientCreated,
    ClientUpdated,
    PersonUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    SessionRevoked,
    SignedOut,
)
from shared.contracts.recordings import SessionVisited
from shared.contracts.restated import ClientRestated
from shared.events import RawEvent

RIGHTS = frozenset({"active", "is_primary_contact", "portal_access"})
"""Fields of a person that decide what a stream may show."""


def _signed_out(event: RawEvent, _data: SignedOut) -> End | None:
    return End(event.sessionid, "session_ended", final=True) if event.sessionid else None


def _over(event: RawEvent, _data: Any) -> End:
    return End(event.subject, "session_ended", final=True)


def _changed(event: RawEvent, _data: Any) -> End:
    return End(event.subject, "access_changed")


def _changed_by(event: RawEvent, fields: Collection[str], deciding: Collection[str]) -> End | None:
    return End(event.subject, "access_changed") if set(deciding).intersection(fields) else None


def _client_changed(event: RawEvent, data: ClientUpdated) -> End | None:
    if not (data.active and data.portal_enabled):
        return End(event.subject, "portal_disabled")
    return _changed_by(event, data.fields, ["closed_modules"])


def _client(event: RawEvent, data: ClientCreated | ClientRestated | ClientUpdated) -> ClientFact | None:
    at = data.created_at if isinstance(data, ClientRestated) else event.time
    return ClientFact(client_id=event.clientid, at=at, name=data.name, active=data.active) if event.clientid else None


MEANINGS: Meanings = {
    SignedOut: Meaning(ends=_signed_out),
    SessionRevoked: Meaning(ends=_over),
    ApiClientRevoked: Meaning(ends=_over),
    ApiClientUpdated: Meaning(ends=lambda event, data: _changed_by(event, data.fields, ["scopes"])),
    ProjectRolesChanged: Meaning(ends=_changed),
    PoliciesChanged: Meaning(ends=_changed),
    AssignmentsChanged: Meaning(ends=_changed),
    PersonUpdated: Meaning(ends=lambda event, data: _changed_by(event, data.fields, RIGHTS)),
    ClientCreated: Meaning(fact=_client),
    ClientRestated: Meaning(fact=_client),
    ClientUpdated: Meaning(ends=_client_changed, fact=_client),
    SessionVisited: Meaning(is_visit=True),
}
