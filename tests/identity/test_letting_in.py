"""Who may come in is decided by those who may decide it, whichever way it is changed (decision 0070)."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import httpx2
import msgspec
import pytest
from litestar.routes import HTTPRoute

from services.identity.api_clients.models import SCOPES
from services.identity.bulk_invitations.commands import StartBulkInvitation, start
from services.identity.clients.models import Client
from services.identity.fresh_proof import SAFE
from services.identity.invitations.commands import invite
from services.identity.letting_in import DECIDING, AccessNeedsPolicy, WaysInAreForStaff
from services.identity.people.models import Person
from services.identity.policies.models import ADMIN_POLICIES
from services.identity.single_sign_on.models import IdentityProvider
from shared.actor import FRESH, Actor
from shared.clock import now, uuid7
from shared.errors import DomainError, StepUpRequired
from shared.orm import Base
from tests.identity.partners import create, token_of
from tests.identity.rig import ADMIN, PASSWORD, Identity, staff
from tests.identity.single_sign_on.rig import Organisation, organisation
from tests.isolation.routes import application, shape

MODELS: tuple[type[Base], ...] = (Client, Person, IdentityProvider)
HARMLESS = {
    "clients": {
        *("id", "created_at", "updated_at", "name", "variant", "language", "settings"),
        *("closed_modules", "closed_actions", "session_recording", "recorded_since"),  # what those see who are in
        *("sort_key", "found_by"),  # the table makes them of the name
    },
    "people": {
        *(
            "id",
            "created_at",
            "updated_at",
            "first_name",
            "last_name",
            "phone",
            "title",
            "language",
            "language_chosen",
            "version",
        ),
        *("policies", "limited"),  # what staff may do; `policies/models.py` bounds who gives it
        *("email_verified_at", "last_sign_in_at", "owned_since"),  # what happened
        *("account_id", "joined_at", "is_shared"),  # follow from the address, and from the invitation one accepts
        *("sort_key", "found_by"),  # the table makes them of the names
    },
    "identity_providers": {"created_at", "updated_at"},
}
"""Columns that let nobody in. A new column stands here or in `DECIDING`."""


def test_every_column_either_decides_who_comes_in_or_does_not() -> None:
    for model in MODELS:
        columns = {column.key for column in model.__mapper__.columns}
        decides = DECIDING[model.__tablename__]
        assert columns == decides | HARMLESS[model.__tablename__], model.__tablename__
        assert not decides & HARMLESS[model.__tablename__]
    assert DECIDING.keys() == {model.__tablename__ for model in MODELS}


SOURCES = Path(__file__).parent.parent.parent / "services" / "identity"
OTHERS = {("mail", "client_id"), ("link", "client_id")}
"""Rows of other tables with a column of the same name."""
REQUESTS = {"Addressed": "email", "LookedUp": "email", "PutSingleSignOn": "domains"}
"""Requests that bring one of their own fields into the spelling that is kept: `self` is no row in their `__post_init__`."""


def spelled_anew(tree: ast.AST) -> set[ast.AST]:
    """Where one of `REQUESTS` sets its own field as it is made."""
    return {
        node
        for request in ast.walk(tree)
        if isinstance(request, ast.ClassDef) and request.name in REQUESTS
        if "Struct" in {ast.unparse(base).rpartition(".")[2] for base in request.bases}
        for made in request.body
        if isinstance(made, ast.FunctionDef) and made.name == "__post_init__"
        for node in ast.walk(made)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == f"self.{REQUESTS[request.name]}"
    }


def written_past_the_aggregate(tree: ast.AST) -> Iterator[str]:
    """Assignments to a column that decides who comes in, statements that set one, and rows made without the rule."""
    names = set().union(*DECIDING.values())
    spelled = spelled_anew(tree)
    makes_rows = {model.__name__ for model in MODELS}
    asks = any(isinstance(node, ast.Attribute) and node.attr == "created" for node in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in names:
            other = isinstance(node.value, ast.Name) and (node.value.id, node.attr) in OTHERS
            if not other and node not in spelled:
                yield f"{node.lineno}: {ast.unparse(node)} = ..."
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            text = ast.unparse(node)
            if {word.arg for word in node.keywords} & names and any(f"update({name})" in text for name in makes_rows):
                yield f"{node.lineno}: {text}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makes_rows:
            outside = any(word.arg == "portal_access" and ast.unparse(word.value) == "False" for word in node.keywords)
            if not (asks or outside):
                yield f"{node.lineno}: {node.func.id}(...)"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            said = " ".join(node.value.lower().split())
            if any(f"update {table} set {name}" in said for table in DECIDING for name in DECIDING[table]):
                yield f"{node.lineno}: {said}"


def test_nothing_writes_those_columns_but_the_aggregate() -> None:
    found = {
        str(path.relative_to(SOURCES)): lines
        for path in SOURCES.rglob("*.py")
        if path.name != "models.py" and "migrations" not in path.parts
        if (lines := list(written_past_the_aggregate(ast.parse(path.read_text()))))
    }
    assert found == {}


@dataclass(frozen=True)
class Writer:
    """One way to change who comes in: the route, and what it changes of which row (`client`, `person`, `outsider`)."""

    route: str
    columns: tuple[str, ...]
    of: str
    body: Any = None
    needs: str = "managePortalAccess"

    @property
    def name(self) -> str:
        return f"{self.route} ({self.of}: {', '.join(self.columns) or 'lets in'})"


CLIENT_CHANGES: dict[str, Any] = {
    "active": False,
    "portal_enabled": False,
    "sign_in_methods": ["password"],
    "second_factor": "required",
    "allowed_networks": ["192.0.2.0/24"],
    "allowed_domains": ["outsiders.example"],
    "team_invites": False,
}
NEW = {"kind": "client", "client_id": "{client}", "first_name": "O", "last_name": "Utsider", "email": "{email}"}
PROVIDER: dict[str, Any] = {"client_id": uuid7(), "issuer": "", "oauth_client_id": "", "secret": b"", "domains": []}
ELSEWHERE = {"issuer": "{issuer}", "oauth_client_id": "other", "client_secret": "s", "domains": ["{domain}"]}
PERSON, CONTACT = "PATCH people/{person}", "PATCH contacts/{person}"
WRITERS = [
    *(Writer("PATCH clients/{client}", (name,), "client", {name: value}) for name, value in CLIENT_CHANGES.items()),
    Writer("POST clients/{client}/portal/enable", ("portal_user_id",), "client", {"user_id": "{person}"}),
    Writer("POST clients/{client}/portal/disable", ("portal_enabled",), "client"),
    Writer(
        "PUT clients/{client}/single-sign-on",
        ("issuer", "oauth_client_id", "secret", "domains"),
        "provider",
        ELSEWHERE,
    ),
    Writer("DELETE clients/{client}/single-sign-on", ("client_id",), "provider"),
    Writer("POST people", ("kind", "email", "client_id"), "new", NEW),
    Writer(
        "POST people",
        ("password_hash", "is_primary_contact"),
        "new",
        NEW | {"password": PASSWORD, "is_primary_contact": True},
    ),
    Writer(PERSON, ("active",), "person", {"active": False}),
    Writer(PERSON, ("active",), "gone", {"active": True}),
    Writer(CONTACT, ("active",), "person", {"active": False}),
    Writer(CONTACT, ("active",), "gone", {"active": True}),
    Writer(CONTACT, ("email",), "person", {"email": "{email}"}),
    Writer(CONTACT, ("email",), "gone", {"email": "{email}"}),
    Writer(CONTACT, ("is_primary_contact",), "person", {"is_primary_contact": True}),
    Writer("POST contacts/{person}/move", ("client_id", "portal_access"), "person", {"client_id": "{other}"}),
    Writer("POST contacts/{person}/portal-access/enable", ("portal_access",), "outsider"),
    Writer("POST contacts/{person}/portal-access/disable", ("portal_access",), "person"),
    Writer("POST contacts/{person}/invitation/resend", (), "person"),
    Writer("POST invitations/bulk", (), "outsider", {"confirm": True, "client_id": "{client}"}),
    Writer("POST people/{person}/reset-link", (), "person"),
    Writer("DELETE people/{person}/two-factor", (), "person"),
    Writer("POST people", ("kind", "email"), "new staff", NEW | {"kind": "staff", "client_id": None}, "managePeople"),
    Writer(PERSON, ("active",), "staff", {"active": False}, "managePeople"),
]
OWN_OR_BOUNDED = {
    "POST auth/view-as": "a session of one's own",
    "POST auth/switch-organisation": "a session of one's own",
    "POST auth/step-up": "a session of one's own",
    "POST people/me/email": "one's own, confirmed at both addresses",
    "POST people/me/password": "one's own",
    "POST clients/{}/contacts": "who is added has no access",
    "POST team": "a primary contact, within what decision 0046 allows",
    "POST api-clients": "a partner system, no person",
}
"""Routes with a field of that name that let nobody in whom their caller could not."""


def fields_of(annotation: Any) -> set[str]:
    """The names of a body's fields, of all structs it may be."""
    kinds = [annotation, *get_args(annotation)]
    return {
        each.name
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for each in msgspec.structs.fields(kind)
    }


