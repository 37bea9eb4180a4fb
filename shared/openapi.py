"""What a service says of its routes (OpenAPI 3.1): what each takes, answers and refuses, read off the routes.

Bodies and answers are described by msgspec, which reads and writes them. The rest is a handler's: its docstring, its
parameters, and the options that its guards go by.
"""

import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from litestar.utils import get_enum_string_value
from msgspec import inspect as types

from shared.examples import FORMATS, Examples, Json
from shared.idempotency import KEY, makes
from shared.phrases import PHRASES
from shared.problems import PROBLEM

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SCHEMAS = "#/components/schemas/{name}"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = {
    400: ("http.bad_request", "The request cannot be read: the body is no JSON."),
    401: ("auth.required", "Nobody is signed in, or the access token does not count any more."),
    403: ("forbidden", "Whoever asks may not do this."),
    404: ("not_found", "What is named does not exist, or belongs to somebody else: both get the same answer."),
    409: ("conflict", "The current state does not allow it."),
    412: ("stale", "Somebody else changed it first: `version` is the current version."),
    415: ("unsupported_media_type", "The body does not say that it is JSON."),
    422: ("invalid", "Some of what was sent is not right; `errors` says which field, and why."),
    429: ("too_many_attempts", "Too many requests or attempts. Wait for `Retry-After` seconds."),
    503: ("unavailable", "A part of the portal is out of reach. Nothing was changed; try again."),
}
"""Each status with an example of its `code`, and what it means."""
_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). `code` is stable: programs may go by it.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "version": {"type": "integer", "description": "With 412: the current version."},
    },
}
SCHEMES: Json = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "portal_session",
        "description": "A person who signed in; the browser sends it by itself.",
    },
    "partner": {
        "type": "oauth2",
        "description": "A partner system with an access token (RFC 6749, 4.4).",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
    "api_client": {"type": "http", "scheme": "basic", "description": "An API client's id and secret."},
}
_ONCE: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key is carried out once, and gets the same answer again for a day.",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
}
_IDS = re.compile(r"(^|_)ids?$")
_WRITTEN_AS = {"string": types.DateTimeType, "array": types.CollectionType, "$ref": types.StructType}
"""Which members of a union its options are of, as far as moments may be in them."""


Operation = tuple[str, str]
"""Path and method, as the description has them."""


class Content(NamedTuple):
    """A body or an answer: of which type, written as which media type. What is not JSON is text to us."""

    kind: Any
    media: str = JSON
    required: bool = True

    @property
    def shape(self) -> Any:
        return self.kind if self.media.endswith("json") or self.media == FORM else str


class Description(JsonRenderPlugin):
    """Serves the description, which is made when it is first asked for."""

    def __init__(self, words: Path) -> None:
        super().__init__()
        self._words = words
        self._made = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:  # noqa: ARG002
        """The description as JSON."""
        self._made = self._made or msgspec.json.encode(self.of(request.app)[0])
        return self._made

    def of(self, app: Litestar) -> tuple[Json, set[str]]:
        """The description of `app`, and the texts in it of which nobody said what they look like."""
        handlers = dict(_handlers(app))
        taken = {at: _takes(handler) for at, handler in handlers.items()}
        answered = {at: _answers(handler) for at, handler in handlers.items()}
        contents = [*taken.values(), *(each for answers in answered.values() for each in answers.values())]
        shapes, schemas = _shapes(dict.fromkeys(each.shape for each in contents if each))
        examples = Examples(schemas, tomllib.loads(self._words.read_text()))
        said = app.openapi_schema.to_schema()

        def shown(name: str, content: Content) -> Json:
            shape = shapes[content.shape]
            return {"content": {content.media: {"schema": shape, "example": examples.of(shape, name)}}}

        for (path, method), handler in handlers.items():
            operation = said["paths"][path][method]
            name, takes = operation["operationId"], taken[path, method]
            about = inspect.cleandoc(handler.fn.__doc__ or "")
            operation |= {"summary": _summary(about), "description": about, "security": _security(handler)}
            operation["parameters"] = [*map(_parameter, operation.get("parameters", [])), *_once(handler)]
            if takes:
                operation["requestBody"] = {"required": takes.required, **shown(name, takes)}
            operation["responses"] = {
                str(status): {"description": HTTPStatus(status).phrase, **(shown(name, answer) if answer else {})}
                for status, answer in answered[path, method].items()
            } | {
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in sorted(_refusals(handler, operation) - answered[path, method].keys())
            }
        said["components"] = {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "responses": {str(status): _refusal(status) for status in REFUSALS},
            "securitySchemes": SCHEMES,
        }
        return said, examples.missing


def _handlers(app: Litestar) -> Iterator[tuple[Operation, HTTPRouteHandler]]:
    for route in app.routes:
        for method, (handler, _) in route.route_handler_map.items() if isinstance(route, HTTPRoute) else ():
            if handler.resolve_include_in_schema():
                yield (route.path_format, method.lower()), handler


def _takes(handler: HTTPRouteHandler) -> Content | None:
    """`opt={"form": Struct}` says of a handler that reads its form itself what is in it."""
    if form := handler.opt.get("form"):
        return Content(form, FORM)
    data = handler.parsed_data_field
    return Content(data.annotation, required=not data.is_optional) if data else None


