"""What staff do with api clients."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.identity.api_clients import queries
from services.identity.api_clients.models import ApiClient, ApiClientSecret, AuthMethod, Scope, require_own
from services.identity.clients.models import Client
from services.identity.fields import Name
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound
from shared.events import EventData

Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=20)]
MAX_OVERLAP_HOURS = 7 * 24


class CreateApiClient(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`client_id` null: for all clients. `jwks` goes with `private_key_jwt`."""

    name: Name
    scopes: Scopes
    client_id: UUID | None
    auth_method: AuthMethod = "client_secret"
    jwks: dict[str, Any] | None = None


class PatchApiClient(msgspec.Struct, forbid_unknown_fields=True):
    """Whom it is bound to stays as it is: data of one client must not become another's by a slip."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    jwks: dict[str, Any] | UnsetType = UNSET


class RotateSecret(msgspec.Struct, forbid_unknown_fields=True):
    """How long the old secret remains valid; 0 if it may have leaked."""

    overlap_hours: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_HOURS)] | None = None


async def create_api_client(
    db: Db, actor: Actor, created_by: UUID, data: CreateApiClient
) -> tuple[ApiClient, str | None]:
    """A new api client, and its secret where it has one. Raises `NotFound` for a client that is not there."""
    require_own(actor, data.scopes)
    if data.client_id and await db.get(Client, data.client_id) is None:
        raise NotFound
    api_client = ApiClient(
        name=data.name,
        client_id=data.client_id,
        scopes=sorted(set(data.scopes)),
        auth_method=data.auth_method,
        jwks=data.jwks,
        created_by=created_by,
    )
    created = api_client.created()
    db.add(api_client)
    await db.flush()
    secret = await _add_secret(db, api_client) if data.auth_method == "client_secret" else None
    await _tell(db, actor, api_client, created)
    return api_client, secret


async def change_api_client(db: Db, actor: Actor, api_client_id: UUID, patch: PatchApiClient) -> None:
    """Rename it, give it other scopes or other keys."""
    api_client = await queries.load_api_client(db, api_client_id)
    changes = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
    if "scopes" in changes:
        changes["scopes"] = sorted(set(changes["scopes"]))
    if changes.keys() & {"scopes", "jwks"}:
        require_own(actor, changes.get("scopes", api_client.scopes))
    if changed := api_client.change(changes):
        await _tell(db, actor, api_client, changed)


async def rotate_secret(db: Db, actor: Actor, api_client_id: UUID, overlap: timedelta) -> tuple[str, datetime]:
    """A new secret; until when the old one counts. What had run out before is forgotten."""
    api_client = await queries.load_api_client(db, api_client_id)
    require_own(actor, api_client.scopes)
    rotated = api_client.rotated(now() + overlap)
    for old in await queries.load_secrets(db, api_client_id):
        if old.retire(rotated.old_valid_until) <= now():
            await db.delete(old)
    secret = await _add_secret(db, api_client)
    await _tell(db, actor, api_client, rotated)
    return secret, rotated.old_valid_until


async def revoke_api_client(db: Db, actor: Actor, api_client_id: UUID) -> None:
    """End it for good: its tokens within a second, its streams within five."""
    api_client = await queries.load_api_client(db, api_client_id)
    if revoked := api_client.revoke():
        await _tell(db, actor, api_client, revoked)


async def _add_secret(db: Db, api_client: ApiClient) -> str:
    kept, secret = ApiClientSecret.draw(api_client.id)
    db.add(kept)
    await db.flush()
    return secret


async def _tell(db: Db, actor: Actor, api_client: ApiClient, event: EventData) -> None:
    await outbox.append(db, actor, event, client_id=api_client.client_id, aggregate_id=api_client.id)
