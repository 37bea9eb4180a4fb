"""A field of a body is of the type it is declared with: what JSON has another type for is refused by name (decision 0109)."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPReceiveMessage

from gateway import routes as gateway
from tests.isolation.routes import application
from tests.isolation.test_mass_assignment import struct_of

TYPES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, 1, 1_700_000_000],
    "number": [0.5, 1e30],
    "string": ["true", "no", "0", "1", "1.0", "null", ""],
    "array": [[], [1]],
    "object": [{}, {"a": 1}],
    "null": [None],
}
"""Values of each type of JSON, and among them those that might pass for another."""
IN_JSON = {
    "BoolType": {"boolean"},
    "IntType": {"integer"},
    "FloatType": {"integer", "number"},
    "ListType": {"array"},
    "SetType": {"array"},
    "FrozenSetType": {"array"},
    "StructType": {"object"},
    "DictType": {"object"},
    "AnyType": set(TYPES),
    "NoneType": {"null"},
}
"""What a type is written as; all others, dates and ids too, are strings."""
LEAST = {"activity": 0}
"""At least so many wrong values are refused in any case, of most services a hundred: this one takes no fields."""


def written(info: msgspec.inspect.Type) -> set[str]:
    """The types of JSON that a type is written as."""
    if isinstance(info, msgspec.inspect.LiteralType):
        return {name for name, values in TYPES.items() if type(values[0]) in map(type, info.values)}
    return IN_JSON.get(type(info).__name__, {"string"})


def fields(info: msgspec.inspect.Type) -> Iterator[tuple[tuple[str | int, ...], set[str]]]:
    """Every place in a body, with the types of JSON that are right there."""
    kinds = getattr(info, "types", (info,))
    yield (), set[str]().union(*map(written, kinds))
    for each in kinds:
        if isinstance(each, msgspec.inspect.StructType):
            for field in each.fields:
                yield from (((field.encode_name, *below), right) for below, right in fields(field.type))
        elif isinstance(each, msgspec.inspect.ListType | msgspec.inspect.SetType | msgspec.inspect.FrozenSetType):
            yield from (((0, *below), right) for below, right in fields(each.item_type))


def wrap(place: tuple[str | int, ...], value: Any) -> Any:
    for step in reversed(place):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def named(place: tuple[str | int, ...]) -> str:
    """As a problem calls a place of a body."""
    return "".join(f".{step}" if isinstance(step, str) else "[0]" for step in place).lstrip(".") or "data"


async def wrong_field(app: Litestar, handler: HTTPRouteHandler, body: Any) -> str:
    """Which field of a body is refused, by the class the application reads requests with; "" where none is."""

    async def receive() -> HTTPReceiveMessage:
        return {"type": "http.request", "body": msgspec.json.encode(body), "more_body": False}

    scope: Any = {
        "type": "http",
        "method": "POST",
        "headers": [],
        "route_handler": handler,
        "litestar_app": app,
        "state": {},
    }
    try:
        await app.request_class(scope, receive=receive).json()  # type: ignore[misc]
    except ValidationException as error:
        return error.extra[0]["key"]  # type: ignore[index]
    return ""


@pytest.mark.parametrize("service", gateway.SERVICES)
async def test_a_field_of_another_type_is_refused_by_its_name(service: str) -> None:
    app, taken, asked = application(service), list[str](), 0
    handlers = [handler for route in app.routes for handler in getattr(route, "route_handlers", ())]
    for handler in handlers:
        kind = struct_of(handler) if isinstance(handler, HTTPRouteHandler) else None
        for place, right in fields(msgspec.inspect.type_info(handler.parsed_data_field.annotation)) if kind else ():
            for value in (each for name in sorted(TYPES.keys() - right) for each in TYPES[name]):
                asked += 1
                if await wrong_field(app, handler, wrap(place, value)) != named(place):
                    taken.append(f"{handler} {named(place)}: {value!r}")
    assert taken == []
    assert asked >= LEAST.get(service, 100)
