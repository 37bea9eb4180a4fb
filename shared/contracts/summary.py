"""What lists outside a service need to know of a thing. Events about a thing carry it, as the thing is afterwards."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec


class Readers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who of a client may read a thing that is not for everybody of its project: who has one of these roles in the
    project, and these people. Primary contacts and the company always may.
    """

    roles: list[str] = []
    people: list[UUID] = []


class Turn(Readers, frozen=True, kw_only=True):
    """A thing waits, `since` then, for somebody of this side: with one of the roles, or one of the people; for anybody
    who may read it where both are empty.
    """

    side: Literal["client", "company"]
    since: datetime


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thing in one row, made by the service that owns it; the newest `version` counts.

    `made_on` is the day it came to be. `project_id` is None for what concerns the client as a whole; a project's is its
    own id. `amount` is counted in `unit` (EUR, h, %). `marks` are short words for figures, such as billable.

    The client sees nothing that is `private` itself or in a private project. A thing `hides` what its client does not
    see in it and in what belongs to it; `hidden_by` says which field of this summary is kept from the client while its
    project hides what. `deleted`: it is gone, and its title is empty.
    """

    kind: str
    title: str
    status: str
    version: int
    made_on: date
    number: str | None = None
    project_id: UUID | None = None
    amount: Decimal | None = None
    unit: str | None = None
    starts_on: date | None = None
    due_on: date | None = None
    done_on: date | None = None
    marks: list[str] = []
    private: bool = False
    readers: Readers | None = None
    turn: Turn | None = None
    hides: list[str] = []
    hidden_by: dict[str, str] = {}
    deleted: bool = False