def test_every_route_with_such_a_field_is_asked_below() -> None:
    names = set().union(*DECIDING.values()) | {"password", "client_secret", "user_id"}
    found = {
        shape(f"{method} {route.path_format.removeprefix('/api/client-portal/')}")
        for route in application("identity").routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods - SAFE
        if not handler.opt.get("public") and not handler.opt.get("internal")
        if (takes := handler.parsed_data_field) and names & fields_of(takes.annotation)
    }
    asked = {shape(each.route) for each in WRITERS if each.body and names & each.body.keys()}
    assert found == asked | OWN_OR_BOUNDED.keys()


def test_every_column_has_a_writer_below() -> None:
    written = {name for each in WRITERS for name in each.columns}
    assert written == set().union(*DECIDING.values())


STALE = msgspec.structs.replace(ADMIN, proven_at=now() - FRESH)
PARTNER = Actor(id=uuid7(), kind="partner", name="ERP", scopes=frozenset(SCOPES), proven_at=ADMIN.proven_at)


def without(policy: str) -> Actor:
    return staff(*(each for each in ADMIN_POLICIES if each != policy))


def person_of(client_id: UUID, **fields: Any) -> Person:
    return Person(kind="client", client_id=client_id, email="a@acme.example", first_name="A", last_name="K", **fields)


