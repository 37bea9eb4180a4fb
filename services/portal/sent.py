"""A form as it arrives, before its handler: what was sent with it, and for whom it was opened (0114, 0117)."""

from typing import Any

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.utils.scope.state import ScopeState

from services.portal.forms import OPENED_BY, TooManyInputs, parsed
from services.portal.look import whose
from shared.claims import Connection
from shared.errors import Conflict
from shared.language import gettext as _

SAFE = ("GET", "HEAD", "OPTIONS")
"""What changes nothing is sent by links as well, which name nobody."""
FORMS = (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)


class FormOfAnother(Conflict):
    """A form arrived from somebody else than it was opened for, or names nobody at all (0117)."""

    code = "form.of_another"


async def read_form(connection: Connection, handler: BaseRouteHandler) -> None:
    """The first guard of all: whatever refuses a form has it, and shows what was typed.

    The framework finds it read, and so never parses it; of one with a file it is left to find the file. It would parse
    whatever a form's handler is sent as a form.
    """
    if not isinstance(connection, Request):
        return
    takes = _taken_by(handler)
    if has_file(connection):
        form = await _inputs_beside_a_file(connection) if takes else {}
    elif is_form(connection) or takes == RequestEncodingType.URL_ENCODED:
        try:
            form = parsed(await connection.body())
        except TooManyInputs:
            raise HTTPException(status_code=413) from None
    else:
        return
    connection.scope["state"]["form"] = form
    if takes != RequestEncodingType.MULTI_PART or not has_file(connection):
        values: dict[str, Any] = {name: given if len(given) > 1 else given[0] for name, given in form.items()}
        ScopeState.from_scope(connection.scope).form = values


async def refuse_form_of_another(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of every page: tabs share a session, and what one of them typed is saved for nobody but its person.

    A form that names nobody comes from no page of ours, unless the page was opened before anybody was signed in: those
    are `public`. What concerns the browser itself (`opt={"while_viewing": True}`: to leave, to sign out) anybody sends.
    """
    sender, options = whose(connection.scope["auth"]), connection.route_handler.opt
    is_sent = isinstance(connection, Request) and connection.method not in SAFE
    if not sender or not is_sent or options.get("while_viewing"):
        return
    named = opened_by(connection)
    if named != sender and (named or not options.get("public")):
        raise FormOfAnother(_("This form was opened with another account."))


def form_of(request: Connection) -> dict[str, list[str]]:
    """What was sent with a form, as far as it was read (`read_form`); no files."""
    return request.scope["state"].get("form", {})


def opened_by(request: Connection) -> str:
    """Whom a form names (`look.whose`); "" for nobody."""
    return named_in(next(iter(form_of(request).get(OPENED_BY, [])), ""))[0]


def named_in(opened_by: str) -> tuple[str, str]:
    """Whom that input of a form names, and the title of the page that it was on (`Look.opened_by`)."""
    whose, _, title = opened_by.partition(" ")
    return whose, title.strip()


def is_form(request: Request[Any, Any, Any]) -> bool:
    """Whether it is sent as browsers send forms."""
    return request.method == "POST" and request.content_type[0] in FORMS


def has_file(request: Request[Any, Any, Any]) -> bool:
    """Whether it is a form with a file in it, which no page and no cookie repeats."""
    return request.method == "POST" and request.content_type[0] == RequestEncodingType.MULTI_PART


async def _inputs_beside_a_file(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    sent: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            sent.setdefault(name, []).append(value)
    return sent


def _taken_by(handler: BaseRouteHandler) -> RequestEncodingType | None:
    """How a handler wants its form; None for one that takes none."""
    data = handler.parsed_data_field
    taken = getattr(data.kwarg_definition, "media_type", None) if data else None
    return taken if taken in FORMS else None
