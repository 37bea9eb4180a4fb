"""One OpenAPI document for all services, and the page that shows it.

Each service describes itself under `/schema/openapi.json`; only what the route table forwards is published.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.flights import SingleFlight
from gateway.inquiries import Inquiries
from gateway.upstream import UpstreamError

DOCUMENT = "/schema/openapi.json"
Json = dict[str, Any]
PROBLEM: Json = {
    "type": "object",
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
        "version": {"type": "integer", "description": "With 412: the present version."},
    },
}
REFUSED: Json = {
    "description": "Refused: 400 not readable, 401 nobody is signed in, 403 not allowed, 404 not there or not yours, "
    "409 the state forbids it, 412 changed meanwhile, 415 not JSON, 422 a field is wrong, 429 too often, "
    "503 try again later.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class ApiDocument:
    """Fetches and merges the services' documents. A service that does not answer is missing, and named as missing."""

    def __init__(self, services: Mapping[str, Inquiries], is_public: Callable[[str], bool], cookie: str) -> None:
        self._services = services
        self._is_public = is_public
        self._cookie = cookie
        self._flights = SingleFlight(self._build)

    async def get(self) -> Json:
        return await self._flights.join("")

    async def _build(self, _key: str) -> Json:
        found = await asyncio.gather(*(_fetch(service) for service in self._services.values()))
        documents = {name: document for name, document in zip(self._services, found, strict=True) if document}
        missing = [name for name in self._services if name not in documents]
        return merge(documents, self._is_public, missing, self._cookie)


async def _fetch(service: Inquiries) -> Json | None:
    try:
        status, body = await service.ask("GET", DOCUMENT)
    except UpstreamError:
        return None
    return msgspec.json.decode(body) if status == 200 else None


def merge(documents: Mapping[str, Json], is_public: Callable[[str], bool], missing: list[str], cookie: str) -> Json:
    """One document of many. Operations are tagged with their service; `cookie` is what a browser calls the session's.

    A schema whose name means something else in another service gets its service's name in front.
    """
    paths: Json = {}
    schemas: Json = {"Problem": PROBLEM}
    for service, document in documents.items():
        renamed = _renaming(service, document, schemas)
        for name, schema in _schemas(document).items():
            schemas[renamed.get(name, name)] = _refer(schema, renamed)
        for path, item in document.get("paths", {}).items():
            if is_public(path):
                paths[path] = {method: _publish(service, path, _refer(what, renamed)) for method, what in item.items()}
    about = "Sign in at `/sign-in`; the cookie then counts here as well. Partner systems send an access token instead "
    about += "(`POST /oauth/token`). Errors are RFC 9457 problems with a `code`."
    if missing:
        about += f"\n\nNot answering right now, and missing below: {', '.join(missing)}."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Client portal", "version": "1", "description": about},
        "tags": [{"name": service} for service in documents],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
                "partner": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"},
            },
        },
        "security": [{"session": []}, {"partner": []}],
    }


def _renaming(service: str, document: Json, taken: Json) -> dict[str, str]:
    """New names for schemas whose name is taken by something else, and for the ones that refer to those."""
    own = _schemas(document)
    renamed: dict[str, str] = {}
    while clashing := {
        name: f"{service.title()}{name}"
        for name, schema in own.items()
        if name not in renamed and name in taken and taken[name] != _refer(schema, renamed)
    }:
        renamed |= clashing
    return renamed


def _schemas(document: Json) -> Json:
    return document.get("components", {}).get("schemas", {})


def _refer(node: Any, renamed: Mapping[str, str]) -> Any:
    """`node` with every reference to a renamed schema following it."""
    if isinstance(node, list):
        return [_refer(each, renamed) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _follow(value, renamed) if key == "$ref" else _refer(value, renamed) for key, value in node.items()}


def _follow(reference: str, renamed: Mapping[str, str]) -> str:
    base, _, name = reference.rpartition("/")
    return f"{base}/{renamed.get(name, name)}"


def _publish(service: str, path: str, operation: Any) -> Any:
    """An operation under its service's name, with what it really refuses with in place of the framework's own 400."""
    if not isinstance(operation, dict) or "responses" not in operation:
        return operation
    answers = operation["responses"]
    if path.startswith("/api/"):  # OAuth has errors of its own (RFC 6749, 5.2)
        answers = {status: answer for status, answer in answers.items() if status != "400"} | {"default": REFUSED}
    named = {"tags": [service], "operationId": f"{service}_{operation.get('operationId', '')}"}
    return operation | named | {"responses": answers}