ACME = uuid7()
PRIMARY = Actor(id=uuid7(), kind="client", client_id=ACME, is_primary_contact=True, proven_at=ADMIN.proven_at)
WRONG: list[tuple[Actor, type[DomainError]]] = [
    (without("managePortalAccess"), AccessNeedsPolicy),
    (msgspec.structs.replace(ADMIN, assignments={}), AccessNeedsPolicy),
    (Actor(), AccessNeedsPolicy),
    (msgspec.structs.replace(PRIMARY, read_only=True), AccessNeedsPolicy),
    (STALE, StepUpRequired),
    (PARTNER, WaysInAreForStaff),
]


@pytest.mark.parametrize(("actor", "refusal"), WRONG)
async def test_nobody_else_invites_anybody(actor: Actor, refusal: type[DomainError]) -> None:
    """One or many, whatever the route in front of it asks: it is refused before the database is."""
    unread: Any = None
    with pytest.raises(refusal):
        await invite(unread, actor, person_of(ACME))
    with pytest.raises(refusal):
        await start(unread, actor, StartBulkInvitation(confirm=True))


async def test_a_primary_contact_invites_nobody_of_others_and_not_many() -> None:
    unread: Any = None
    with pytest.raises(AccessNeedsPolicy):
        await invite(unread, PRIMARY, person_of(uuid7()))
    with pytest.raises(AccessNeedsPolicy):
        await start(unread, PRIMARY, StartBulkInvitation(confirm=True, client_id=ACME))


