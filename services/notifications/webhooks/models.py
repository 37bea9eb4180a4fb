"""A webhook, which is a URL of a partner system that receives events, and its deliveries."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.notifications.webhooks.targets import require_target
from shared.clock import now
from shared.contracts import TOLD
from shared.contracts.entries.entry import Entry
from shared.contracts.notifications import (
    WebhookCreated,
    WebhookDisabled,
    WebhookRemoved,
    WebhookRotated,
    WebhookUpdated,
)
from shared.errors import Conflict
from shared.language import gettext as _
from shared.orm import Base, Identified, Timestamped

if TYPE_CHECKING:
    EventType = str
else:
    EventType = Literal[tuple(kind.type for kind in TOLD)]
PING = "ping"

Reason = Literal["gone", "failing"]
"""Why the portal switched a webhook off: its receiver said so (410), or nothing but failures for `PATIENCE`."""
Unsent = Literal["withdrawn", "unwanted"]
"""Why nothing is sent: the entry was hidden from its client meanwhile (decision 0049), or the webhook receives no such
type any more.
"""
Failure = Literal["refused_address", "no_such_host", "unreachable", "tls", "timeout", "secret_unreadable"] | Unsent
"""Why an attempt has no HTTP status: the target is not allowed (`require_target`), the network failed, or `Unsent`."""

WAITS = tuple(timedelta(seconds=each) for each in (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600))
"""Between the attempts at a delivery, about a day in all."""
PATIENCE = timedelta(days=3)


class SwitchedOff(Conflict):
    code = "webhook.switched_off"

    def __init__(self) -> None:
        super().__init__(_("This webhook is switched off. Switch it on first."))


class Subscriber(msgspec.Struct, frozen=True):
    """What the fold has to know of a webhook, also of one that is switched off, for which deliveries are held."""

    id: UUID
    client_id: UUID | None
    types: frozenset[str]

    def wants(self, entry: Entry) -> bool:
        """Whether it receives this entry: its client and the entry's type match.

        A webhook that is bound to a client receives only entries that the client sees.
        """
        if self.client_id and (self.client_id != entry.client_id or entry.private or entry.team_only):
            return False
        return not self.types or entry.type in self.types


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt: the status that was answered, or why there is none."""

    status: int | None = None
    error: Failure | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_unsent(self) -> bool:
        return self.error in get_args(Unsent)

    @property
    def is_gone(self) -> bool:
        return self.status == 410


class Webhook(Base, Identified, Timestamped):
    """`client_id` is the one client it is bound to, None for all; no `types` are all. `failing_since` is when the first
    of the attempts failed that have all failed since, `resumed_at` since when it is on, while some of what was held may
    not be due yet.
    """

    __tablename__ = "webhooks"

    name: Mapped[str]
    url: Mapped[str]
    client_id: Mapped[UUID | None]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[UUID]
    created_by_name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str] = mapped_column(default="")
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    resumed_at: Mapped[datetime | None] = mapped_column(default=None)

    def created(self, *, private: bool) -> WebhookCreated:
        """Say that it exists. Raises `TargetRefused`; `private` as in `require_target`."""
        return WebhookCreated(host=require_target(self.url, private=private), types=self.types)

    def change(self, changes: Mapping[str, Any], *, private: bool) -> WebhookUpdated | None:
        """Take over what is new among `name`, `url`, `types` and `active`; None where nothing is.

        Another address, or being switched on again, is a fresh start. Raises `TargetRefused`.
        """
        new = {field: value for field, value in changes.items() if getattr(self, field) != value}
        host = require_target(new.get("url", self.url), private=private or "url" not in new)
        if "url" in new or new.get("active"):
            self.failing_since = None
        if "active" in new:
            self.disabled_reason, self.disabled_at = "", None if new["active"] else now()
            self.resumed_at = now() if new["active"] else None
        for field, value in new.items():
            setattr(self, field, value)
        if not new:
            return None
        return WebhookUpdated(host=host, types=self.types, fields=sorted(new), active=self.active)

    def rotated(self, old_valid_until: datetime) -> WebhookRotated:
        """Say that it has a new secret beside the one that lives on until then."""
        return WebhookRotated(old_valid_until=old_valid_until)

    def removed(self) -> WebhookRemoved:
        """Say that it is no more."""
        return WebhookRemoved()

    def require_active(self) -> None:
        """Raise `SwitchedOff` where nothing would be sent."""
        if not self.active:
            raise SwitchedOff

    def heard(self, outcome: Outcome, *, is_ping: bool) -> WebhookDisabled | None:
        """Take note of an attempt; the event where that switched it off. A failed ping proves nothing yet, and what was
        still in hand when it was switched off proves nothing new.
        """
        if outcome.is_success:
            self.failing_since = None
            return None
        if not self.active:
            return None
        if outcome.is_gone:
            return self._disable("gone")
        if is_ping or outcome.is_unsent:
            return None
        since = self.failing_since = self.failing_since or now()
        return self._disable("failing") if now() - since >= PATIENCE else None

    def _disable(self, reason: Reason) -> WebhookDisabled:
        self.active, self.disabled_reason, self.disabled_at = False, reason, now()
        return WebhookDisabled(reason=reason, host=require_target(self.url, private=True), name=self.name)


class WebhookSecret(Base, Identified):
    """`expires_at` is None for the current secret and set for rotated ones."""

    __tablename__ = "webhook_secrets"

    webhook_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    sealed: Mapped[bytes] = mapped_column(repr=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)

    def retire(self, until: datetime) -> datetime:
        """Sign until then, never longer than was said before; when that is."""
        end = min(until, self.expires_at) if self.expires_at else until
        self.expires_at = end
        return end


class Delivery(Base, Identified):
    """One thing told to one webhook. `id` is the same in every attempt. It waits while `due_at` is set, and is held for
    as long as its webhook is switched off.

    A ping has no event behind it. `tries` only rises, and tells one attempt from the next.
    """

    __tablename__ = "webhook_deliveries"

    webhook_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    type: Mapped[str]
    event_id: Mapped[UUID | None] = mapped_column(default=None)
    position: Mapped[int | None] = mapped_column(BigInteger, default=None)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default_factory=now)
    last_tried_at: Mapped[datetime | None] = mapped_column(default=None)
    last_status: Mapped[int | None] = mapped_column(default=None)
    last_error: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    def record(self, outcome: Outcome) -> None:
        """It arrived, waits ever longer for its next try, or failed; a ping is tried once."""
        self.last_tried_at, self.last_status, self.last_error = now(), outcome.status, outcome.error or ""
        self.due_at = self.delivered_at = self.failed_at = None
        if outcome.is_success:
            self.delivered_at = now()
        elif self.type != PING and self.tries <= len(WAITS) and not outcome.is_unsent:
            self.due_at = now() + WAITS[self.tries - 1]
        else:
            self.failed_at = now()

    def again(self) -> None:
        """Send it once more, at once, whatever came of it before."""
        self.due_at, self.delivered_at, self.failed_at = now(), None, None
