"""Events of `services/notifications`. Golden JSON: tests/contracts."""

from typing import ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from shared.contracts.words.lines import Facts
from shared.events import Audit, EventData


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
