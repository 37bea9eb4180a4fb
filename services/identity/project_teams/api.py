"""How the staff in projects' teams are called and reached, for whoever may read those projects."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from services.identity.project_teams import queries
from services.identity.project_teams.queries import StaffInTeam
from shared.actor import SYSTEM, Actor
from shared.database import ReadOnly
from shared.http import API
from shared.pagination import MAX_LIMIT

Ids = Annotated[list[UUID], Parameter(query="id", min_items=1, max_items=MAX_LIMIT)]


class StaffInTeams(msgspec.Struct, frozen=True):
    """Who is in which team."""

    items: list[StaffInTeam]


@get("/", opt={"scope": "projects:read", "module": "projects"})
async def list_project_teams(actor: Actor, read: ReadOnly, ids: Ids) -> StaffInTeams:
    """List the staff in the teams of these projects, as they are called and reached today. `id` may be repeated.

    Projects the caller may not read are left out, and within a client what they keep from it.
    """
    async with read(actor) as connection:
        teams = await queries.list_teams(connection, actor, ids)
    async with read(SYSTEM) as connection:  # past the tenant, for those whom the teams name
        return StaffInTeams(await queries.list_staff(connection, actor, teams))


router = Router(f"{API}/project-teams", route_handlers=[list_project_teams], tags=["projects"])
