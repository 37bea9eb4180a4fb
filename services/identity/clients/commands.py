"""What staff do with clients."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.identity.clients import queries
from services.identity.clients.models import Client, PortalAccessNeedsPolicy, Variant
from services.identity.fields import Name
from services.identity.sessions.commands import end_sessions
from services.identity.sessions.models import Session
from shared import outbox
from shared.actor import Actor
from shared.database import Db

SignInMethods = Annotated[list[Literal["magic_link", "password", "passkey", "sso"]], Meta(min_length=1, max_length=4)]


class CreateClient(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    variant: Variant = "delivery"
    sign_in_methods: SignInMethods = msgspec.field(default_factory=lambda: ["magic_link"])


class PatchClient(msgspec.Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    portal_enabled: bool | UnsetType = UNSET


async def create_client(db: Db, actor: Actor, data: CreateClient) -> Client:
    """A new client: active, its portal enabled, nobody in it yet."""
    client = Client(name=data.name, variant=data.variant, sign_in_methods=sorted(set(data.sign_in_methods)))
    db.add(client)
    await db.flush()
    await outbox.append(db, actor, client.created(), client_id=client.id, aggregate_id=client.id)
    return client


async def change_client(db: Db, actor: Actor, client_id: UUID, patch: PatchClient) -> list[str]:
    """Rename, (de)activate, open or close the portal; closing needs `managePortalAccess` and ends every session of its
    people. Returns the hashes of the sessions it ended.
    """
    if patch.portal_enabled is not UNSET and not actor.can("managePortalAccess"):
        raise PortalAccessNeedsPolicy
    client = await queries.load_client(db, client_id)
    changes = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
    changed = client.change(changes)
    if changed is None:
        return []
    await db.flush()
    await outbox.append(db, actor, changed, client_id=client.id, aggregate_id=client.id)
    if client.is_open:
        return []
    return await end_sessions(db, actor, "client_closed", Session.client_id == client.id)
