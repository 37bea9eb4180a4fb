"""What staff do with clients."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.identity.clients import allowed, queries
from services.identity.clients.models import (
    MAX_SETTINGS,
    Action,
    BadSettings,
    Client,
    DomainTaken,
    Module,
    NoIdentityProvider,
    SameName,
    SecondFactor,
    SignInMethod,
    Variant,
)
from services.identity.fields import Language, Name
from services.identity.people.commands import Touched
from services.identity.sessions.commands import client_rights_changed, end_sessions
from services.identity.sessions.models import Session
from services.identity.viewing.commands import close_views
from shared import outbox
from shared.actor import Actor
from shared.contracts.contacts import PortalDisabled, PortalEnabled
from shared.contracts.identity import ClientUpdated
from shared.contracts.recordings import SessionRecordingDisabled, SessionRecordingEnabled
from shared.database import Db
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.texts import TEXT

_RIGHTS = frozenset({"closed_modules", "closed_actions"})
SIGHT = _RIGHTS | {"allowed_networks", "session_recording"}
"""What a session's record holds of the client."""


class CreateClient(msgspec.Struct, forbid_unknown_fields=True):
    """`name_is_new`: no other client is meant to be called so (409 `client.same_name`); however it is written."""

    name: Name
    name_is_new: bool = False
    variant: Variant = "delivery"
    language: Language = "en"


Network = Annotated[str, Meta(max_length=64, pattern=TEXT)]
Domain = Annotated[str, Meta(max_length=253, pattern=TEXT)]


class PatchClient(msgspec.Struct, forbid_unknown_fields=True):
    """`settings`, a JSON object, is replaced as a whole, as are the lists. `name_is_new` is what `CreateClient` says.

    Its type is asked by hand: the framework takes a fault in a field for its own where a dependency has the same name.
    """

    name: Name | UnsetType = UNSET
    name_is_new: bool = False
    variant: Variant | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    portal_enabled: bool | UnsetType = UNSET
    sign_in_methods: Annotated[list[SignInMethod], Meta(min_length=1, max_length=4)] | UnsetType = UNSET
    second_factor: SecondFactor | UnsetType = UNSET
    allowed_networks: Annotated[list[Network], Meta(max_length=50)] | UnsetType = UNSET
    allowed_domains: Annotated[list[Domain], Meta(max_length=20)] | UnsetType = UNSET
    team_invites: bool | UnsetType = UNSET
    closed_modules: Annotated[list[Module], Meta(max_length=20)] | UnsetType = UNSET
    closed_actions: Annotated[list[Action], Meta(max_length=20)] | UnsetType = UNSET
    session_recording: bool | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    settings: Any = UNSET

    def changes(self) -> dict[str, object]:
        """What is to change, in the form in which it is kept. Raises what `allowed` does, and `BadSettings`."""
        found: dict[str, object] = {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if value is not UNSET and name != "name_is_new"
        }
        for name in ("sign_in_methods", "closed_modules", "closed_actions"):
            if name in found:
                found[name] = sorted(set(getattr(self, name)))
        if self.allowed_networks is not UNSET:
            found["allowed_networks"] = allowed.networks(self.allowed_networks)
        if self.allowed_domains is not UNSET:
            found["allowed_domains"] = allowed.domains(self.allowed_domains)
        if self.settings is not UNSET:
            _require_storable(self.settings)
        return found


async def create_client(db: Db, actor: Actor, data: CreateClient) -> Client:
    """A new client: active, its portal enabled, nobody in it yet. Raises `SameName`."""
    if not actor.sees_all_clients:
        raise Forbidden(_("An API client of one client cannot add another."))
    client = Client(name=data.name, variant=data.variant, language=data.language)
    db.add(client)
    await db.flush()
    if data.name_is_new:
        await _require_no_namesake(db, client)
    await outbox.append(db, actor, client.created(), client_id=client.id, aggregate_id=client.id)
    return client


async def change_client(db: Db, actor: Actor, client_id: UUID, patch: PatchClient) -> Touched:
    """Change what stands in `patch`. Raises what `Client.change` does, `NoIdentityProvider`, `DomainTaken` and
    `SameName`.
    """
    changes = patch.changes()
    client = await queries.lock_client(db, actor, client_id)
    called_otherwise = changes.get("name", client.name) != client.name
    touched = await apply(db, actor, client, changes)
    if patch.name_is_new and called_otherwise:
        await _require_no_namesake(db, client)
    return touched


async def apply(db: Db, actor: Actor, client: Client, changes: dict[str, object]) -> Touched:
    """Take over what is new, tell it, and end every session of its people where the client is closed after that."""
    updated = client.change(actor, changes)
    if updated is None:
        return Touched()
    await _require_apart(db, client, updated.fields)
    await db.flush()
    await outbox.append(db, actor, updated, client_id=client.id, aggregate_id=client.id)
    await _tell_portal(db, actor, client, updated)
    await _tell_recording(db, actor, client, updated)
    if not client.is_open:
        ended = await end_sessions(db, actor, "client_closed", Session.client_id == client.id)
        return Touched(ended, await close_views(db, actor, client.id, "client_closed"))
    if _RIGHTS.intersection(updated.fields):
        return Touched(changed=await client_rights_changed(db, client.id))
    return Touched(changed=await queries.hashes_of(db, client.id) if SIGHT.intersection(updated.fields) else [])


async def _tell_portal(db: Db, actor: Actor, client: Client, updated: ClientUpdated) -> None:
    if {"portal_enabled", "portal_user_id"}.isdisjoint(updated.fields):
        return
    kind = PortalEnabled if client.portal_enabled else PortalDisabled
    switched = kind(portal_user_id=client.portal_user_id)
    await outbox.append(db, actor, switched, client_id=client.id, aggregate_id=client.id)


async def _tell_recording(db: Db, actor: Actor, client: Client, updated: ClientUpdated) -> None:
    if "session_recording" not in updated.fields:
        return
    switched = SessionRecordingEnabled() if client.session_recording else SessionRecordingDisabled()
    await outbox.append(db, actor, switched, client_id=client.id, aggregate_id=client.id)


async def _require_no_namesake(db: Db, client: Client) -> None:
    """Raises `SameName`. Who acts within one client sees no other: to them, no name is taken."""
    if await queries.has_namesake(db, client):
        raise SameName


async def _require_apart(db: Db, client: Client, changed: Sequence[str]) -> None:
    """What one client may have depends on another, or on what else it has. Asked after who may change it at all: whose
    a domain is, is nothing to try out.
    """
    alone = "sign_in_methods" in changed and client.sign_in_methods == ["sso"]
    if alone and not await queries.has_identity_provider(db, client.id):
        raise NoIdentityProvider
    wanted = client.allowed_domains if "allowed_domains" in changed else []
    if wanted and await queries.is_domain_taken(db, client.id, wanted):
        raise DomainTaken


def _require_storable(settings: object) -> None:
    if not isinstance(settings, dict):
        raise BadSettings(_("Settings are a JSON object."))
    encoded = msgspec.json.encode(settings)
    if len(encoded) > MAX_SETTINGS:
        raise BadSettings(_("Settings may take {size} kB.", size=MAX_SETTINGS // 1024))
    if b"\\u0000" in encoded:
        raise BadSettings(_("Settings hold a character that cannot be kept."))
