"""Choosing how to be notified."""

from typing import Annotated

import msgspec
from msgspec import Meta

from services.notifications.choices import queries
from services.notifications.choices.models import Choices
from services.notifications.rules import RULES, Channel, offered
from shared import outbox
from shared.actor import Actor
from shared.database import Db

Kind = Annotated[str, Meta(pattern="^[a-z_]{1,60}$")]


class ChangeChoices(msgspec.Struct, forbid_unknown_fields=True):
    """`channels` maps kinds of notification to how the caller wants them; a kind that is not named stays as it is."""

    channels: Annotated[dict[Kind, Channel], Meta(max_length=len(RULES))]


async def change_choices(db: Db, actor: Actor, change: ChangeChoices, if_match: str | None) -> Choices:
    """Be notified as chosen of what happens from now on. Raises what `Choices.choose` does."""
    choices = await queries.lock_choices(db, actor)
    choices.require_match(if_match)
    event = choices.choose(change.channels, offered(actor))
    await db.flush()
    if event:
        await outbox.append(db, actor, event, client_id=actor.client_id, aggregate_id=choices.person_id)
    return choices
