"""No request sets what it does not name, and no answer holds what it should not."""

from collections.abc import Iterator
from typing import Any, get_args

import asyncpg
import httpx2
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from shared.actor import Actor
from shared.clock import now
from tests.isolation.matrix import checksums, fill, ids_of, settle
from tests.isolation.routes import Right, application, declared, shape
from tests.portal_stack import Portal

WITH_ROWS = ("identity", "projects")
BROWSERS = "services.identity.passkeys.credentials"
"""Structs that browsers fill in: they may say more than the standard has today (WebAuthn Level 3, 5.1)."""
DECISIVE = frozenset(
    [
        "id",
        "client_id",
        "person_id",
        "project_id",
        "kind",
        "policies",
        "group",
        "role",
        "roles",
        "project_roles",
        "is_primary_contact",
        "active",
        "limited",
        "portal_access",
        "portal_enabled",
        "portal_user_id",
        "password_hash",
        "version",
        "status",
        "scopes",
        "secret_hash",
        "hash",
        "token_hash",
        "created_at",
        "updated_at",
        "created_by",
        "revoked_at",
        "used_at",
        "expires_at",
        "last_sign_in_at",
        "owned_since",
        "account_id",
        "joined_at",
        "is_shared",
        "email_verified_at",
        "proven_at",
        "sign_in_methods",
        "second_factor",
        "allowed_networks",
        "allowed_domains",
        "team_invites",
        "closed_modules",
        "closed_actions",
        "session_recording",
        "recorded_since",
    ]
)
"""Names of columns that decide who somebody is, whose something is, and what may be done."""
NAMED = {
    "CreateClient": set[str](),
    "PatchClient": {"active", "portal_enabled", "sign_in_methods", "second_factor", "allowed_networks",
                    "allowed_domains", "team_invites", "closed_modules", "closed_actions", "session_recording"},
    "CreateContact": {"is_primary_contact"},
    "PatchContact": {"active", "is_primary_contact"},
    "Move": {"client_id"},
    "StartBulkInvitation": {"client_id", "project_roles"},
    "EnableAccess": {"project_roles"},
    "CreatePerson": {"kind", "client_id", "is_primary_contact", "policies"},
    "PatchPerson": {"active"},
    "PutProjectRoles": {"roles"},
    "PatchProjectRoles": {"roles"},
    "PutPolicies": {"policies", "group"},
    "PutAssignments": {"limited"},
    "PatchAssignments": {"limited"},
    "InviteMember": {"project_roles"},
    "CreateWebhook": {"client_id"},
    "PatchWebhook": {"active"},
    "PutRoles": {"roles"},
    "Resolve": {"hash"},
    "Visit": {"person_id", "client_id", "kind"},
    "ViewAs": {"client_id", "person_id"},
    "SwitchOrganisation": {"client_id"},
    "CreateApiClient": {"scopes", "client_id"},
    "PatchApiClient": {"scopes"},
    "CreateProject": {"client_id", "status"},
    "PatchProject": {"status"},
    "Member": {"role", "person_id"},
}  # fmt: skip
"""Those of them that a body may name, each guarded by a rule of its own."""


def handlers(service: str) -> list[tuple[str, HTTPRouteHandler]]:
    """Every handler of a service by `METHOD /path/{}`, in the same order in every process."""
    found = [
        (shape(f"{method} {route.path_format}"), handler)
        for route in application(service).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    ]
    return sorted(found, key=lambda each: each[0])


def struct_of(handler: HTTPRouteHandler) -> type[msgspec.Struct] | None:
    """What a handler takes as its body; None where it takes none."""
    field = handler.parsed_data_field
    if field is None:
        return None
    kinds = get_args(field.annotation) or (field.annotation,)
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct))


BODIES = {
    (service, route): kind
    for service in WITH_ROWS
    for route, handler in handlers(service)
    if not route.startswith("GET") and (kind := struct_of(handler))
}


def nested(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """A struct and all those inside it."""
    found = msgspec.inspect.multi_type_info([kind])
    waiting, seen = list(found), set[Any]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, msgspec.inspect.StructType) and each.cls not in seen:
            seen.add(each.cls)
            yield each.cls
            waiting += [field.type for field in each.fields]
        waiting += [getattr(each, name) for name in ("item_type", "value_type") if hasattr(each, name)]
        waiting += list(getattr(each, "types", ()))


@pytest.mark.parametrize(("at", "kind"), BODIES.items(), ids=str)
def test_a_body_holds_named_fields_only(at: tuple[str, str], kind: type[msgspec.Struct]) -> None:
    ours = [each for each in nested(kind) if each.__module__ != BROWSERS]
    assert [each.__name__ for each in ours if not each.__struct_config__.forbid_unknown_fields] == []
    for each in ours:
        assert DECISIVE & set(each.__struct_encode_fields__) == NAMED.get(each.__name__, set()), each.__name__


def writes() -> list[Right]:
    return [right for right in declared() if (right.service, shape(f"{right.method} {right.path}")) in BODIES]


def askers(portal: Portal) -> Iterator[tuple[str, Actor]]:
    """Those who may do most, fresh from proving who they are."""
    for who in ("admin", "approver"):
        yield who, msgspec.structs.replace(portal.actor(who), proven_at=now())
    yield "gateway", Actor(kind="system", name="Gateway")


def asker(right: Right) -> str:
    """Whose request gets as far as its body is read."""
    if right.path.startswith("/internal/"):
        return "gateway"
    return "admin" if right.cells["admin"] in ("yes", "gone") else "approver"


async def columns(portal: Portal, service: str) -> list[str]:
    """Every name of a column of the service's tables."""
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    rows = await connection.fetch(
        "select distinct column_name from information_schema.columns where table_schema = $1 order by 1", service
    )
    await connection.close()
    return [row[0] for row in rows]


@pytest.mark.parametrize("service", WITH_ROWS)
async def test_no_column_is_set_by_naming_it(portal: Portal, service: str) -> None:
    """No body has a field for a column of the service's tables that it does not name; each write is sent one of them,
    another one from write to write, as somebody who may do everything else.
    """
    names = await columns(portal, service)
    assert {"client_id", "id"} <= set(names)
    ids, signer, known = ids_of(portal), portal.signer(), dict(askers(portal))
    await settle(portal)
    before = await checksums(portal)
    wrong: list[str] = []
    with httpx2.Client(base_url=portal.run.services[service], timeout=30) as http:
        for number, right in enumerate(each for each in writes() if each.service == service):
            kind = BODIES[service, shape(f"{right.method} {right.path}")]
            foreign = [name for name in names if name not in kind.__struct_encode_fields__]
            wrong += [f"{right.name} {name}: the body takes it" for name in foreign if not is_unknown(kind, name)]
            name = foreign[number * 7 % len(foreign)]
            headers = signer.headers(known[asker(right)], service)
            answer = http.request(right.method, fill(right.path, ids), json={name: ids["client_id"]}, headers=headers)
            unknown = {"field": name, "message": "There is no such field here."}
            if answer.status_code != 422 or answer.json().get("errors") != [unknown]:
                wrong.append(f"{right.name} {name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
    assert await checksums(portal) == before


def is_unknown(kind: type[msgspec.Struct], name: str) -> bool:
    """Whether a body with a field of this name is refused for it."""
    try:
        msgspec.json.decode(msgspec.json.encode({name: None}), type=kind)
    except msgspec.ValidationError as error:
        return f"unknown field `{name}`" in str(error)
    return False
