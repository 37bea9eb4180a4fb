"""What identity does when it hears of something."""

from typing import TypeAlias, get_args

from msgspec import UNSET

from services.identity.clients.commands import SIGHT
from services.identity.clients.queries import hashes_of
from services.identity.mails import orders
from services.identity.people.commands import ProjectFacts, learn_of_project
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.queries import live_hashes
from shared.cache import CacheAway
from shared.contracts.identity import (
    AssignmentsChanged,
    ClientUpdated,
    PersonUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    SessionRevoked,
    SessionRotated,
    ViewAsEnded,
)
from shared.contracts.notifications import MailOrdered
from shared.contracts.projects import ProjectCreated, ProjectRestated, ProjectShared, ProjectUpdated, ProjectWithdrawn
from shared.database import Db
from shared.inbox import Consumer, Delivery

AboutProject: TypeAlias = ProjectCreated | ProjectRestated | ProjectUpdated | ProjectShared | ProjectWithdrawn


def consumers(session_cache: SessionCache) -> list[Consumer]:
    """One for each source, so that a Redis that is away holds up nothing but what needs it."""

    async def project(db: Db, delivery: Delivery) -> None:
        event = delivery.event
        if event.clientid is None:
            raise ValueError("a project without a client")
        await learn_of_project(db, event.subject, event.clientid, _facts(event.data))

    async def mail_ordered(db: Db, delivery: Delivery) -> None:
        await orders.take(db, delivery.event)

    async def session_revoked(_db: Db, delivery: Delivery) -> None:
        """Repeat what was said after the commit: Redis, or this process, may not have been there then."""
        await session_cache.insist(ended=[delivery.event.data.session_hash])

    async def session_rotated(_db: Db, delivery: Delivery) -> None:
        await session_cache.insist(changed=[delivery.event.data.session_hash])

    async def rights_changed(db: Db, delivery: Delivery) -> None:
        await session_cache.insist(changed=await live_hashes(db, delivery.event.subject))

    async def client_updated(db: Db, delivery: Delivery) -> None:
        if SIGHT.intersection(delivery.event.data.fields):
            await session_cache.insist(changed=await hashes_of(db, delivery.event.subject))

    return [
        Consumer("identity-projects", dict.fromkeys(get_args(AboutProject), project)),
        Consumer("identity-mails", {MailOrdered: mail_ordered}),
        Consumer(
            "identity-sessions",
            {
                SessionRevoked: session_revoked,
                SessionRotated: session_rotated,
                ViewAsEnded: session_rotated,
                PersonUpdated: rights_changed,
                ProjectRolesChanged: rights_changed,
                PoliciesChanged: rights_changed,
                AssignmentsChanged: rights_changed,
                ClientUpdated: client_updated,
            },
            waits_out=CacheAway,
        ),
    ]


def _facts(data: AboutProject) -> ProjectFacts:
    match data:
        case ProjectCreated() | ProjectRestated() | ProjectUpdated():
            private, team = data.private, data.team
        case ProjectShared() | ProjectWithdrawn():
            private, team = isinstance(data, ProjectWithdrawn), None
    hidden = None if data.hidden_fields is UNSET else data.hidden_fields
    return ProjectFacts(version=data.version, name=data.name, private=private, team=team, hidden_fields=hidden)
