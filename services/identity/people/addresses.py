"""What holds of addresses across people; the table has the last word, so that of two at once one is told."""

from sqlalchemy.exc import IntegrityError

from services.identity.people.models import EmailTaken
from shared.database import Db
from shared.errors import Conflict


class ListedAlready(Conflict):
    code = "person.listed_already"

    def __init__(self) -> None:
        super().__init__("This client has a contact with this address already.", field="email")


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
