"""Invitations sent by the hundred: who was picked, and what became of each."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.orm import Base, Identified

Status = Literal["waiting", "sent", "failed", "skipped"]


class BulkInvitation(Base, Identified):
    """Everybody who could be invited at one moment: of one client, or of all where `client_id` is None.
    `project_roles` are what each of them is to become, by project.
    """

    __tablename__ = "bulk_invitations"

    created_by: Mapped[UUID]
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    project_roles: Mapped[dict[str, str]] = mapped_column(JSONB, default_factory=dict[str, str])
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    done_at: Mapped[datetime | None] = mapped_column(default=None)


class BulkInvitationItem(Base):
    """One of them. `mail_id` is their invitation, queued in the same transaction that wrote it here, so once.

    `reason` says why it failed (`mails.models.Failure`), or is the code of the rule for which it was skipped.
    """

    __tablename__ = "bulk_invitation_items"

    bulk_invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="waiting")
    reason: Mapped[str] = mapped_column(default="")
    mail_id: Mapped[UUID | None] = mapped_column(default=None)
    updated_at: Mapped[datetime] = mapped_column(default_factory=now, onupdate=now)

    def skip(self, reason: str) -> None:
        """Leave this one out."""
        self.status, self.reason = "skipped", reason
