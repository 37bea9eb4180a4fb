"""Events of `services/activity`: changes of the webhooks that send events to partner systems.

The envelope's client is the one a webhook is bound to, none for all. `host` is whom it tells: the rest of an address
may hold what only the receiver should know.
"""

from datetime import datetime
from typing import ClassVar

from shared.events import SecurityEvent


class _Webhook(SecurityEvent, frozen=True, kw_only=True):
    host: str
    types: list[str]
    """Types of events; none are all."""


class WebhookCreated(_Webhook, frozen=True):
    type: ClassVar[str] = "webhook_created"
    subject: ClassVar[str] = "activity.webhook.created.v1"


class WebhookUpdated(_Webhook, frozen=True):
    """`fields` are those that changed; `active`, whether it tells anything at all, can be one of them."""

    type: ClassVar[str] = "webhook_updated"
    subject: ClassVar[str] = "activity.webhook.updated.v1"
    fields: list[str]
    active: bool


class WebhookRotated(SecurityEvent, frozen=True):
    """It has a new secret; deliveries are signed with the old one as well until then."""

    type: ClassVar[str] = "webhook_rotated"
    subject: ClassVar[str] = "activity.webhook.rotated.v1"
    old_valid_until: datetime


class WebhookDisabled(SecurityEvent, frozen=True):
    """The portal itself switched it off: its receiver is `gone` (410), or has been `failing` for days."""

    type: ClassVar[str] = "webhook_disabled"
    subject: ClassVar[str] = "activity.webhook.disabled.v1"
    reason: str
    host: str = ""


class WebhookRemoved(SecurityEvent, frozen=True):
    type: ClassVar[str] = "webhook_removed"
    subject: ClassVar[str] = "activity.webhook.removed.v1"
