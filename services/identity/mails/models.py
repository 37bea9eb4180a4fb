"""Mails that are to go out: the one queue for all of them."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.contracts.notifications import Attachment
from shared.errors import Invalid
from shared.language import gettext as _
from shared.orm import Base, Identified

Language = Literal["en", "de"]
Failure = Literal["refused", "unconfirmed", "expired", "closed", "replaced", "bounced", "unfit"]
"""Why a mail did not go out: the server refuses the address for good; it may or may not have taken the mail (which then
is not sent again); it could not be reached in time; the recipient may not sign in; a newer mail replaced it; the server
took it and sent it back later; what is ordered is never sent.
"""


class Unfit(Exception):
    """A mail like this is never sent, however often it is tried. Says why, without what the mail holds."""


class ReportUnreadable(Invalid):
    code = "mail.report"

    def __init__(self) -> None:
        super().__init__(_("This is no report about a mail of the portal (RFC 3464)."), field="report")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What all mails of a kind have in common.

    `lasts`: how long its link or code can be used. `keeps`: how long the mail is worth sending, `lasts` if not said.
    `page`: where its link leads. `urgent`: somebody sits and waits, so it goes before those that nobody waits for.
    `once`: rather none than two, when nobody can know whether the server took it.
    """

    lasts: timedelta = timedelta()
    keeps: timedelta = timedelta()
    page: str = ""
    urgent: bool = False
    once: bool = False

    @property
    def worth_sending(self) -> timedelta:
        return self.keeps or self.lasts


_A_DAY = timedelta(days=1)
_TEN_MINUTES = timedelta(minutes=10)
_AN_HOUR = timedelta(hours=1)
KINDS: dict[str, Kind] = {
    "sign_in_link": Kind(lasts=_TEN_MINUTES, page="sign-in/link", urgent=True),
    "step_up_code": Kind(lasts=_TEN_MINUTES, urgent=True),
    "invitation": Kind(lasts=timedelta(days=14), keeps=timedelta(days=2), page="invitation", once=True),
    "registration": Kind(lasts=_AN_HOUR, page="invitation", urgent=True),
    "password_reset": Kind(lasts=_AN_HOUR, page="reset-password", urgent=True),
    "email_verification": Kind(lasts=_A_DAY, page="verify-email", urgent=True),
    "email_change": Kind(lasts=_A_DAY, page="confirm-email", urgent=True),
    "email_change_notice": Kind(lasts=_A_DAY, page="confirm-email", urgent=True),
    "new_device": Kind(keeps=_A_DAY),
    "password_changed": Kind(keeps=_A_DAY),
    "two_factor_changed": Kind(keeps=_A_DAY),
    "passkey_added": Kind(keeps=_A_DAY),
    "access_ended": Kind(keeps=_A_DAY),
    "notification": Kind(keeps=_A_DAY),
}


class Mail(Base, Identified):
    """One mail to one address, until it is sent or will never be.

    Waits while `due_at` is set. `handed_over_at` is set just before the server gets a mail that must not go out twice.
    `person_id` is None where whose address it is shows only when the mail is written. `facts` are the kind's own.
    """

    __tablename__ = "mails"

    kind: Mapped[str]
    address: Mapped[str]
    urgent: Mapped[bool]
    expires_at: Mapped[datetime]
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    person_id: Mapped[UUID | None] = mapped_column(default=None)
    token_id: Mapped[UUID | None] = mapped_column(default=None)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict[str, Any])
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default_factory=now)
    handed_over_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_at: Mapped[datetime | None] = mapped_column(default=None)
    failure: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    def settle(self, failure: Failure | None = None) -> None:
        """It is sent, or never will be."""
        self.due_at = None
        if failure:
            self.failed_at, self.failure = now(), failure
        else:
            self.sent_at = now()

    def bounce(self) -> None:
        """It was sent, and came back."""
        self.sent_at = None
        self.failed_at, self.failure = now(), "bounced"

    def wait(self) -> None:
        """Try again, ever later: 6 s, 12 s, ... and every ten minutes at most, every minute for who waits."""
        self.due_at = now() + timedelta(seconds=min(3 * 2**self.tries, 60 if self.urgent else 600))


class Draft(msgspec.Struct, frozen=True):
    """What a mail says: the words its text leaves open, in which language. `token` and `code` are secrets. `path` is
    the page of the portal that it leads to, where its kind has none, and `organisation` the client in whose portal that
    is (decision 0048). `projects`: names, each with a role in it, and how
    many `more` there are. Mails of one `thread` belong together. `advice` are our own words.
    """

    language: str
    name: str
    token: str = ""
    code: str = ""
    path: str = ""
    organisation: UUID | None = None
    thread: UUID | None = None
    advice: str = ""
    words: dict[str, str] = {}
    projects: list[tuple[str, str]] = []
    more: int = 0
    attachments: list[Attachment] = []


class Letter(msgspec.Struct, frozen=True):
    """One attempt to send a mail. Holds the secrets themselves: never stored, never logged."""

    id: UUID
    attempt: int
    kind: str
    to: str
    draft: Draft
