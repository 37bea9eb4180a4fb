"""The activity page: grouped by day, filtered by project, a page at a time."""

import asyncio
from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Template

from services.portal import answers
from services.portal.activity import views
from services.portal.area import Area, Closable, Entry, Widget
from services.portal.page import Page
from services.portal.services import slot
from shared.language import marked
from shared.pagination import Page as Listing

Cursor = Annotated[str, Parameter(max_length=400)]
Sought = Annotated[str | None, Parameter(query="find-project", max_length=400)]


@get("/activity")
async def activity(
    *,
    page: Page,
    client_id: UUID | None = None,
    project_id: UUID | None = None,
    cursor: Cursor = "",
    after: date | None = None,
    sought: Sought = None,
) -> Template:
    """All entries; HTMX gets the next page alone. `after` is the last day already on the page: it has its heading.

    `sought` is looked for among the projects of the filter, which HTMX gets alone. Where they do not answer in time,
    the page has no filter.
    """
    if not (page.has("activity") or page.is_fragment):
        return await page.closed("activity")
    about = client_id or page.client_id

    def feed(found: Listing[answers.Entry]) -> views.Feed:
        return views.Feed(views.by_day(found.items, page.zone), found.next_cursor, client_id, project_id, cursor, after)

    q = (sought or "").strip()
    if page.is_fragment and sought is not None:
        choice = await views.projects(page.services, about, q, project_id)
        return page.fragment("activity/filter.html", choice=choice, feed=feed(Listing([])))
    listed = views.entries(page.services, about, project_id, cursor=cursor)
    if page.is_fragment:
        return page.fragment("activity/days.html", feed=feed(await listed))
    found, projects = await asyncio.gather(listed, slot(views.projects(page.services, about, q, project_id)))
    return await page.show("activity/page.html", section="activity", of_all=True, projects=projects, feed=feed(found))


area = Area(
    pages=[Router(path="/", route_handlers=[activity])],
    chapters=("activity",),
    entry=Entry(
        path="/activity",
        label=marked("Activity"),
        icon="activity",
        who=lambda page: page.sees_projects and page.has("activity"),
    ),
    module=Closable(
        name="activity",
        label=marked("Activity"),
        about=marked("What happened, and pages that follow it live. It names projects, also where they are closed."),
        shows=marked(
            "{company} does not show what happens in your projects here. If you need it, ask the person you work with "
            "there."
        ),
    ),
    widgets=[
        Widget(
            name="activity",
            template="activity/on_dashboard.html",
            load=views.on_dashboard,
            where="dashboard",
            who=lambda page: page.has("activity"),
            place="side",
        ),
        Widget(name="activity", template="activity/of_client.html", load=views.newest, where="client"),
    ],
)
