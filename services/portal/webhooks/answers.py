"""What notifications answers about webhooks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from yarl import URL

State = Literal["waiting", "sending", "delivered", "failed"]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that receives events."""

    id: UUID
    name: str
    url: str
    client_id: UUID | None
    client_name: str | None
    types: list[str]
    active: bool
    disabled_reason: str
    disabled_at: datetime | None
    failing_since: datetime | None
    created_at: datetime
    created_by: str | None
    old_secret_until: datetime | None
    last_delivery_at: datetime | None
    last_delivery_state: State | None
    held: int = 0

    @property
    def host(self) -> str:
        try:
            return URL(self.url).host or self.url
        except ValueError:  # stored before such names were refused
            return self.url


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """One that was just made, with its secret, which is answered once."""

    secret: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, sent or waiting."""

    id: UUID
    type: str
    state: State
    tries: int
    last_status: int | None
    last_error: str
    last_tried_at: datetime | None
    next_try_at: datetime | None
    created_at: datetime
    name: str = ""
    project_name: str = ""


class EventType(msgspec.Struct, frozen=True):
    """`name` says in words what happened."""

    key: str
    name: str


class EventTypes(msgspec.Struct, frozen=True):
    items: list[EventType]


class Rotated(msgspec.Struct, frozen=True):
    secret: str
    old_valid_until: datetime
