"""Refusals over HTTP: RFC 9457 problems, each kind with its status, and what is wrong in words for people."""

import re
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import ParameterKwarg
from litestar.types import ExceptionHandlersMap
from litestar.typing import FieldDefinition

from shared import errors, language
from shared.addresses import NO_ADDRESS
from shared.database import cannot_be_stored, out_of_reach
from shared.language import gettext as _
from shared.language import marked
from shared.phrases import title

PROBLEM = "application/problem+json"
STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
log = structlog.get_logger("http")
AnyRequest = Request[Any, Any, Any]
_OPTIONAL = marked("This holds characters that cannot be used here. Write it on one line, or leave it empty.")
_WORDS = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Invalid enum value", marked("This is not one of the values that are possible here.")),
        (r"matching regex '.*@", NO_ADDRESS),
        (r"matching regex '\^#", marked("Write a colour as # and six digits or letters from a to f, such as #4338ca.")),
        (r"matching regex '\^(\(\?:|\[\^[^\]]*u2028[^\]]*\]\*\$)", _OPTIONAL),
        (r"matching regex", marked("This is empty, or holds characters that cannot be used here.")),
        (r"unknown field `(?P<name>.+)`", marked("There is no such field here.")),
        (r"missing required field `(?P<name>.+)`", marked("This is missing.")),
        (r"`str` of length <= (\d+)", marked("This is longer than {} characters.")),
        (r"`str` of length >= 1\b", marked("This is empty.")),
        (r"`str` of length >= (\d+)", marked("This is shorter than {} characters.")),
        (r"`array` of length <= (\d+)", marked("These are more than {}.")),
        (r"`array` of length >= (\d+)", marked("These are fewer than {}.")),
        (r"Expected `\w+` <= (\S+)", marked("This is more than {}.")),
        (r"Expected `\w+` >= (\S+)", marked("This is less than {}.")),
        (r"RFC3339 encoded date$", marked("Write a date like 2027-01-31.")),
        (r"RFC3339 encoded datetime", marked("Write a time like 2027-01-31T09:00:00Z.")),
        (r"Invalid UUID", marked("This is not an id.")),
        (r"Expected `(.+)`, got", marked("This has to be of the type {}.")),
    )
]
_UNREADABLE = marked("This could not be read. Send well-formed JSON.")
_NOT_RIGHT = marked("Some of what was sent is not right.")
_ELSE = marked("This cannot be used here.")
_IMPOSSIBLE = marked("This cannot be done here.")
_SAID = {
    HTTPStatus.BAD_REQUEST: _UNREADABLE,
    HTTPStatus.METHOD_NOT_ALLOWED: marked("This method cannot be used here."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: marked("This is more than fits here."),
}
"""What people read where the framework refuses."""
_LEFT_OUT = re.compile(r"Missing required \w+ parameter '([\w.-]+)'")
"""What the framework says of a parameter that has to be there."""


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> Response[dict[str, Any]]:
    """An RFC 9457 answer. `code` is stable; `detail` is for people; neither repeats what the caller sent."""
    body = {"type": f"urn:portal:problem:{code}", "title": title(status), "status": status}
    body |= {"code": code, "detail": detail, **extra}
    return Response(body, status_code=status, media_type=PROBLEM, headers=language.headers() | (headers or {}))


def domain_problem(_request: AnyRequest, error: errors.DomainError) -> Response[dict[str, Any]]:
    """A refusal by a rule."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    headers |= {"WWW-Authenticate": error.challenge} if error.challenge else {}
    fields = [{"field": field, "message": message} for field, message in error.errors.items()]
    extra: dict[str, Any] = {"errors": fields} if fields else {}
    if isinstance(error, errors.PreconditionFailed):
        extra["version"] = error.version
    return problem(status, error.code, error.detail, headers=headers, **extra)


def http_problem(request: AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """A refusal by the framework: routing, method, size, or a body that does not fit its schema (then 422)."""
    if isinstance(error, ValidationException):
        left_out = _LEFT_OUT.match(error.detail)
        wrong = [{"key": "data", "message": f"missing required field `{left_out[1]}`"}] if left_out else error.extra
        if isinstance(wrong, list):
            named = [each | {"key": _as_sent(request, each)} for each in wrong]
            return problem(422, "invalid", _(_NOT_RIGHT), errors=[*map(_in_words, named)])
    if error.status_code == HTTPStatus.NOT_FOUND:
        return domain_problem(request, errors.NotFound())
    status = HTTPStatus(error.status_code)
    code = f"http.{status.name.lower()}"
    return problem(status, code, _(_SAID.get(status, _IMPOSSIBLE)), headers=dict(error.headers or {}))


def parameter_name(name: str, field: FieldDefinition) -> str:
    """What a parameter is called in a request, of which the handler's argument is called `name`."""
    return (isinstance(field.kwarg_definition, ParameterKwarg) and field.kwarg_definition.name) or name


def _as_sent(request: AnyRequest, wrong: dict[str, str]) -> str:
    """The key of what is wrong, by the name it has in the request."""
    argument, bracket, within = wrong.get("key", "body").partition("[")
    if "source" in wrong and (field := request.route_handler.parsed_fn_signature.parameters.get(argument)):
        argument = parameter_name(argument, field)
    return argument + bracket + within


def _in_words(each: dict[str, str]) -> dict[str, str]:
    """What msgspec says of a field, for people: without the input, and without patterns that nobody wants to read."""
    where, said = each.get("key", "body"), each["message"]
    for pattern, words in _WORDS:
        if match := pattern.search(said):
            name = match.groupdict().get("name")
            field = where if not name else name if where == "data" else f"{where}.{name}"
            return {"field": field, "message": _(words).format(*match.groups())}
    return {"field": where, "message": _(_ELSE)}


def unreadable(_request: AnyRequest, _error: UnicodeDecodeError | RecursionError) -> Response[dict[str, Any]]:
    """JSON is UTF-8 (RFC 8259, 8.1), and not nested without end; the framework lets these two mistakes through."""
    return problem(400, "http.bad_request", _(_UNREADABLE))


def unexpected(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    """What nobody foresaw: a value PostgreSQL has no room for (422), a part out of reach (503), or a fault (500)."""
    if cannot_be_stored(error):
        log.error("http.unchecked_input", path=request.scope["path"], exc_info=error)
        return problem(422, "invalid", _(_NOT_RIGHT))
    if out_of_reach(error):
        log.warning("http.unavailable", path=request.scope["path"], error=repr(error))
        detail = _("A part of the portal is out of reach. Nothing was changed; try again in a moment.")
        return problem(503, "unavailable", detail, headers={"Retry-After": "2"})
    log.error("http.unexpected", path=request.scope["path"], exc_info=error)
    return problem(500, "internal", _("Something went wrong on our side. Nothing was changed."))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    errors.DomainError: domain_problem,
    HTTPException: http_problem,
    UnicodeDecodeError: unreadable,
    RecursionError: unreadable,
    Exception: unexpected,
}