def test_each_aggregate_refuses_by_itself() -> None:
    """Whatever the route in front of it asks."""
    for actor, refusal in WRONG:
        ways: list[Callable[[], object]] = [
            *(
                partial(Client(name="Acme").change, actor, {name: None})
                for name in DECIDING["clients"] - {"portal_user_id"}
            ),
            partial(Client(name="Acme").change, actor, {"portal_user_id": uuid7()}),
            *(
                partial(person_of(ACME, password_hash="x").change, actor, {name: None})
                for name in DECIDING["people"] - {"is_primary_contact"}
            ),
            partial(person_of(ACME).change, actor, {"is_primary_contact": True}),
            partial(person_of(ACME, portal_access=False).change, actor, {"portal_access": True}),
            partial(person_of(ACME, active=False).change, actor, {"active": True}),
            partial(person_of(ACME).created, actor),
            partial(person_of(ACME).require_let_in_by, actor),
            partial(IdentityProvider.set_up, actor, ACME, {}),
            partial(IdentityProvider(**PROVIDER).change, actor, {"issuer": "https://other.example"}),
            partial(IdentityProvider(**PROVIDER).remove, actor),
        ]
        for way in ways:
            with pytest.raises(refusal):
                way()


def test_a_primary_contact_decides_for_their_own_team_and_no_further() -> None:
    """Decision 0046: they invite and shut out colleagues; letting somebody in again is for staff."""
    acme = uuid7()
    primary = Actor(id=uuid7(), kind="client", client_id=acme, is_primary_contact=True)
    assert person_of(acme).created(primary)
    assert person_of(acme).change(primary, {"active": False})
    further: list[Callable[[], object]] = [
        partial(person_of(uuid7()).created, primary),
        partial(person_of(acme, is_primary_contact=True).created, primary),
        partial(person_of(acme, password_hash="chosen for them").created, primary),
        partial(person_of(acme, is_primary_contact=True).change, primary, {"active": False}),
        partial(person_of(acme, active=False).change, primary, {"active": True}),
        partial(person_of(acme).change, primary, {"email": "b@acme.example"}),
        partial(person_of(acme).change, primary, {"active": False, "email": "b@acme.example"}),
        partial(person_of(acme).created, Actor(id=uuid7(), kind="client", client_id=acme)),
    ]
    for way in further:
        with pytest.raises(AccessNeedsPolicy):
            way()


@dataclass
class Setting:
    """What a writer is about, by the names it uses."""

    identity: Identity
    ids: dict[str, str]

    async def row(self, writer: Writer) -> list[dict[str, Any]]:
        """What the writer would change."""
        table, where = {
            "client": ("clients", "id = '{client}'"),
            "provider": ("identity_providers", "client_id = '{client}'"),
            "new": ("people", "email = '{email}'"),
            "new staff": ("people", "email = '{email}'"),
        }.get(writer.of, ("people", "id = '{person}'"))
        found = await self.identity.execute(f"select * from {table} where {self.fill(where)}")
        return [{name: value for name, value in row.items() if name in DECIDING[table]} for row in found]

    async def ask(self, actor: Actor | None, writer: Writer, **how: Any) -> httpx2.Response:
        method, path = self.fill(writer.route).split(" ")
        content = self.fill(msgspec.json.encode(writer.body).decode())
        body = {"json": msgspec.json.decode(content)} if writer.body else {}
        return await self.identity.api(actor, method, path, **body, **how)

    def fill(self, text: str) -> str:
        for name, value in self.ids.items():
            text = text.replace("{" + name + "}", value)
        return text


async def setting(identity: Identity, acme: Organisation, writer: Writer) -> Setting:
    client = await identity.client()
    if writer.of == "provider":
        client = acme.client_id
    reset = writer.route.endswith("reset-link")
    inside = {} if reset else {"password": None}
    person = await identity.person(None if writer.of == "staff" else client, **inside)
    if writer.of == "gone":
        await identity.execute("update people set active = false where id = $1", person["id"])
    if writer.of == "outsider":
        await identity.execute("update people set portal_access = false where id = $1", person["id"])
    if writer.route.endswith("two-factor"):
        enrolled = "insert into authenticators (person_id, client_id, secret, last_step, confirmed_at)"
        await identity.execute(f"{enrolled} values ($1, $2, '', 0, now())", person["id"], client)
    if writer.route.startswith("PUT"):
        await identity.execute("delete from identity_providers where client_id = $1", client)
    ids = {
        "client": client,
        "person": person["id"],
        "other": await identity.client(),
        "email": f"{uuid7()}@acme.example",
        "issuer": acme.idp.url,
        "domain": acme.domain,
    }
    return Setting(identity, ids)