def _answers(handler: HTTPRouteHandler) -> dict[int, Content | None]:
    """Each success with its body; `responses` of the handler win over what its annotation says."""
    said = {
        status: None
        if each.data_container is None and each.media_type == JSON
        else Content(each.data_container, get_enum_string_value(each.media_type))
        for status, each in (handler.responses or {}).items()
    }
    if handler.status_code in said:
        return said
    kind: FieldDefinition | None = handler.parsed_fn_signature.return_type
    if kind and kind.is_subclass_of(Response):
        kind = kind.inner_types[0] if kind.inner_types else None
    if kind is None or kind.is_none_type:
        return {handler.status_code: None} | said
    return {handler.status_code: Content(kind.annotation, get_enum_string_value(handler.media_type or JSON))} | said


def _summary(about: str) -> str:
    """The first sentence, or what it says before a colon or semicolon."""
    return re.split(r"[.:;](?:\s|$)", " ".join(about.split()), maxsplit=1)[0]


def _security(handler: HTTPRouteHandler) -> list[Json]:
    """People by their session, partner systems where the guards know a scope; see `shared.claims`."""
    if handler.opt.get("basic"):
        return [{"api_client": []}, {}]
    if handler.opt.get("public"):
        return []
    scope = handler.opt.get("scope")
    return [{"session": []}] + ([{"partner": [scope] if scope else []}] if scope is not None else [])


def _parameter(said: Json) -> Json:
    """A parameter that may be left out is never null; a pattern is written as other languages read it too."""
    schema: Json = said["schema"]
    if len(given := [each for each in schema.get("oneOf", []) if each.get("type") != "null"]) == 1:
        schema = given[0] | {name: value for name, value in schema.items() if name != "oneOf"}
    if isinstance(schema.get("type"), list):  # of a Literal or none
        schema = schema | {"type": "string", "enum": [each for each in schema["enum"] if each is not None]}
    shown = {"example": FORMATS[schema["format"]]} if said["in"] == "path" and schema.get("format") in FORMATS else {}
    return said | {"schema": _portable(schema)} | shown


def _once(handler: HTTPRouteHandler) -> list[Json]:
    return [_ONCE] if makes(handler) and not handler.opt.get("public") else []


def _refusals(handler: HTTPRouteHandler, operation: Json) -> set[int]:
    """With which of `REFUSALS` a route may answer, by what it takes."""
    headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    named = {each["name"] for each in operation["parameters"]}
    body = operation.get("requestBody", {}).get("content", {})
    named |= {field for each in body.values() if isinstance(each["example"], dict) for field in each["example"]}
    found = {401, 429, 503}
    found |= {400, 415} if JSON in body else set()
    found |= {422} if named else set()
    found |= {404} if any(map(_IDS.search, named)) else set()
    found |= {412} if "If-Match" in headers else set()
    found |= {409} if handler.http_methods - SAFE else set()
    return found | ({403} if "scope" not in handler.opt or not handler.opt.get("public") else set())


def _refusal(status: int) -> Json:
    code, meaning = REFUSALS[status]
    example = {"type": f"urn:portal:problem:{code}", "title": PHRASES[status], "status": status}
    example |= {"code": code, "detail": meaning.partition(".")[0] + "."}
    content = {PROBLEM: {"schema": {"$ref": SCHEMAS.format(name="Problem")}, "example": example}}
    wait = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
    headers = {"headers": {"Retry-After": wait}} if status in (429, 503) else {}
    return {"description": meaning, "content": content, **headers}


def _shapes(kinds: Iterable[Any]) -> tuple[dict[Any, Json], dict[str, Json]]:
    """The schema of each type, and the ones they share."""
    known = list(kinds)
    shapes, schemas = msgspec.json.schema_components(known, ref_template=SCHEMAS)
    seen = set[int]()
    for kind, shape in zip(known, shapes, strict=True):
        _mark_times(types.type_info(kind), shape, schemas, seen)
    return dict(zip(known, map(_portable, shapes), strict=True)), _portable(schemas)


def _mark_times(kind: types.Type, schema: Json, schemas: dict[str, Json], seen: set[int]) -> None:
    """Say `date-time` of every moment: all of ours have an offset, which msgspec cannot know."""
    schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    match kind:
        case types.DateTimeType():
            schema["format"] = "date-time"
        case types.StructType() if id(schema) not in seen:
            seen.add(id(schema))
            for field in kind.fields:
                _mark_times(field.type, schema["properties"][field.encode_name], schemas, seen)
        case types.UnionType():
            options: list[Json] = schema.get("anyOf", [])
            for each, option in product(kind.types, options):
                if isinstance(each, _WRITTEN_AS.get(option.get("type", "$ref"), ())):
                    _mark_times(each, option, schemas, seen)
        case types.CollectionType():
            _mark_times(kind.item_type, schema["items"], schemas, seen)
        case types.DictType():
            _mark_times(kind.value_type, schema.get("additionalProperties", {}), schemas, seen)
        case _:
            pass


def _portable(node: Any) -> Any:
    """A character that a pattern writes as only Python reads it (eight digits) stands there itself."""
    if isinstance(node, dict):
        return {key: _characters(value) if key == "pattern" else _portable(value) for key, value in node.items()}
    return [_portable(each) for each in node] if isinstance(node, list) else node


def _characters(pattern: Any) -> Any:
    return (
        re.sub(r"\\U([0-9a-f]{8})", lambda found: chr(int(found[1], 16)), pattern)
        if isinstance(pattern, str)
        else pattern
    )
