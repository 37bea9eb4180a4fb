"""What a person sees when something does not work: a calm page in the same frame, or the way to the sign-in page."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog
from litestar import Request, Response, get
from litestar.exceptions import HTTPException, NotFoundException
from litestar.response import Redirect, Template

from services.portal.forms import carried, is_whole, said
from services.portal.look import Look, whose
from services.portal.organisations.elsewhere import PageElsewhere
from services.portal.page import PERSON_COOKIE, SIGNED_OUT, Page
from services.portal.paths import local_path, own_path
from services.portal.sent import FormOfAnother, form_of, has_file, is_form, opened_by
from services.portal.services import ServiceProblem, Services
from shared.actor import Actor
from shared.claims import ClaimsRefused, ViewingOnly
from shared.errors import DomainError
from shared.language import gettext as _
from shared.language import marked
from shared.problems import STATUS, domain_problem

AnyRequest = Request[Any, Any, Any]


log = structlog.get_logger("portal")

WORDS = {
    400: (marked("The request could not be read"), marked("Go back, check what was entered, and try again.")),
    403: (
        marked("No access"),
        marked("Your account does not have access to this page. Ask your contact if you need it."),
    ),
    404: (marked("Page not found"), marked("This page does not exist, or you do not have access to it.")),
    405: (marked("This is not possible here"), marked("Go back to the page before and use its buttons.")),
    409: (marked("This is no longer possible"), marked("Something changed in the meantime. Go back and look again.")),
    412: (
        marked("Somebody else saved first"),
        marked("Somebody changed this while you had it open. Reload the page and try again."),
    ),
    413: (marked("Too large"), marked("You sent more than the portal accepts. Send less at once.")),
    422: (marked("Some entries are not valid"), marked("Go back, check what was entered, and try again.")),
    429: (marked("Too many attempts"), marked("Please wait a moment before trying again.")),
    500: (marked("Something went wrong on our side"), marked("Nothing was changed. Try again in a moment.")),
    503: (
        marked("Back in a moment"),
        marked("A part of the portal is not answering right now. Nothing was changed; try again shortly."),
    ),
    504: (marked("This took too long"), marked("It may have been done or not. Go back and look before you try again.")),
}

GONE = (marked("No longer here"), marked("What this page showed was removed, or is no longer shared with you."))
LOOKING = (
    marked("View only"),
    marked(
        "While you view the portal as somebody else, you can change nothing and do not see how they sign in. "
        "Leave first."
    ),
)
NOBODYS = (
    marked("This page is personal"),
    marked(
        "A client as a whole has no profile, settings or sign-in methods. View one of its people, or leave for "
        "your own."
    ),
)


@get("/page-not-found", opt={"public": True}, sync_to_thread=False)
def not_found() -> None:
    """Where the gateway sends people whose address has no route: they are known here, and have their frame."""
    raise NotFoundException


def refused(request: AnyRequest, error: DomainError) -> Response[Any]:
    """A rule of the portal itself, such as "sign in first"."""
    if isinstance(error, ClaimsRefused):
        return domain_problem(request, error)  # for the gateway, which has a page of its own for it
    opened_elsewhere = opened_by(request) not in ("", whose(request.scope.get("auth")))
    if isinstance(error, FormOfAnother) or (isinstance(error, ViewingOnly) and opened_elsewhere):
        return _to_be_kept(request)
    return _answer(request, next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS))


def service_refused(request: AnyRequest, error: ServiceProblem) -> Response[Any]:
    """A service said no and the page had no form to say it in."""
    if error.wants_proof:
        return _to_proof(request)
    if error.code == "module.closed" and _is_htmx(request):  # closed since this page was opened: the page loads again
        return Response(b"", headers={"HX-Refresh": "true"})
    if error.code == "account.elsewhere":  # that page says where, and leads there
        htmx = _is_htmx(request)
        return Response(b"", headers={"HX-Redirect": "/security"}) if htmx else Redirect("/security", status_code=303)
    return _answer(request, error.status)


def unroutable(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """A refusal by the framework: no such page, wrong method, unreadable form.

    An address that only takes a form, opened from the address bar or by a tab that is restored, leads to the page above
    it, which has the form.
    """
    if error.status_code == 405 and request.method == "GET" and not _is_htmx(request):
        return Redirect(_page_above(request), status_code=303)
    return _answer(request, error.status_code)


def unreadable(request: AnyRequest, _error: RecursionError) -> Response[Any]:
    """A form with JSON in it that is nested deeper than anybody's data is."""
    return _answer(request, 400)


def unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """What nobody foresaw. The log has it, the page does not."""
    log.error("portal.unexpected", path=request.scope["path"], exc_info=error)
    return _answer(request, 500)


def elsewhere(_request: AnyRequest, error: PageElsewhere) -> Response[Any]:
    """A page of another organisation of its reader."""
    return error.answer


