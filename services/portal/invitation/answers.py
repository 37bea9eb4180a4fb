"""What identity says about an invitation."""

from uuid import UUID

import msgspec


class ProjectAhead(msgspec.Struct, frozen=True):
    """A project that somebody who was invited will have a role in."""

    name: str
    role: str


class Ahead(msgspec.Struct, frozen=True):
    """What somebody who was invited comes into: projects by name, how many `more`, or each of the client's."""

    projects: list[ProjectAhead] = []
    more: int = 0
    every_project: bool = False


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What an invitation's link is for (`POST auth/invitation`). `ahead`: None where the link alone opens nothing."""

    email: str
    first_name: str
    last_name: str
    client_name: str | None
    company_name: str
    sign_in_methods: list[str]
    joins_account: bool = False
    password_needed: bool = False
    invited_by: str = ""
    ahead: Ahead | None = None


class Joined(msgspec.Struct, frozen=True):
    """An invitation accepted by who signs in already (`POST auth/organisations/join`)."""

    client_id: UUID
