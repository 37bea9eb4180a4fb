"""Recorded sessions, for staff who may read the audit log: which there are, what happened in one, one as a file."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Stream, Template

from services.portal.clients.recordings import views
from services.portal.page import Page
from shared.claims import require_policy

Cursor = Annotated[str, Parameter(max_length=400)]
Shown = Annotated[str, Parameter(query="show", max_length=20)]
HOME = "/clients/{client_id:uuid}/recordings"


@get(HOME)
async def recordings(page: Page, client_id: UUID, cursor: Cursor = "") -> Template:
    """A client's recorded sessions, newest first; HTMX gets the next rows alone."""
    client, found = await views.listed(page.services, client_id, cursor)
    if page.is_fragment:
        return page.fragment("clients/recordings/rows.html", client=client, found=found)
    return await page.show("clients/recordings/list.html", section="clients", client=client, found=found)


@get(f"{HOME}/{{session_id:uuid}}")
async def recording(page: Page, client_id: UUID, session_id: UUID, show: Shown = "", cursor: Cursor = "") -> Template:
    """One session from its beginning to its end; HTMX gets the next lines alone."""
    shown = show if show in dict(views.SHOWN) else views.SHOWN[0][0]
    found = await views.recording(page.services, client_id, session_id)
    records = await views.records(page.services, found, shown, cursor)
    if page.is_fragment:
        return page.fragment("clients/recordings/records.html", found=found, records=records, shown=shown)
    return await page.show(
        "clients/recordings/page.html",
        section="clients",
        found=found,
        records=records,
        shown=shown,
        choices=views.SHOWN,
    )


@get(f"{HOME}/{{session_id:uuid}}/export")
async def export(page: Page, client_id: UUID, session_id: UUID) -> Stream:
    """The whole recording as JSON, for an auditor."""
    found = await views.recording(page.services, client_id, session_id)
    name = f"recording-{session_id}.json"
    return Stream(
        views.whole(page.services, found),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


router = Router(
    path="/",
    route_handlers=[recordings, recording, export],
    guards=[require_policy("viewAudit")],
    opt={"chapters": ("recordings",)},
)
