"""A form as it travels: what was typed, and what is wrong with it. Nothing typed is ever lost, except proofs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, TypeAlias
from urllib.parse import parse_qsl
from uuid import UUID

from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from services.portal.ids import read_id
from services.portal.services import ServiceProblem
from shared.clock import FIRST_DAY, LAST_DAY
from shared.language import gettext as _
from shared.language import marked
from shared.texts import ISOLATES

Uploaded: TypeAlias = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
"""The body of a handler whose form has a file in it (`file_of`)."""
Typed: TypeAlias = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The body of a form handler: `data: Typed`."""

OPENED_BY = "opened_by"
"""The input that names for whom a form was opened (0117). Every form has it (`templating.py`); none repeats it."""
FIND, SOUGHT = "find-", "sought-"
"""Begin the names of the search field beside a choice, and of what was looked for when the choice was shown."""
TYPED_AGAIN = ("password", "secret", "current", "proof_")
"""No page and no cookie repeats an input with one of these in its name; `proof_` are those of a proof (`prove_it`)."""
CODES = ("code", "recovery_code")
"""Nor one of these names: they are proofs as well. Other names may have "code" in them."""
SECRETS = ("token", "uri", "codes", "credential")
"""Nor these, which a page was given to send along: links of mails, the secret of an authenticator app, recovery codes,
what a passkey signed. A form that is without them leads nowhere (`is_whole`).
"""
MOST_INPUTS = 2_000
"""Of one form. The largest that people fill in tick several hundred projects, give a hundred people a role, or have
fifty rows of a team with seven inputs each; a form with more would hold up everybody else's pages.
"""
UNSEEN = ("opened", "version", "once", "next", "token", "uri", "credential", "codes", "expected", "step", OPENED_BY)
"""Inputs that a page sends along and nobody reads."""
Inputs: TypeAlias = Annotated[dict[str, str | list[str]], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The body of a handler that knows nothing about the form: some names stand for several values."""
_CHOSEN = re.compile("[a-z]+(_[a-z]+)*")
"""What ticks, buttons and choices stand for; their words are those of a page that is not there."""
WRITTEN = (
    *(marked("Accent"), marked("Accent dark"), marked("Allowed domains"), marked("Allowed networks")),
    *(marked("Completed on"), marked("Completion"), marked("Description"), marked("Domains"), marked("Email")),
    *(marked("Ends on"), marked("First name"), marked("Issuer"), marked("Jwks"), marked("Last name"), marked("Name")),
    *(marked("Oauth client id"), marked("Phase"), marked("Phone"), marked("Scope"), marked("Starts on")),
    *(marked("Target on"), marked("Team"), marked("Title"), marked("Url"), marked("Variant")),
    *(marked("Welcome de"), marked("Welcome en"), marked("name"), marked("role"), marked("Zone")),
)
"""The inputs that people write into, as `said` calls them."""
UNSAVED = marked("This part of the portal is not answering right now. Nothing was saved; try again in a moment.")

SENT_BEFORE = marked("This form was sent before, with other entries. Look at what is there before you send it again.")
"""Instead of `idempotency.key_reused`, whose words are for programs."""


class Form:
    """Values and errors by the name of an input; missing ones read as "". `error` is about the form as a whole."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self.values: defaultdict[str, str] = defaultdict(str)
        self.errors: defaultdict[str, str] = defaultdict(str)
        self.error = ""
        self.refused_with = 0
        self.values.update({name: _text(value) for name, value in (values or {}).items()})

    @property
    def is_wrong(self) -> bool:
        return bool(self.error) or any(self.errors.values())

    @property
    def status(self) -> int:
        """The page's status: the service's when it refused, 422 when the form itself found something."""
        return self.refused_with or (422 if self.is_wrong else 200)

    def members(self, field: str) -> set[UUID]:
        """What is chosen of a set of things, by the names of its inputs: `role-<id>` with a value."""
        return ids_of(field, (name for name, value in self.values.items() if value))

    def require(self, **fields: str) -> bool:
        """Mark the empty ones of `fields` with their sentence; True if none was."""
        missing = {name: words for name, words in fields.items() if not self.values[name]}
        self.errors.update(missing)
        return not missing

    def require_name(self) -> bool:
        """Mark a name without a first and a last part: one of the two is enough. True if there is one."""
        if self.values["first_name"] or self.values["last_name"]:
            return True
        self.errors["first_name"] = _("Give a first or a last name.")
        return False

    def day(self, name: str) -> date | None:
        """A date field. None for an empty one, and for one that cannot be read or that nobody means: it is marked."""
        if not self.values[name]:
            return None
        try:
            found = date.fromisoformat(self.values[name])
        except ValueError:
            self.errors[name] = _("Write the date as year-month-day, such as 2026-03-12.")
            return None
        if FIRST_DAY <= found <= LAST_DAY:
            return found
        self.errors[name] = _(
            "Write all four digits of the year, from {first} to {last}.", first=FIRST_DAY.year, last=LAST_DAY.year
        )
        return None

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number. None for an empty field, and for one that holds anything else, which is marked."""
        value = self.values[name]
        if not value:
            return None
        if value.isascii() and value.isdecimal() and least <= int(value[:9]) <= most:
            return int(value)
        self.errors[name] = _("Write a whole number from {least} to {most}.", least=least, most=most)
        return None

    def refuse(self, problem: ServiceProblem) -> None:
        """Take over what a service said. What it refused as a whole, or about a field not on the form, goes on top.

        Raises the problem again when no form can answer it: signed out, not found, or first prove that it is you.
        """
        if problem.status in (401, 404) or problem.wants_proof:
            raise problem
        self.refused_with = problem.status
        found = {_outermost(path): words for path, words in problem.fields.items()}
        shown = {name: words for name, words in found.items() if name in self.values}
        self.errors.update(shown)
        if problem.code == "idempotency.key_reused":
            self.error = _(SENT_BEFORE)
        elif not shown:
            self.error = _(UNSAVED) if problem.status >= 500 and problem.code != "timeout" else problem.detail


class TooManyInputs(ValueError):
    """A form has more than `MOST_INPUTS`."""


def parsed(body: bytes) -> dict[str, list[str]]:
    """The inputs of a form (WHATWG URL, 5.1). Raises TooManyInputs before it reads any of them.

    The framework's own parser keeps the last thousand bodies, passwords included, for as long as the process runs.
    """
    if body.count(b"&") >= MOST_INPUTS:
        raise TooManyInputs
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(body.decode(errors="replace"), keep_blank_values=True):
        found[name].append(value)
    return dict(found)


async def file_of(data: Mapping[str, Any], name: str) -> bytes:
    """What is in the file that was chosen; nothing where none was."""
    file = data.get(name)
    return await file.read() if isinstance(file, UploadFile) else b""


def carried(data: Mapping[str, str | list[str]]) -> list[tuple[str, str]]:
    """The inputs of a form that waits for something else to be done first."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in data.items()}
    return [
        (name, value)
        for name, values in listed.items()
        for value in values
        if name not in (OPENED_BY, *CODES, *SECRETS) and not any(part in name for part in TYPED_AGAIN)
    ]


def is_whole(data: Mapping[str, Iterable[str]]) -> bool:
    """Whether what is carried of a form can be sent again: nothing is missing but what is typed again."""
    return not any(value for name in SECRETS for value in data.get(name, ()))


def said(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a person wrote into a form, each beside words for its input: for a page that can only show it again."""
    return [
        (_called(name), value)
        for name, value in fields
        if value.strip()
        and not name.startswith((*UNSEEN, FIND, SOUGHT))
        and not _CHOSEN.fullmatch(value)
        and not read_id(value)
    ]


def _called(name: str) -> str:
    """Words for an input: "First name" of `first_name`, "Team 0 name" of `team-0-name`."""
    return " ".join(_(part.replace("_", " ")) for part in name.capitalize().split("-"))


def _text(value: object) -> str:
    """As services keep it: browsers end the lines of a text area with CR and LF, and what somebody copied from a page
    brings along what keeps it apart there (`shared.texts`).
    """
    return "" if value is None else str(value).replace("\r\n", "\n").translate(ISOLATES).strip()


def ids_of(field: str, names: Iterable[str]) -> set[UUID]:
    """The ids in the names of inputs such as `role-<id>`."""
    ids = (read_id(name.removeprefix(f"{field}-")) for name in names if name.startswith(f"{field}-"))
    return {each for each in ids if each}


def _outermost(path: str) -> str:
    """The field of a path into it: "team" of "team[...].email"."""
    return path.partition(".")[0].partition("[")[0]
