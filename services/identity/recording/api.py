"""Requests of recorded sessions, sent by the gateway."""

from typing import Annotated

import msgspec
from litestar import post
from msgspec import Meta

from services.identity.recording import commands
from services.identity.recording.commands import MOST, Visit
from shared.actor import SYSTEM
from shared.database import UnitOfWork


class Visits(msgspec.Struct, forbid_unknown_fields=True):
    """Requests of any recorded sessions, in the order in which they came."""

    visits: Annotated[list[Visit], Meta(min_length=1, max_length=MOST)]


@post("/internal/sessions/visits", opt={"internal": True}, include_in_schema=False, status_code=204)
async def record_visits(data: Visits, uow: UnitOfWork) -> None:
    """Record requests before they are served. 204 means that they are stored."""
    async with uow(SYSTEM) as db:
        await commands.record(db, data.visits)
