"""Reading what somebody chose, beside what the rules say."""

from collections.abc import Mapping

import asyncpg
import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.notifications.choices.models import Choices
from services.notifications.people import COMPANY
from services.notifications.rules import Channel, offered
from shared.actor import Actor
from shared.contracts.words.telling import LINES
from shared.database import Db
from shared.language import gettext as _

_CHOSEN = "select channels::text as channels, version from choices where client_id = $1 and person_id = $2"


class ChoiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of notification, and how the caller gets it: `channel` is one of `channels`, by `default` what everybody
    has who did not choose. `reason` says why it is fixed, and is empty where it is not.
    """

    type: str
    occasion: str
    channel: Channel
    default: Channel
    channels: list[Channel]
    reason: str


class ChoicesView(msgspec.Struct, frozen=True):
    """Every kind that the caller can be notified of. `version` is what `If-Match` names."""

    items: list[ChoiceView]
    version: int


async def get_choices(connection: asyncpg.Connection, actor: Actor) -> ChoicesView:
    """The reader's own: of who calls, or of whom staff see the portal as."""
    row = await connection.fetchrow(_CHOSEN, actor.client_id or COMPANY, actor.reader.id)
    if row is None:
        return view(actor, {}, 1)
    return view(actor, msgspec.json.decode(row["channels"], type=dict[str, Channel]), row["version"])


def view(actor: Actor, chosen: Mapping[str, Channel], version: int) -> ChoicesView:
    """What the reader is offered, with what they chose. A channel that its rule no longer leaves to people counts as
    not chosen.
    """
    items = [
        ChoiceView(
            type=kind,
            occasion=_(rule.occasion or LINES[kind].occasion),
            channel=rule.channel(chosen.get(kind)),
            default=rule.default,
            channels=list(rule.channels),
            reason=_(rule.fixed),
        )
        for kind, rule in offered(actor).items()
    ]
    return ChoicesView(items, version)


async def lock_choices(db: Db, actor: Actor) -> Choices:
    """The caller's own, made where they never chose. Who comes second waits, and sees what the first one did."""
    whose = {"client_id": actor.client_id or COMPANY, "person_id": actor.id}
    await db.execute(insert(Choices).values(**whose, channels={}, version=1).on_conflict_do_nothing())
    return (await db.scalars(select(Choices).filter_by(**whose).with_for_update())).one()
