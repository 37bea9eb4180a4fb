"""What somebody is notified of: one row for each event and person, and the facts of the event."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.notifications.people import COMPANY
from services.notifications.rules import OWN, RULES, readable
from shared.actor import Actor
from shared.contracts.words.telling import keep
from shared.events import AnyEvent, publisher_of


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """An event that people are notified of, stored once for all of them. `position` is its place among all events,
    `facts` are what it is put into words from, as JSON.

    Without a `project_id` it concerns its client as a whole, or the company (`COMPANY`). The client is not told while
    the project hides what it `tells`.
    """

    position: int
    client_id: UUID
    id: UUID
    publisher: str
    type: str
    facts: msgspec.Raw
    actor_id: UUID | None
    actor_name: str
    project_id: UUID | None
    target_type: str
    target_id: UUID
    tells: list[str]
    at: datetime

    @classmethod
    def of(cls, event: AnyEvent, position: int) -> "Happening":
        """What is kept of `event`, whose type has a rule."""
        data = event.data
        rule = RULES[type(data)]
        publisher, target_type = publisher_of(data.subject), data.subject.split(".")[1]
        hidden_by = getattr(data, "hidden_by", {})
        return cls(
            position=position,
            client_id=event.clientid or COMPANY,
            id=event.id,
            publisher=publisher,
            type=rule.type_of(type(data)),
            facts=keep(data),
            actor_id=event.actorid,
            actor_name=event.actorname,
            project_id=_project_of(event),
            target_type=target_type,
            target_id=event.subject,
            tells=[hidden_by.get(field, field) for field in rule.tells],
            at=event.time,
        )


def _project_of(event: AnyEvent) -> UUID | None:
    summary: Any = getattr(event.data, "summary", None)
    return summary.project_id if summary else getattr(event.data, "project_id", None)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of the bell are somebody's, and which of them they may read by now.

    `projects` (None: all), `whole`: what concerns the client or the company as a whole; `behind`: what the client is
    not told; `restricted`: also what is for some of the client's people only, else what names them or one of their
    `roles` (JSON, from project to role). `types` have a rule for them, those in `own` where they are about the reader;
    of the services in `closed` they see nothing.
    """

    person: UUID | None
    tenant: UUID
    types: list[str]
    closed: list[str]
    projects: list[UUID] | None
    whole: bool
    behind: bool
    restricted: bool
    roles: str
    own: list[str]

    @classmethod
    def of(cls, actor: Actor) -> "Sight":
        """Of the reader: who calls, or whom staff see the portal as."""
        projects = actor.readable_projects()
        return cls(
            person=actor.reader.id,
            tenant=actor.client_id or COMPANY,
            types=readable(actor),
            closed=sorted(actor.closed),
            projects=None if projects is None else sorted(projects),
            whole=actor.assignments is None,
            behind=actor.sees_all_clients,
            restricted=projects is None,
            roles=msgspec.json.encode({each: actor.role_in(each) for each in actor.project_roles}).decode(),
            own=OWN,
        )
