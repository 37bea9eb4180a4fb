"""Who is calling. A plain struct that commands and queries may take; made only from a verified token."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from shared.clock import now

Kind = Literal["staff", "client", "partner", "anonymous", "system"]
FRESH = timedelta(minutes=10)
"""How long an authentication counts as recent (ASVS 7.5)."""
WITHIN_PROJECTS = frozenset({"manageProjects"})
"""The policies that somebody limited to projects can use, in those projects; what the others allow reaches further."""


class Reader(msgspec.Struct, frozen=True):
    """Through whose eyes the portal is seen."""

    id: UUID | None
    name: str


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of one request.

    `client_id` is the tenant of a client's person and None for everybody else: staff name a client where they mean one.
    `project_roles` maps a project to approver, viewer or feedback_only. `session_ends` is when the session
    is over whatever happens: what outlives a request (a stream) must not outlive it. `assignments` maps the projects a
    subcontractor may work on to their clients; None is staff without such a limit. `proven_at` is when the person last
    proved who they are (step-up). `read_only` is staff looking at the portal as a client: kind, `client_id` and rights
    are then the client's, or those of the person they see it as (`seen_as`); `id` and `name` stay their own. `scopes`
    are a partner system's capabilities. `closed` names the modules and actions that the company keeps from this
    client's people (decision 0054).
    """

    id: UUID | None = None
    name: str = ""
    kind: Kind = "anonymous"
    client_id: UUID | None = None
    session_id: UUID | None = None
    session_ends: datetime | None = None
    policies: frozenset[str] = frozenset()
    project_roles: dict[UUID, str] = msgspec.field(default_factory=dict[UUID, str])
    is_primary_contact: bool = False
    read_only: bool = False
    seen_as: Reader | None = None
    assignments: dict[UUID, UUID] | None = None
    proven_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    ip: str = ""

    @property
    def is_staff(self) -> bool:
        return self.kind == "staff"

    @property
    def is_limited(self) -> bool:
        """Whether this is a subcontractor."""
        return self.assignments is not None

    @property
    def sees_all_clients(self) -> bool:
        """Whether no tenant bounds the actor. A subcontractor is bounded by `assignments`, which queries apply."""
        return self.kind in ("staff", "system") or (self.kind == "partner" and self.client_id is None)

    @property
    def is_freshly_proven(self) -> bool:
        """Whether the person has proven within `FRESH` who they are."""
        return self.proven_at is not None and now() - self.proven_at < FRESH

    @property
    def reader(self) -> Reader:
        """Whose portal it is: the person staff see it as, or whoever calls. What is done, whoever calls does."""
        return self.seen_as or Reader(self.id, self.name)

    @property
    def themselves(self) -> "Actor":
        """Whoever calls, without a client's eyes: for a person's own rows, whose tenant is the person's."""
        return msgspec.structs.replace(self, kind="staff", client_id=None, seen_as=None) if self.read_only else self

    def can(self, policy: str) -> bool:
        """Whether staff hold this policy. Client people hold none, and the limit to projects no policy widens."""
        return self.is_staff and policy in self.policies and (self.assignments is None or policy in WITHIN_PROJECTS)

    def sees(self, client_id: UUID) -> bool:
        """Whether this client's data may be named at all."""
        if self.assignments is not None:
            return client_id in self.assignments.values()
        return self.sees_all_clients or (self.kind in ("client", "partner") and self.client_id == client_id)

    def role_in(self, project_id: UUID) -> str | None:
        """The project role; a primary contact is a viewer at least, in every project of its client."""
        role = self.project_roles.get(project_id)
        return "viewer" if self.is_primary_contact and role in (None, "feedback_only") else role

    def readable_projects(self) -> frozenset[UUID] | None:
        """Projects whose content may be read; None means every project of the actor's tenant."""
        if self.assignments is not None:
            return frozenset(self.assignments)
        if self.sees_all_clients or self.is_primary_contact or self.kind == "partner":
            return None
        return frozenset(p for p, role in self.project_roles.items() if role != "feedback_only")


SYSTEM = Actor(kind="system")
"""The portal itself: consumers, jobs, and sign-in before anybody is known. Each language has its own name for it."""
