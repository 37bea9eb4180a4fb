"""Granting policies to staff, and revoking them."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.identity.people.models import Person
from services.identity.people.queries import load_person
from services.identity.policies import queries
from services.identity.policies.models import POLICIES_OF, GroupKey, Policy, require_grantable, require_reach
from services.identity.sessions.commands import rights_changed
from shared import outbox
from shared.actor import Actor
from shared.database import Db
from shared.errors import Invalid
from shared.language import gettext as _


class PutPolicies(msgspec.Struct, forbid_unknown_fields=True):
    """Either the policies one by one, or the group whose policies are meant."""

    policies: Annotated[list[Policy], Meta(max_length=50)] | UnsetType = UNSET
    group: GroupKey | UnsetType = UNSET

    def wanted(self) -> list[Policy]:
        """The policies meant, each once. Raises `Invalid` for both ways at once, and for neither."""
        if (self.policies is UNSET) == (self.group is UNSET):
            raise Invalid(_("Name either the permissions or a group."), field="policies")
        return sorted(set(POLICIES_OF[self.group] if self.policies is UNSET else self.policies))  # pyright: ignore[reportArgumentType]


class PatchPolicies(msgspec.Struct, forbid_unknown_fields=True):
    """What to give and what to take; all others stay."""

    add: Annotated[list[Policy], Meta(max_length=50)] = []
    remove: Annotated[list[Policy], Meta(max_length=50)] = []


async def set_policies(
    db: Db, actor: Actor, person_id: UUID, wanted: list[Policy], if_match: str | None = None
) -> list[str]:
    """Replace the policies of a member of staff; the hashes of the sessions this changes.

    Nobody grants what they do not hold, takes from somebody who holds more, or leaves nobody who may grant.
    """
    require_grantable(actor, wanted)
    await queries.lock_admins(db)
    return await _decide(db, actor, await load_person(db, person_id), wanted, if_match)


async def change_policies(
    db: Db, actor: Actor, person_id: UUID, data: PatchPolicies, if_match: str | None
) -> list[str]:
    """Give and take some policies under the same rules; the hashes of the sessions this changes."""
    require_grantable(actor, data.add)
    await queries.lock_admins(db)
    person = await load_person(db, person_id)
    return await _decide(db, actor, person, (set(person.policies) - set(data.remove)) | set(data.add), if_match)


async def _decide(db: Db, actor: Actor, person: Person, wanted: Collection[str], if_match: str | None) -> list[str]:
    person.require_match(if_match)
    require_reach(actor, person.policies)
    was_admin = person.is_admin
    changed = person.take_policies(wanted)
    if changed is None:
        return []
    await queries.require_admin_left(db, person, was_admin=was_admin)
    await outbox.append(db, actor, changed, client_id=None, aggregate_id=person.id)
    return await rights_changed(db, person.id)
