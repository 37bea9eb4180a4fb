"""What may be done to a project, and what is learnt about the clients they belong to."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.projects.fields import Dated, EmailAddress, LongText, Name, Percent, PhoneNumber, ShortName, Text
from services.projects.projects import queries
from services.projects.projects.models import KnownClient, NotForLimited, Project, Status, require_may_choose
from services.projects.projects.queries import ProjectDetail
from services.projects.projects.viewings import is_news
from services.projects.visibility import HiddenField, require_company, require_seen
from shared import outbox
from shared.actor import Actor
from shared.addresses import kept_address
from shared.clock import today
from shared.contracts.projects import ProjectViewed
from shared.database import Db
from shared.errors import Invalid, NotFound
from shared.events import EventData
from shared.language import gettext as _


class Member(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who works on the project and how the client reaches them.

    With `person_id` it is somebody of the company's staff: address and number are those of their profile and are not
    given here; `name` is what they were called when they were chosen. Raises `Invalid`.
    """

    name: Name
    role: ShortName
    person_id: UUID | None = None
    email: EmailAddress | None = None
    phone: PhoneNumber | None = None

    def __post_init__(self) -> None:
        if self.person_id and (self.email or self.phone):
            raise Invalid(_("Of staff, address and phone come from their profile. Leave both out."), field="team")
        if self.email is not None:
            self.email = kept_address(self.email, "team")


Team = Annotated[list[Member], Meta(max_length=50)]
HiddenFields = Annotated[list[HiddenField], Meta(max_length=50)]


class CreateProject(Dated, msgspec.Struct, forbid_unknown_fields=True):
    """A new project of a client. Without `completion` it follows from the milestones.

    `private`: the client does not see it before it is shared. `hidden_fields` it does not see then either.
    """

    client_id: UUID
    name: Name
    description: Text = ""
    scope: LongText = ""
    status: Status = "on_track"
    starts_on: date | None = None
    ends_on: date | None = None
    completion: Percent | None = None
    team: Team = []
    private: bool = False
    hidden_fields: HiddenFields = []


class PatchProject(Dated, msgspec.Struct, forbid_unknown_fields=True):
    """What is to change; a field that is absent stays. `completion: null` lets it follow from the milestones again."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    scope: LongText | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    completion: Percent | UnsetType | None = UNSET
    team: Team | UnsetType = UNSET
    hidden_fields: HiddenFields | UnsetType = UNSET


async def create_project(db: Db, actor: Actor, data: CreateProject) -> Project:
    """Start a project for a client that is known here and active. Not for those limited to projects there are."""
    if actor.is_limited:
        raise NotForLimited
    if not actor.sees(data.client_id):
        raise NotFound
    if data.private or data.hidden_fields:
        require_company(actor)
    client = await queries.get_client(db, data.client_id)
    client.require_active()
    project = Project(**_columns(data))
    require_may_choose(actor, project.staff)
    db.add(project)
    await _tell(db, actor, project, project.created())
    return project


async def change_project(db: Db, actor: Actor, project_id: UUID, data: PatchProject, if_match: str | None) -> Project:
    """Change a project. A new status is an event of its own; what is so already is none."""
    project = await queries.lock_project(db, actor, project_id)
    project.require_match(if_match)
    if data.hidden_fields is not UNSET:
        require_company(actor)
    columns = _columns(data)
    require_seen(actor, project.hidden_fields, [each for name in columns for each in Project.judged_by.get(name, ())])
    status = columns.pop("status", project.status)
    before = set(project.staff)
    events = project.change(columns), project.set_status(status, today())
    require_may_choose(actor, set(project.staff) - before)
    for event in events:
        if event:
            await _tell(db, actor, project, event)
    return project


async def share_project(db: Db, actor: Actor, project_id: UUID) -> Project:
    """Let the client see a private project."""
    project = await queries.lock_project(db, actor, project_id)
    require_company(actor)
    await _tell(db, actor, project, project.share())
    return project


async def withdraw_project(db: Db, actor: Actor, project_id: UUID) -> Project:
    """Keep a project from the client again."""
    project = await queries.lock_project(db, actor, project_id)
    require_company(actor)
    await _tell(db, actor, project, project.withdraw())
    return project


async def view_project(db: Db, actor: Actor, project_id: UUID, *, refresh: bool) -> ProjectDetail:
    """Read a project and, where that is news, tell that it was read: both, or neither."""
    project = await queries.get_project(db, actor, project_id)
    if await is_news(db, actor, project.client_id, project.id, refresh=refresh):
        await outbox.append(
            db, actor, ProjectViewed(name=project.name), client_id=project.client_id, aggregate_id=project.id
        )
    return project


async def learn_client(db: Db, client_id: UUID, name: str, *, active: bool) -> None:
    """Keep the copy of a client as identity last described it. No event: nothing was decided here."""
    await db.merge(KnownClient(id=client_id, name=name, active=active))


def _columns(data: CreateProject | PatchProject) -> dict[str, Any]:
    """What was sent, as the aggregate holds it: absent fields are left out, hidden ones are a set in order, the team is
    JSON.
    """
    columns: dict[str, Any] = msgspec.to_builtins(data, builtin_types=(date, UUID))
    if data.team is not UNSET:
        columns["team"] = msgspec.to_builtins(data.team)
    if "hidden_fields" in columns:
        columns["hidden_fields"] = sorted(set(columns["hidden_fields"]))
    return columns


async def _tell(db: Db, actor: Actor, project: Project, event: EventData) -> None:
    await outbox.append(db, actor, event, client_id=project.client_id, aggregate_id=project.id)
