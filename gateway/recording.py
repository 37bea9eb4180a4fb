"""Recorded sessions: what is not written down is not served (docs/decisions/0053).

A visit is stored by identity before its request is forwarded. Those that come while identity is being told wait and go
together with the next call, so a busy gateway tells many at once.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from gateway.origins import SAFE
from gateway.request import Request
from gateway.routes import API, Route
from gateway.sessions import Session

MOST = 100
"""Visits in one call."""
LONGEST = 500
"""Of an address as it is kept: no page's is half as long."""
RECORDED_HEADER = b"x-portal-recorded"
"""Informs the portal, whose pages inform their readers. A caller's own header of this name is not forwarded."""
_HARMLESS = re.compile(r"[a-z][a-z.-]{0,39}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|")

REFRESHED = ("/widgets", f"{API}/people/pictures")
"""What a page asks for by itself."""
Kind = Literal["page", "action", "api", "refresh", "stream"]


class Visit(msgspec.Struct, frozen=True):
    """One request, as it is sent to identity."""

    session_id: UUID
    person_id: UUID
    name: str
    by: str
    client_id: UUID | None
    read_only: bool
    method: str
    path: str
    kind: Kind
    request_id: str


Keep = Callable[[Sequence[Visit]], Awaitable[None]]
"""Stores visits. Raises `Refused` (503) where it cannot."""


class Recorder:
    """Writes visits down, one call to identity at a time."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._waiting: list[tuple[Visit, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, request: Request, route: Route, session: Session) -> None:
        """Returns once the visit is stored. Raises `Refused` (503) if it is not: then it must not be served."""
        if route.upstream == "gateway":
            return  # health, keys and the API's documentation: nothing of anybody's
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((_visit(request, route, session), stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await stored
        request.inbound.forwarded[RECORDED_HEADER] = b"1"

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            telling = self._keep([visit for visit, _ in batch])
            [failure] = await asyncio.gather(telling, return_exceptions=True)  # the callers that wait need the error
            for stored in (stored for _, stored in batch if not stored.done()):  # done: that caller disconnected
                if failure:
                    stored.set_exception(failure)
                else:
                    stored.set_result(None)


def _visit(request: Request, route: Route, session: Session) -> Visit:
    return Visit(
        session_id=session.session_id,
        person_id=session.person_id,
        name=session.name,
        by=session.kind,
        client_id=session.client_id,
        read_only=session.read_only,
        method=request.method,
        path=written(request.path.decode("ascii"), route.prefix),
        kind=_kind(request.method, route),
        request_id=request.id,
    )


def _kind(method: str, route: Route) -> Kind:
    if method not in SAFE:
        return "action"
    if route.stream:
        return "stream"
    if route.prefix in REFRESHED:
        return "refresh"
    return "page" if route.is_page else "api"


def written(path: str, prefix: str) -> str:
    """The path as it may be kept: below the route's own `prefix`, whatever is neither a word nor an id is a `*`.

    Paths of the portal are words and ids. What else somebody typed into one could be anything, a secret included.
    """
    segments = path.removeprefix(prefix).split("/")
    return (prefix + "/".join(each if _HARMLESS.fullmatch(each) else "*" for each in segments))[:LONGEST]