EXCEPTION_HANDLERS = {
    DomainError: refused,
    PageElsewhere: elsewhere,
    ServiceProblem: service_refused,
    HTTPException: unroutable,
    RecursionError: unreadable,
    Exception: unexpected,
}


def _answer(request: AnyRequest, status: int) -> Response[Any]:
    if status == 401:
        return _to_sign_in(request)
    shown = status if status in WORDS else 503 if status > 500 else 400
    look = _look(request)
    found = (look.viewing and shown == 403 and _while_viewing(request, look)) or WORDS[shown]
    title, advice = map(_, found)
    if _is_htmx(request) and shown == 404:
        return _gone(look)
    if _is_htmx(request):
        return Response(advice, status_code=shown, media_type="text/plain")
    fields = carried(form_of(request))
    later = shown >= 500 or (bool(fields) and shown in (403, 429) and not look.viewing)
    later = later and (request.method == "GET" or (is_form(request) and is_whole(form_of(request))))
    context = {
        "page": look,
        "framed": isinstance(look, Page),
        "title": title,
        "advice": advice,
        "status": shown,
        "again": _path_of(str(request.url), own_path) if later else "",
        "sends": request.method == "POST",
        "fields": fields,
        "said": said(fields),
        "had_file": has_file(request),
    }
    return Template("error.html", status_code=shown, context=context)


def _while_viewing(request: AnyRequest, look: Look) -> tuple[str, str] | None:
    """Why nobody's portal has it where staff view it; None for what its person reads as well."""
    personal = request.scope["path"].startswith(("/security", "/profile", "/settings"))
    if request.method != "GET" or (personal and look.seen_as):
        return LOOKING
    return NOBODYS if personal else None


def _page_above(request: AnyRequest) -> str:
    above = request.scope["path"].rpartition("/")[0]
    while above:
        try:
            request.app.asgi_router.handle_routing(above, "GET")
        except HTTPException:
            above = above.rpartition("/")[0]
        else:
            break
    return above or "/"


def _look(request: AnyRequest) -> Look:
    """The page with its frame for somebody who is signed in; its looks alone for everybody else.

    What no route of the portal answers is refused before anybody's token is checked; it is known then if its reader
    just opened another page with it.
    """
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    actor: Actor | None = request.scope.get("auth") or request.app.state.verifier.recall(token)
    if actor is None or actor.kind not in ("staff", "client"):
        return Look(request)
    state = request.app.state
    return Page(request, actor, Services(state.http, state.upstreams, request))


def _gone(look: Look) -> Template:
    """A part of an open page is asked for and is not there any more: the page says so in the place of its content."""
    title, advice = map(_, GONE)
    instead = {"HX-Retarget": "main", "HX-Reswap": "innerHTML show:window:top"}
    context = {"page": look, "title": title, "advice": advice}
    return Template("gone.html", status_code=404, context=context, headers=instead)


def _to_sign_in(request: AnyRequest) -> Response[Any]:
    """Off to the sign-in page, and back here afterwards. It says why to whom had a session here.

    A form is sent along (307) and kept until its person has signed in. A fragment moves its whole page (`HX-Redirect`).
    """
    known = request.cookies.get(PERSON_COOKIE, "")
    if known and opened_by(request):
        return _to_be_kept(request)
    if _is_htmx(request):
        headers = {"HX-Redirect": _sign_in(request.headers.get("HX-Current-URL", ""), ended="1")}
        return Response(b"", status_code=401, headers=headers)
    said = {"ended": "1"} if known not in ("", SIGNED_OUT) else {}
    return Redirect(_sign_in(str(request.url) if request.method == "GET" else "", **said), status_code=303)


def _to_be_kept(request: AnyRequest) -> Redirect:
    return Redirect(f"/kept-form/keep?{urlencode({'next': _path_of(str(request.url))})}", status_code=307)


def _to_proof(request: AnyRequest) -> Response[Any]:
    """Off to prove that it is really them, and back here afterwards.

    A form is sent along (307 keeps method and body), so that what was typed is done after the proof and not lost.
    """
    if _is_htmx(request):
        here = urlencode({"next": _path_of(request.headers.get("HX-Current-URL", ""))})
        return Response(b"", status_code=403, headers={"HX-Redirect": f"/prove-it?{here}"})
    here = urlencode({"next": _path_of(str(request.url))})
    if not is_form(request):
        return Redirect(f"/prove-it?{here}", status_code=303)
    return Redirect(f"/prove-it/ask?{here}", status_code=307)


def _path_of(url: str, kept: Callable[[str], str] = local_path) -> str:
    try:
        opened = urlsplit(url)
    except ValueError:  # "http://[": no address at all
        return "/"
    return kept(urlunsplit(("", "", opened.path, opened.query, opened.fragment)))


def _sign_in(here: str, **said: str) -> str:
    target = _path_of(here)
    query = urlencode(({"next": target} if target != "/" else {}) | said)
    return f"/sign-in?{query}" if query else "/sign-in"


def _is_htmx(request: AnyRequest) -> bool:
    return request.headers.get("HX-Request") == "true"
