"""Events of `services/notifications`. Golden JSON: tests/contracts."""

from typing import ClassVar
from uuid import UUID

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


class MailOrdered(EventData, frozen=True):
    """Somebody is to get a mail about an event of the type `about`. No address: identity has it.

    The aggregate is the order. `mail_accepted` or `mail_failed` answers it, about the same id. `facts` are what the
    event is put into words from, in the language of who reads; `path` is where the portal shows it. When the mail is
    written, its person has to have access still: to `module`, to the project if there is one, and of staff with
    `policy`.
    """

    type: ClassVar[str] = "mail_ordered"
    subject: ClassVar[str] = "notifications.mail.ordered.v1"
    audit: ClassVar[Audit] = "none"
    person_id: UUID
    about: str
    facts: Facts
    actor_name: str
    path: str
    module: str
    policy: str
    project_id: UUID | None = None