async def test_no_way_to_change_who_comes_in_is_anybody_elses(identity: Identity) -> None:
    """Not staff with every other policy, not a proof of before, not a subcontractor, not a partner system with every scope;
    and each of them is a way.
    """
    boss = msgspec.structs.replace(ADMIN, id=UUID((await identity.person())["id"]))
    limited = msgspec.structs.replace(ADMIN, assignments={})
    token = await token_of(identity, await create(identity))
    wrong: list[str] = []
    async with organisation(identity) as acme:
        for writer in WRITERS:
            place = await setting(identity, acme, writer)
            before = await place.row(writer)
            answers = {
                "without the policy": await place.ask(without(writer.needs), writer),
                "a subcontractor": await place.ask(limited, writer),
                "a partner": await place.ask(None, writer, headers={"Authorization": f"Bearer {token}"}),
                "an old proof": await place.ask(STALE, writer),
            }
            wrong += [
                f"{writer.name}: {who} got {answer.text}"
                for who, answer in answers.items()
                if answer.status_code != 403
            ]
            if answers["an old proof"].json()["code"] != "auth.step_up_required":
                wrong.append(f"{writer.name}: {answers['an old proof'].text}")
            if await place.row(writer) != before:
                wrong.append(f"{writer.name}: changed")
            answer = await place.ask(boss, writer)
            if not answer.is_success or set(writer.columns) - differing(before, await place.row(writer)):
                wrong.append(f"{writer.name}: changes nothing, {answer.text}")
    assert wrong == []


def differing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> set[str]:
    """The columns in which one row differs; all of them where it was made or is gone."""
    if len(before) != len(after):
        return set((before or after)[0])
    return {name for was, becomes in zip(before, after, strict=True) for name in was if was[name] != becomes[name]}


async def test_an_address_book_is_kept_without_any_of_that(identity: Identity) -> None:
    """Who has no access is an entry in a book: a partner system may write it, and a proof of before is enough."""
    acme = await identity.client()
    keeper = msgspec.structs.replace(staff("manageClients"), proven_at=None)
    token = {"headers": {"Authorization": f"Bearer {await token_of(identity, await create(identity))}"}}
    for actor, how in ((keeper, {}), (None, token)):
        body = {
            "first_name": "Eva",
            "last_name": "Roth",
            "email": f"{uuid7()}@acme.example",
            "is_primary_contact": True,
        }
        made = await identity.api(actor, "POST", f"clients/{acme}/contacts", json=body, **how)
        assert (made.status_code, made.json()["portal_access"]) == (201, False)
        for changes in ({"email": f"{uuid7()}@acme.example", "active": False}, {"active": True, "phone": "+49 30 1"}):
            changed = await identity.api(actor, "PATCH", f"contacts/{made.json()['id']}", json=changes, **how)
            assert changed.status_code == 200, changed.text
        person = await identity.person(acme, password=None)
        answer = await identity.api(actor, "PATCH", f"contacts/{person['id']}", json={"phone": "+49 30 2"}, **how)
        assert answer.status_code == 200, answer.text


async def test_who_invited_many_and_may_no_longer_invites_nobody_more(identity: Identity) -> None:
    """The order outlives its proof, and not the right to give it."""
    acme = await identity.client()
    body = {"first_name": "Eva", "last_name": "Roth", "email": f"{uuid7()}@acme.example"}
    contact = (await identity.api(ADMIN, "POST", f"clients/{acme}/contacts", json=body)).json()
    inviter = await identity.person(policies=["manageProjects"])
    actor = msgspec.structs.replace(ADMIN, id=UUID(inviter["id"]))
    answer = await identity.api(actor, "POST", "invitations/bulk", json={"confirm": True, "client_id": acme})
    bulk = answer.json()["id"]
    done = "select 1 from bulk_invitations where id = $1 and done_at is not null"
    await identity.until(done, bulk)
    (item,) = await identity.execute(
        "select status, reason from bulk_invitation_items where bulk_invitation_id = $1", bulk
    )
    assert (item["status"], item["reason"]) == ("skipped", "access.needs_policy")
    assert not (await identity.api(ADMIN, "GET", f"contacts/{contact['id']}")).json()["portal_access"]
