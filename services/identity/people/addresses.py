"""Rules about addresses across people. The table's constraints decide, so that one of two concurrent changes fails."""

from sqlalchemy.exc import IntegrityError

from services.identity.people.models import EmailTaken, Person
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import EmailVerified
from shared.database import Db
from shared.errors import Conflict
from shared.language import gettext as _


class ListedAlready(Conflict):
    code = "person.listed_already"

    def __init__(self) -> None:
        super().__init__(_("This client has a contact with this address already."), field="email")


async def store_address(db: Db) -> None:
    """Write what was changed about somebody. Raises `EmailTaken`: of all with one address one may sign in; and
    `ListedAlready`: in a client's book it stands once.
    """
    try:
        await db.flush()
    except IntegrityError as error:
        if "people_email_key" in str(error.orig):
            raise EmailTaken from error
        if "people_client_email_key" in str(error.orig):
            raise ListedAlready from error
        raise


async def note_verified(db: Db, author: Actor, person: Person) -> None:
    """The person can read what is mailed to their address: they came with something only the mail had."""
    if person.email_verified_at:
        return
    person.email_verified_at = now()
    await db.flush()
    await outbox.append(db, author, EmailVerified(), client_id=person.client_id, aggregate_id=person.id)
