"""What a subcontractor may work on: named projects, and nothing else of the portal."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.errors import Conflict
from shared.language import gettext as _
from shared.orm import Base


class AssignmentsNeedStaff(Conflict):
    code = "person.assignments_need_staff"

    def __init__(self) -> None:
        super().__init__(_("Only staff can be limited to projects; the people of a client have project roles."))


class Assignment(Base):
    """A project somebody limited may work on, with its client."""

    __tablename__ = "assignments"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
