"""What the services answer, as far as pages show it. Unknown fields are ignored, so a service may add some first."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from shared.pagination import Page as Listing

ProjectStatus = Literal["on_track", "at_risk", "delayed", "completed"]
MilestoneStatus = Literal["completed", "in_progress", "upcoming", "overdue"]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in person (`GET auth/me`); `language` is en or de."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    name: str
    kind: str
    client_id: UUID | None = None
    client_name: str | None = None
    is_primary_contact: bool = False
    phone: str = ""
    title: str = ""
    language: str = "en"
    two_factor: bool = False
    email_verified: bool | None = None
    session_recording: bool = False


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a sign-in step: a session, or the next step, bound to this browser by the flow cookie."""

    person: Me | None = None
    next: Literal["second_factor", "enrol"] | None = None
    methods: list[str] = []


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """One of the person's own (`GET auth/organisations`); `person_id` is who they are there. `home`: where
    they sign in; `obstacle`: why not to go.
    """

    client_id: UUID
    person_id: UUID
    name: str
    current: bool
    home: bool
    obstacle: str = ""


class Organisations(msgspec.Struct, frozen=True):
    items: list[Organisation]


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client organisation as staff see it."""

    id: UUID
    name: str
    active: bool = True
    portal_enabled: bool = True
    variant: str | None = None
    people_count: int | None = None
    created_at: datetime | None = None
    session_recording: bool = False
    recorded_since: datetime | None = None


Own = msgspec.Meta(extra={"own": True})
"""Marks what the portal itself fills in, from the answer of another service."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the project team. Staff have a `person_id`, and are as identity knows them (`projects/teams.py`);
    ways to reach the others are on the detail page only.
    """

    name: str
    role: str
    person_id: UUID | None = None
    active: Annotated[bool, Own] = True
    email: Annotated[str | None, Own] = None
    phone: Annotated[str | None, Own] = None


class NextMilestone(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    target_on: date


class ProjectCard(msgspec.Struct, frozen=True, kw_only=True):
    """One project in a list. `completion` (0..100) is None where it is hidden; `private` is said to staff only."""

    id: UUID
    client_id: UUID
    name: str
    status: ProjectStatus
    completion: int | None = None
    client_name: str | None = None
    description: str | None = None
    phase: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    next_milestone: NextMilestone | None = None
    team: list[Member] = []
    last_activity_at: datetime | None = None
    milestones_total: int | None = None
    milestones_completed: int | None = None
    private: bool = False


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    project_id: UUID
    name: str
    target_on: date
    status: MilestoneStatus | None = None
    description: str | None = None
    phase: str | None = None
    starts_on: date | None = None
    completed_on: date | None = None
    depends_on: list[UUID] = []
    private: bool = False
    version: int | None = None


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    status: MilestoneStatus | None = None
    completion: int | None = None


class ProjectDetail(ProjectCard, frozen=True, kw_only=True):
    """One project; `fixed_completion` is what staff set by hand, None while it follows from the milestones."""

    scope: str | None = None
    fixed_completion: int | None = None
    milestones: list[Milestone] = []
    phases: list[Phase] = []
    hidden_fields: list[str] = []
    version: int | None = None


class Person(msgspec.Struct, frozen=True):
    id: UUID | None = None
    name: str | None = None


class Target(msgspec.Struct, frozen=True):
    """What an entry is about; `url` is a path inside the portal."""

    type: str | None = None
    id: UUID | None = None
    url: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, as the feed tells it; `many` is the title for several of them, with `{count}` in it."""

    id: UUID
    seq: int
    type: str
    title: str
    at: datetime
    description: str | None = None
    actor: Person | None = None
    project_id: UUID | None = None
    target: Target | None = None
    private: bool = False
    many: str | None = None


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its comparison; `value` is None when it could not be computed."""

    key: str
    label: str
    format: str
    value: float | str | None = None
    previous: float | str | None = None
    change: float | str | None = None
    direction: Literal["up", "down", "flat"] | None = None
    good: bool | None = None
    comparison_label: str | None = None
    href: str | None = None


class Kpis(msgspec.Struct, frozen=True):
    items: list[Kpi]
    computed_at: datetime | None = None


class ProjectName(msgspec.Struct, frozen=True):
    """The project that a thing belongs to."""

    id: UUID
    title: str


class Turn(msgspec.Struct, frozen=True):
    """Since when a thing waits for the reader."""

    since: datetime


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something of whatever kind that waits for somebody, or is due; without a project it concerns the client."""

    id: UUID
    kind: str
    title: str
    project: ProjectName | None
    due_on: date | None
    turn: Turn | None
    private: bool = False


class ClientAttention(msgspec.Struct, frozen=True, kw_only=True):
    """How many things of a client are overdue, wait for the company and wait for the client, and its newest entry."""

    id: UUID
    name: str
    overdue: int
    company: int
    client: int
    newest: Entry | None


class ClientsAttention(msgspec.Struct, frozen=True):
    """The clients that need attention, those with most of it first; `total` is how many there are."""

    items: list[ClientAttention]
    total: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """`GET overview`: what a dashboard shows of a client, or of all. What was not asked for, or is closed, is None."""

    kpis: Kpis | None = None
    turn: list[Thing] | None = None
    due: list[Thing] | None = None
    newest: Listing[Entry] | None = None
    clients: ClientsAttention | None = None
