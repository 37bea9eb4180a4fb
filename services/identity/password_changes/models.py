"""New passwords: for who forgot theirs, and for who knows it."""

from datetime import datetime

import msgspec

from services.identity.single_use import single_use
from shared.errors import Conflict, Forbidden, Invalid
from shared.language import gettext as _

PASSWORD_RESET = single_use("password_reset")


class CurrentWrong(Invalid):
    code = "person.current_password_wrong"

    def __init__(self) -> None:
        super().__init__(_("This is not your current password."), field="current")


class NoPasswords(Conflict):
    code = "person.no_passwords"

    def __init__(self) -> None:
        super().__init__(_("This person does not sign in with a password."))


class NotYourOwn(Forbidden):
    code = "person.not_your_own"

    def __init__(self) -> None:
        super().__init__(_("Change your own password under Security; a link is for somebody else."))


class ResetLink(msgspec.Struct, frozen=True):
    """A way to a new password, to be handed over by who asked for it. It works once."""

    link: str
    expires_at: datetime
