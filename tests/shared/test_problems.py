"""What is wrong with a body, field by field, in words for people."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import Parameter
from litestar.testing import TestClient
from msgspec import Meta

from services.identity import fields as identity
from services.projects import fields as projects
from shared.addresses import NO_ADDRESS
from shared.problems import EXCEPTION_HANDLERS
from shared.strict import StrictRequest, refuse_null

ID = "01935f3c-7a00-7000-8000-000000000020"


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=5)]
    code: Annotated[str, Meta(min_length=2)] = "ab"
    email: identity.Email = "anna@acme.example"
    team_email: projects.EmailAddress = "anna@acme.example"
    line: identity.Name = "Anna"
    phone: identity.ShortText = ""
    last_name: identity.PartOfName = ""
    percent: Annotated[int, Meta(ge=0, le=100)] = 0
    members: Annotated[list[str], Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: ["x"])
    day: date | None = None
    time: datetime | None = None
    client_id: UUID | None = None
    active: bool = True


@post("/")
async def take(data: Sent) -> None:
    assert data.name


async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    refuse_null(connection)


@get("/", guards=[guard])
async def look(
    ids: Annotated[list[UUID], Parameter(query="id")],
    client_id: UUID | None = None,
    status: Literal["open", "closed"] | None = None,
    active: bool | None = None,
    q: str | None = None,
) -> str:
    return str((len(ids), client_id, status, active, q))


@pytest.mark.parametrize(
    ("field", "query", "words"),
    [
        ("id", "", "This is missing."),
        ("id", "id=null", "This is not an id."),
        *((name, f"id={ID}&{name}={none}", "Leave this out, or give it a value.")
          for name in ("client_id", "status", "active") for none in ("null", "NULL", "%6eull")),
    ],
)  # fmt: skip
def test_a_parameter_that_is_wrong_is_named(field: str, query: str, words: str) -> None:
    with TestClient(Litestar([look], request_class=StrictRequest, exception_handlers=EXCEPTION_HANDLERS)) as client:
        answer = client.get(f"/?{query}")
        searched = client.get(f"/?id={ID}&q=null&active=true").text
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": field, "message": words}])
    assert searched == "(1, None, None, True, 'null')"


@pytest.mark.parametrize(
    ("field", "sent", "words"),
    [
        ("name", {}, "This is missing."),
        ("name", {"name": ""}, "This is empty."),
        ("name", {"name": "longer"}, "This is longer than 5 characters."),
        ("name", {"name": 1}, "This has to be of the type str."),
        ("code", {"code": "a"}, "This is shorter than 2 characters."),
        ("email", {"email": "anna"}, NO_ADDRESS),
        ("email", {"email": "a b@acme.example"}, NO_ADDRESS),
        ("team_email", {"team_email": "anna"}, NO_ADDRESS),
        ("line", {"line": "\u200b"}, "This is empty, or holds characters that cannot be used here."),
        *(
            (
                field,
                {field: "one\ntwo"},
                "This holds characters that cannot be used here. Write it on one line, or leave it empty.",
            )
            for field in ("phone", "last_name")
        ),
        ("percent", {"percent": -1}, "This is less than 0."),
        ("percent", {"percent": 101}, "This is more than 100."),
        ("members", {"members": []}, "These are fewer than 1."),
        ("members", {"members": ["a", "b", "c"]}, "These are more than 2."),
        ("day", {"day": "31.1.2027"}, "Write a date like 2027-01-31."),
        ("time", {"time": "noon"}, "Write a time like 2027-01-31T09:00:00Z."),
        ("client_id", {"client_id": "acme"}, "This is not an id."),
        ("active", {"active": 0}, "This has to be of the type bool."),
        ("active", {"active": "yes"}, "This has to be of the type bool."),
        ("percent", {"percent": "50"}, "This has to be of the type int."),
        ("client_id", {"client_id": "null"}, "This is not an id."),
        ("time", {"time": 1_700_000_000}, "This has to be of the type datetime | null."),
        ("admin", {"admin": True}, "There is no such field here."),
    ],
)
def test_each_field_that_is_wrong_is_named(field: str, sent: dict[str, Any], words: str) -> None:
    with TestClient(Litestar([take], request_class=StrictRequest, exception_handlers=EXCEPTION_HANDLERS)) as client:
        answer = client.post("/", json=sent if field == "name" else {"name": "x", **sent})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["errors"] == [{"field": field, "message": words}]
