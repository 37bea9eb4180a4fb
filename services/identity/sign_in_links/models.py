"""A link in a mail that signs in once, in the browser that asked for it."""

from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.identity.single_use import SingleUse, single_use
from shared.errors import Unauthorized
from shared.language import gettext as _
from shared.orm import Base, Identified

CODE_TRIES = 5

single_use("magic_link")
single_use("magic_link_code")


class LinkNotAccepted(Unauthorized):
    """The link is right, and its person cannot sign in with it: whoever holds it may know that."""

    code = "auth.link_not_accepted"

    def __init__(self) -> None:
        super().__init__(
            _(
                "Your link is right, but your organisation does not accept it here. It may allow certain networks only,"
                " or another sign-in method, or its portal is closed."
            )
        )


class LinkInvalid(Unauthorized):
    """Expired, used, replaced, never made, or another browser's: never told apart."""

    code = "auth.link_invalid"

    def __init__(self) -> None:
        super().__init__(
            _("This link or code cannot be used. Ask for a new one, in the browser you want to sign in with.")
        )


class SignInLink(Base, Identified, SingleUse):
    """What an address is being sent. There is one row for each address, so one live link.

    Whose address it is shows only when the mail is made, so asking looks the same for every address. Only hashes of
    link and code are stored, new ones for each attempt to send the mail.
    """

    __tablename__ = "sign_in_links"

    email: Mapped[str] = mapped_column(unique=True)
    flow_hash: Mapped[str] = mapped_column(repr=False)
    ip: Mapped[str]
    user_agent: Mapped[str]
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    person_id: Mapped[UUID | None] = mapped_column(default=None)
    token_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    code_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    code_tries: Mapped[int] = mapped_column(default=0)


def code_digest(flow_hash: str, code: str) -> str:
    """The hash of a code, good for one browser only: six digits alone could be guessed from their hash."""
    return sha256(f"{flow_hash}:{code}".encode()).hexdigest()
