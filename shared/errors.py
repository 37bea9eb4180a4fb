"""What a rule may raise. No HTTP here: `shared.problems` holds the one table from kind to status."""

from typing import ClassVar

from shared.language import gettext as _


class DomainError(Exception):
    """A rule refused. `code` is a stable dotted name that partners may switch on (`milestone.already_completed`)."""

    code: ClassVar[str] = "error"
    challenge: str = ""
    """The answer's `WWW-Authenticate`, where a program is to learn what it lacks (RFC 6750, 3)."""

    def __init__(self, detail: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.retry_after = retry_after

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong with which field. A refusal for several reasons at once says so here."""
        return {self.field: self.detail} if self.field else {}


class Unauthorized(DomainError):
    """Nobody is signed in, or the credentials are invalid."""

    code = "auth.required"


class NotFound(DomainError):
    """It does not exist, or belongs to somebody else: both get the same answer."""

    code = "not_found"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or _("There is nothing here, or it is not yours to see."))


class Forbidden(DomainError):
    """The caller can see it but lacks the permission."""

    code = "forbidden"


class StepUpRequired(Forbidden):
    """The request needs recent authentication (`Actor.is_freshly_proven`)."""

    code = "auth.step_up_required"

    def __init__(self) -> None:
        super().__init__(_("Prove once more that it is you, then try again."))


class Conflict(DomainError):
    """The current state does not allow it."""

    code = "conflict"


class PreconditionFailed(DomainError):
    """Somebody else changed it first (`If-Match`); `version` is the current one."""

    code = "stale"

    def __init__(self, version: int) -> None:
        super().__init__(_("Somebody changed this in the meantime. Look at what is there now before you save."))
        self.version = version


class Invalid(DomainError):
    """The input is wrong; `field` names where."""

    code = "invalid"


class UnsupportedMediaType(DomainError):
    """The body has another content type than the route accepts, or none."""

    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__(_("Send JSON, with `Content-Type: application/json`."))


class TooMany(DomainError):
    """Too many attempts; `retry_after` in seconds."""

    code = "too_many_attempts"


class Unavailable(DomainError):
    """A part the request needs is down; nothing was changed."""

    code = "unavailable"
