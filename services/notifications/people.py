"""Who can be notified, and which clients are open: a projection of identity's events. People's names and addresses
stay there.

A person of whom too little is known yet cannot be notified, and a client that is not known is open.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, get_args
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET

from shared.contracts.accounts import OrganisationJoined
from shared.contracts.contacts import ContactCreated, ContactMoved, PortalAccessGranted, PortalAccessRevoked
from shared.contracts.identity import (
    AssignmentsChanged,
    ClientCreated,
    ClientUpdated,
    PersonCreated,
    PersonUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    SignedIn,
    Standing,
)
from shared.contracts.restated import ClientRestated, PersonRestated
from shared.events import AnyEvent, EventData

COMPANY = UUID(int=0)
"""Stands for the client of who has none: the company's own people."""

_STANDING = """
insert into people (id, client_id, may_enter, is_primary_contact, policies) values ($1, $2, $3, $4, $5)
on conflict (id) do update set client_id = excluded.client_id, may_enter = excluded.may_enter,
    is_primary_contact = excluded.is_primary_contact, policies = excluded.policies
"""
_FORGET_ROLES = "update people set roles = '{}' where id = $1"
_ROLES = """
insert into people (id, client_id, roles) values ($1, $2, $3) on conflict (id) do update set roles = excluded.roles
"""
_POLICIES = """
insert into people (id, client_id, policies) values ($1, $2, $3)
on conflict (id) do update set policies = excluded.policies
"""
_ASSIGNMENTS = """
insert into people (id, client_id, limited, projects) values ($1, $2, $3, $4)
on conflict (id) do update set limited = excluded.limited, projects = excluded.projects
"""
_WHOLE = """
insert into people (id, client_id, may_enter, is_primary_contact, policies, roles, limited, projects)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (id) do update set client_id = excluded.client_id, may_enter = excluded.may_enter,
    is_primary_contact = excluded.is_primary_contact, policies = excluded.policies, roles = excluded.roles,
    limited = excluded.limited, projects = excluded.projects
"""
_CLIENT = """
insert into clients (id, open, active, name) values ($1, $2, $3, $4)
on conflict (id) do update set open = excluded.open, active = excluded.active, name = excluded.name
"""


async def learn(connection: asyncpg.Connection, event: AnyEvent) -> None:
    """Keep what an event says of a person or of their client; its type is one of `LEARNS`."""
    await LEARNS[type(event.data)](connection, event)


async def _keep(connection: asyncpg.Connection, person_id: UUID, client_id: UUID | None, standing: Standing) -> None:
    rights = standing.may_enter, standing.is_primary_contact, standing.policies
    await connection.execute(_STANDING, person_id, client_id or COMPANY, *rights)


async def _standing(connection: asyncpg.Connection, event: AnyEvent) -> None:
    """Older events have none: `portal republish identity` says what they did not."""
    if event.data.standing is not UNSET:
        await _keep(connection, event.subject, event.clientid, event.data.standing)


async def _moved(connection: asyncpg.Connection, event: AnyEvent) -> None:
    if event.data.standing is not UNSET:
        await _keep(connection, event.subject, event.data.to_client_id, event.data.standing)
    await connection.execute(_FORGET_ROLES, event.subject)


async def _whole(connection: asyncpg.Connection, event: AnyEvent) -> None:
    told: PersonRestated = event.data
    await connection.execute(
        _WHOLE,
        event.subject,
        event.clientid or COMPANY,
        told.active and told.portal_access and told.has_account,
        told.is_primary_contact,
        told.policies,
        msgspec.json.encode(told.roles).decode(),
        told.limited,
        told.project_ids,
    )


async def _client(connection: asyncpg.Connection, event: AnyEvent) -> None:
    told: ClientCreated | ClientUpdated | ClientRestated = event.data
    await connection.execute(_CLIENT, event.subject, told.active and told.portal_enabled, told.active, told.name)


async def _roles(connection: asyncpg.Connection, event: AnyEvent) -> None:
    roles = msgspec.json.encode(event.data.roles).decode()
    await connection.execute(_ROLES, event.subject, event.clientid, roles)


async def _policies(connection: asyncpg.Connection, event: AnyEvent) -> None:
    await connection.execute(_POLICIES, event.subject, COMPANY, event.data.policies)


async def _assignments(connection: asyncpg.Connection, event: AnyEvent) -> None:
    await connection.execute(_ASSIGNMENTS, event.subject, COMPANY, event.data.limited, event.data.project_ids)


_WithStanding: TypeAlias = (
    PersonCreated
    | PersonUpdated
    | ContactCreated
    | PortalAccessGranted
    | PortalAccessRevoked
    | SignedIn
    | OrganisationJoined
)
LEARNS: Mapping[type[EventData], Callable[[asyncpg.Connection, Any], Awaitable[None]]] = {
    **dict.fromkeys(get_args(_WithStanding), _standing),
    **dict.fromkeys((ClientCreated, ClientUpdated, ClientRestated), _client),
    PersonRestated: _whole,
    ContactMoved: _moved,
    ProjectRolesChanged: _roles,
    PoliciesChanged: _policies,
    AssignmentsChanged: _assignments,
}
"""Each says all of what it speaks of, so the newest counts."""
