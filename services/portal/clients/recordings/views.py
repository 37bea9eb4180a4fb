"""Recorded sessions as staff read them, from the audit log."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.portal.answers import Client
from services.portal.clients.recordings import words
from services.portal.failed_sign_ins.views import Place
from services.portal.services import Services
from shared.errors import NotFound
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing

PER_PAGE = 50
WHOLE = 100
"""Records in one call for the file, the most there may be."""
SHOWN = (("opened", marked("Opened and done")), ("actions", marked("Only actions")), ("all", marked("Everything")))
"""What the list can be narrowed to, the first unless another is asked for."""


class Author(msgspec.Struct, frozen=True):
    """`name` is None for people who were erased."""

    kind: str
    id: UUID | None = None
    name: str | None = None


class Session(Place, frozen=True, kw_only=True):
    id: UUID


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded session (`GET audit/recordings`)."""

    client_id: UUID
    actor: Author
    session: Session
    began_at: datetime
    last_at: datetime
    visits: int
    ended_at: datetime | None = None

    @property
    def who(self) -> str:
        return self.actor.name or _("Somebody erased")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a recording (`GET audit?session_id=`)."""

    id: UUID
    type: str
    at: datetime
    detail: dict[str, Any] = {}

    @property
    def is_visit(self) -> bool:
        return self.type == "session_visited"

    @property
    def is_action(self) -> bool:
        """Whether something may have been changed, or was."""
        return self.detail.get("kind") == "action" if self.is_visit else self.type not in words.READS

    @property
    def verb(self) -> str:
        if self.is_visit:
            return _(words.VERBS.get(str(self.detail.get("kind")), words.OPENED))
        return _("Done") if self.is_action else _("Read")

    @property
    def what(self) -> str:
        return words.place(self.path) if self.is_visit else words.did(self.type, self.detail)

    @property
    def path(self) -> str:
        return str(self.detail.get("path", "")) if self.is_visit else ""

    @property
    def method(self) -> str:
        return str(self.detail.get("method", "")) if self.is_visit else ""


async def listed(services: Services, client_id: UUID, cursor: str) -> tuple[Client, Listing[Recording]]:
    """A client and a page of its recorded sessions, newest first. Raises `ServiceProblem` where there is no client."""
    return await asyncio.gather(
        services.identity.get(f"clients/{client_id}", Client),
        services.activity.get(
            "audit/recordings", Listing[Recording], client_id=client_id, cursor=cursor, limit=PER_PAGE
        ),
    )


async def recording(services: Services, client_id: UUID, session_id: UUID) -> Recording:
    """One of them. Raises `NotFound` for a session of which nothing was recorded at this client."""
    found = await services.activity.get(
        "audit/recordings", Listing[Recording], client_id=client_id, session_id=session_id
    )
    if not found.items:
        raise NotFound
    return found.items[0]


async def records(services: Services, found: Recording, shown: str, cursor: str) -> Listing[Record]:
    """A page of what was opened and done, from the beginning on."""
    query = _query(found) | {"visits": shown, "cursor": cursor, "limit": PER_PAGE}
    return await services.activity.get("audit", Listing[Record], **query)


async def whole(services: Services, found: Recording) -> AsyncGenerator[bytes]:
    """All of a recording as one JSON document, its records as the audit log gives them."""
    yield b'{"recording":' + msgspec.json.encode(found) + b',"records":['
    cursor, between = "", b""
    while True:
        page = await services.activity.get(
            "audit", Listing[msgspec.Raw], **_query(found), visits="all", cursor=cursor, limit=WHOLE
        )
        for record in page.items:
            yield between + bytes(record)
            between = b","
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    yield b"]}\n"


def _query(found: Recording) -> dict[str, object]:
    return {"client_id": found.client_id, "session_id": found.session.id, "oldest_first": "true"}
