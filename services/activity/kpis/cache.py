"""Figures, computed once for all who see the same of a client."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

import msgspec

from services.activity.kept import Answer, Kept
from services.activity.kpis import queries
from services.activity.kpis.definitions import Definition
from services.activity.reach import Reach
from shared.actor import Actor
from shared.database import ReadOnly
from shared.language import current


class KpiCache:
    """Answers with the figures of a client, as JSON."""

    def __init__(self, kept: Kept, definitions: Sequence[Definition]) -> None:
        self._kept = kept
        self._definitions = definitions
        self._version = sha256(msgspec.json.encode(definitions)).hexdigest()[:16]
        """Of the figures as they are configured: what was kept under others says nothing of these."""

    async def answer(self, read: ReadOnly, actor: Actor, client_id: UUID | None, changed: int, today: date) -> Answer:
        """The figures of a client, or of all, as `actor` sees them. Who sees the same, in one language, shares it."""

        async def make() -> Answer:
            kpis, complete = await queries.compute(read, actor, client_id, self._definitions, today)
            return Answer(msgspec.json.encode(kpis), complete)

        return await self._kept.answer(
            f"kpis:{client_id}:{changed}:{today}:{self._version}:{current()}:{_visibility(actor)}", make
        )


def _visibility(actor: Actor) -> str:
    readable, behind = actor.readable_projects(), "behind" if Reach.of(actor).behind else ""
    if readable is None:
        return f"all{behind}"
    return behind + sha256(b"".join(sorted(project.bytes for project in readable))).hexdigest()[:32]
