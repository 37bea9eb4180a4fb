"""Events of `services/notifications`: whom it notifies, and changes of webhooks, which send events to partner systems.

The envelope's client is, of a webhook, the one it is bound to, none for all. `host` is whom it tells: the rest of an
address may hold what only the receiver should know.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from shared.contracts.words.lines import Facts
from shared.events import Audit, EventData, SecurityEvent


class BellChanged(EventData, frozen=True):
    """What these people have not read is more or less than before: their open pages count again.

    The aggregate is the event they are notified of, or the person who read something.
    """

    type: ClassVar[str] = "bell_changed"
    subject: ClassVar[str] = "notifications.bell.changed.v1"
    audit: ClassVar[Audit] = "none"
    people: list[UUID]


class Attachment(msgspec.Struct, frozen=True):
    """A file for a mail, of the kind that `media_type` names. Travels sealed alone (MessagePack, then sealed)."""

    name: str
    media_type: str
    content: bytes


class MailOrdered(EventData, frozen=True):
    """Somebody is to get a mail about an event of the type `about`. No address: identity has it. They are a person, or
    somebody outside, by the id of the invitation that they have from identity.

    The aggregate is the order. `mail_accepted` or `mail_failed` answers it, about the same id. `facts` are what the
    event is put into words from, in the language of who reads; `path` is where the portal shows it. When the mail is
    written, its person has to have access still: to `module`, to the project if there is one, and of staff with
    `policy`; what is about their `own` account they get as long as they have one. Mail programs show the mails of a
    `thread` together.

    `fixed`: nobody chooses to do without it, so the mail leads nowhere to do so.

    `client_id` is whose the thing is, by which the mail tells staff; of a client's people it is their own client.

    `sealed` is a secret for the end of `path`, `attachments` are `Attachment`s. Each is sealed with the key of orders,
    bound to the id of who gets the mail, and opened by identity when the mail is written.
    """

    type: ClassVar[str] = "mail_ordered"
    subject: ClassVar[str] = "notifications.mail.ordered.v1"
    audit: ClassVar[Audit] = "none"
    about: str
    facts: Facts
    actor_name: str
    path: str
    module: str
    policy: str
    person_id: UUID | UnsetType = UNSET
    project_id: UUID | None = None
    own: bool = False
    thread: UUID | None = None
    invitation_id: UUID | None = None
    sealed: bytes = b""
    attachments: list[bytes] = []  # noqa: RUF012  (a struct copies it)
    client_id: UUID | None = None
    fixed: bool = False


class _Webhook(SecurityEvent, frozen=True, kw_only=True):
    host: str
    types: list[str]
    """Types of events; none are all."""


class WebhookCreated(_Webhook, frozen=True):
    type: ClassVar[str] = "webhook_created"
    subject: ClassVar[str] = "notifications.webhook.created.v1"
    formerly: ClassVar[str] = "activity.webhook.created.v1"


class WebhookUpdated(_Webhook, frozen=True):
    """`fields` are those that changed; `active`, whether it tells anything at all, can be one of them."""

    type: ClassVar[str] = "webhook_updated"
    subject: ClassVar[str] = "notifications.webhook.updated.v1"
    formerly: ClassVar[str] = "activity.webhook.updated.v1"
    fields: list[str]
    active: bool


class WebhookRotated(SecurityEvent, frozen=True):
    """It has a new secret; deliveries are signed with the old one as well until then."""

    type: ClassVar[str] = "webhook_rotated"
    subject: ClassVar[str] = "notifications.webhook.rotated.v1"
    formerly: ClassVar[str] = "activity.webhook.rotated.v1"
    old_valid_until: datetime


class WebhookDisabled(SecurityEvent, frozen=True):
    """The portal itself switched it off: its receiver is `gone` (410), or has been `failing` for days."""

    type: ClassVar[str] = "webhook_disabled"
    subject: ClassVar[str] = "notifications.webhook.disabled.v1"
    formerly: ClassVar[str] = "activity.webhook.disabled.v1"
    reason: str
    host: str = ""
    name: str = ""


class WebhookRemoved(SecurityEvent, frozen=True):
    type: ClassVar[str] = "webhook_removed"
    subject: ClassVar[str] = "notifications.webhook.removed.v1"
    formerly: ClassVar[str] = "activity.webhook.removed.v1"


class NotificationChoicesChanged(EventData, frozen=True):
    """Somebody is notified of these `kinds`, types of events, by another channel from now on. The aggregate is the
    person; by which channel is theirs alone.
    """

    type: ClassVar[str] = "notification_choices_changed"
    subject: ClassVar[str] = "notifications.choices.changed.v1"
    kinds: list[str]
