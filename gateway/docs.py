"""One OpenAPI document for all services, and the page that shows it.

Each service describes itself under `/schema/openapi.json`; only what the route table forwards is published.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.flights import SingleFlight
from gateway.inquiries import Inquiries
from gateway.upstream import UpstreamError

DOCUMENT = "/schema/openapi.json"
KEPT_SECONDS = 60
"""How long the document is kept, and so how long an update of a service may be missing from it."""
Json = dict[str, Any]
BEYOND: Json = {
    "400": "The address, or a header, can be read in more than one way.",
    "413": "The body is larger than this route takes.",
    "502": "The answer broke off. Look again before you repeat the request.",
    "504": "This took too long. Look again before you repeat the request.",
}
"""What the gateway answers where a service cannot."""


class ApiDocument:
    """Fetches and merges the services' documents. A service that does not answer is missing, and named as missing.

    Merging 300 kB takes tens of milliseconds, so a complete document is made once a minute, however many ask.
    """

    def __init__(
        self, services: Mapping[str, Inquiries], is_public: Callable[[str], bool], cookie: str, address: str
    ) -> None:
        self._services = services
        self._is_public = is_public
        self._cookie = cookie
        self._address = address
        self._flights = SingleFlight(self._build)
        self._kept = b""
        self._kept_until = 0.0

    async def get(self) -> bytes:
        """The document as JSON."""
        return self._kept if time.monotonic() < self._kept_until else await self._flights.join("")

    async def _build(self, _key: str) -> bytes:
        found = await asyncio.gather(*(_fetch(service) for service in self._services.values()))
        documents = {name: document for name, document in zip(self._services, found, strict=True) if document}
        missing = [name for name in self._services if name not in documents]
        merged = merge(documents, self._is_public, missing, self._cookie) | {"servers": [{"url": self._address}]}
        document = msgspec.json.encode(merged)
        if not missing:
            self._kept, self._kept_until = document, time.monotonic() + KEPT_SECONDS
        return document


async def _fetch(service: Inquiries) -> Json | None:
    try:
        status, body = await service.ask("GET", DOCUMENT)
    except UpstreamError:
        return None
    return msgspec.json.decode(body) if status == 200 else None


def merge(documents: Mapping[str, Json], is_public: Callable[[str], bool], missing: list[str], cookie: str) -> Json:
    """One document of many. `cookie` is what a browser calls the session's.

    An operation's id begins with its service, and so does the name of a schema that means something else elsewhere.
    """
    paths: Json = {}
    schemas: Json = {}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    beyond = {status: {"description": meaning, "content": problem} for status, meaning in BEYOND.items()}
    shared: Json = {"responses": beyond, "securitySchemes": {}}
    for service, document in documents.items():
        renamed = _renaming(service, document, schemas)
        for name, schema in _schemas(document).items():
            schemas[renamed.get(name, name)] = _refer(schema, renamed)
        for kind in shared:
            shared[kind] |= document.get("components", {}).get(kind, {})
        for path, item in document.get("paths", {}).items():
            if is_public(path):
                paths[path] = {method: _publish(service, _refer(what, renamed)) for method, what in item.items()}
    about = "Sign in at `/sign-in`; the cookie then counts here as well. Partner systems send an access token instead "
    about += "(`POST /oauth/token`). Errors are RFC 9457 problems with a `code`."
    if missing:
        about += f"\n\nNot answering right now, and missing below: {', '.join(missing)}."
    schemes = shared["securitySchemes"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Client portal",
            "version": "1",
            "description": about,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas, **shared, "securitySchemes": schemes | _credentials(schemes, paths, cookie)},
    }


def _credentials(schemes: Json, paths: Json, cookie: str) -> Json:
    """The session under its cookie's name here, and partners' access with all scopes that a route asks for."""
    operations = [operation for item in paths.values() for operation in item.values()]
    asked = {scope for each in operations for way in each.get("security", []) for scope in way.get("partner", [])}
    scopes = {scope: " ".join(reversed(scope.split(":"))) for scope in sorted(asked)}
    named: Json = {"session": schemes["session"] | {"name": cookie}} if "session" in schemes else {}
    if partner := schemes.get("partner"):
        flow = partner["flows"]["clientCredentials"]
        named["partner"] = partner | {"flows": {"clientCredentials": flow | {"scopes": scopes}}}
    return named


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


def _publish(service: str, operation: Json) -> Json:
    """An operation under its service's name, with what the gateway answers in its place."""
    answers = {status: {"$ref": f"#/components/responses/{status}"} for status in BEYOND} | operation["responses"]
    return operation | {"operationId": f"{service}_{operation.get('operationId', '')}", "responses": answers}
