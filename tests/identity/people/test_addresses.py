"""One form of every address, wherever it comes in."""

import ast
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from services.identity.addresses import mailed_address
from services.identity.single_sign_on.commands import PutSingleSignOn
from shared.addresses import NotAnAddress, asked_address, kept_address
from shared.clock import now, uuid7
from shared.errors import Invalid
from shared.migrations.runner import alembic_config
from tests.architecture.test_rules import ROOT, modules
from tests.conftest import Cluster
from tests.identity.rig import ADMIN, PASSWORD, Identity, somewhere


def spellings() -> tuple[str, str]:
    """A fresh address as people write it, and as browsers send it."""
    name = uuid4().hex
    return f"{name}@müller-bau.example", f"{name}@xn--mller-bau-q9a.example"


async def test_both_spellings_of_a_domain_are_one_contact(identity: Identity) -> None:
    client_id = await identity.client()
    typed, sent = spellings()
    asked = {"first_name": "Anna", "last_name": "Keller", "email": typed}
    made = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=asked)
    assert made.json()["email"] == sent
    again = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=asked | {"email": sent})
    assert (again.status_code, again.json()["code"]) == (409, "person.listed_already")
    book = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts.csv")
    assert typed in book.text


@pytest.mark.parametrize("as_typed", [True, False])
async def test_who_has_a_domain_in_another_script_comes_in_by_either_spelling(
    identity: Identity, as_typed: bool
) -> None:
    typed, sent = spellings()
    person = await identity.person(await identity.client(), email=typed)
    browser = await identity.browser()
    assert (await browser.sign_in(typed if as_typed else sent)).status_code == 200
    link = {"email": typed if as_typed else sent}
    assert (await identity.api(somewhere(), "POST", "auth/magic-link", json=link)).status_code == 202
    assert person["email"] == sent
    await identity.mail_to(sent)  # what any mail server takes, also one that knows no SMTPUTF8


@pytest.mark.parametrize("email", ["an\u200bna@acme.example", "a@-b.example", "a@b_c.example", "a..b@acme.example"])
@pytest.mark.parametrize("path", ["people", "contacts", "auth/magic-link", "auth/login", "auth/forgot-password"])
async def test_what_no_mail_reaches_is_refused_with_its_field(identity: Identity, path: str, email: str) -> None:
    asked = {"email": email}
    if path == "people":
        asked |= {"kind": "staff", "first_name": "Anna", "last_name": "Keller"}
    if path == "contacts":
        path = f"clients/{await identity.client()}/contacts"
        asked |= {"first_name": "Anna", "last_name": "Keller"}
    if path == "auth/login":
        asked |= {"password": PASSWORD}
    answer = await identity.api(ADMIN if "auth/" not in path else somewhere(), "POST", path, json=asked)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "email"), answer.text


async def test_domains_that_may_register_are_kept_as_addresses_are(identity: Identity) -> None:
    client_id = await identity.client()
    asked = {"allowed_domains": ["Müller-Bau.example", "xn--mller-bau-q9a.example"]}
    changed = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=asked)
    assert changed.json()["allowed_domains"] == ["xn--mller-bau-q9a.example"]


def test_domains_of_single_sign_on_are_kept_as_addresses_are() -> None:
    asked = {"issuer": "https://id.example", "oauth_client_id": "portal"}
    put = msgspec.convert(asked | {"domains": ["GRÜN.example", "grün.example"]}, PutSingleSignOn)
    assert put.domains == ["xn--grn-ioa.example"]
    with pytest.raises(Invalid) as refused:
        msgspec.convert(asked | {"domains": ["-b.example"]}, PutSingleSignOn)
    assert refused.value.field == "domains"


def test_every_request_with_an_address_keeps_it_in_one_form() -> None:
    """A field of the type `Email` outside an `Addressed` request would be stored as it was typed; only what stores nothing
    may be one that is `LookedUp`.
    """
    found = {
        node.name
        for _, tree in modules(ROOT / "services" / "identity")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Addressed" not in map(ast.unparse, node.bases)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and "Email" in ast.unparse(field.annotation).split(" | ")
    }
    looked_up = {
        node.name
        for _, tree in modules(ROOT / "services" / "identity")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "LookedUp" in map(ast.unparse, node.bases)
    }
    assert found == looked_up == {"BeginSingleSignOn", "Forgot", "Login", "RequestLink"}


async def kept_before(identity: Identity, local: str) -> str:
    """The address of somebody who was let in with it when less was refused."""
    person = await identity.person(await identity.client())
    email = f"{local}{uuid4().hex[:8]}@acme.example"
    await identity.execute("update people set email = $1 where id = $2", email, UUID(person["id"]))
    return email


@pytest.mark.parametrize("local", ["bin%sales", "host!anna", "=?utf-8?q?a?=", "anna\uff05"])
async def test_an_address_that_is_kept_from_before_signs_in_as_any_other(identity: Identity, local: str) -> None:
    email, unknown = await kept_before(identity, local), f"{local}{uuid4().hex[:8]}@acme.example"
    assert (await (await identity.browser()).sign_in(email.upper())).status_code == 200
    plain = await (await identity.browser()).sign_in(f"{uuid4().hex}@acme.example")
    refused = await (await identity.browser()).sign_in(unknown)
    assert (refused.status_code, refused.text) == (plain.status_code, plain.text)
    for path in ("auth/magic-link", "auth/forgot-password", "auth/sso", "auth/sso/domain"):
        known, other = [
            await identity.api(somewhere(), "POST", path, json={"email": each}) for each in (email, unknown)
        ]
        assert (known.status_code, known.text) == (other.status_code, other.text)
        assert known.status_code in (200, 202), path


async def test_a_link_is_mailed_to_a_route_that_is_kept_from_before(identity: Identity) -> None:
    email = await kept_before(identity, "bin%sales")
    browser = await identity.browser()
    await browser.ask_for_link(email)
    mail = await identity.mail_to(email)
    assert (await browser.redeem(token=mail.token)).status_code == 200


@pytest.mark.parametrize("local", ["bin%sales", "host!anna", "=?utf-8?q?a?=", "anna\uff05"])
async def test_such_an_address_is_not_kept_anew(identity: Identity, local: str) -> None:
    client_id = await identity.client()
    named = {"email": f"{local}@acme.example", "first_name": "Anna", "last_name": "Keller"}
    for path, asked in (
        ("people", named | {"kind": "staff"}),
        (f"clients/{client_id}/contacts", named),
        ("auth/register", named),
    ):
        answer = await identity.api(somewhere() if "auth/" in path else ADMIN, "POST", path, json=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "address.invalid"), answer.text


async def upgrade_to_one_form(url: str) -> None:
    """Run the one revision that moves addresses, on a database that has the tables of all."""

    def upgrade(connection: Connection) -> None:
        config = alembic_config("identity")
        config.attributes["connection"] = connection
        command.upgrade(config, "0020")

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.execute(text("set role identity_owner"))
        await connection.execute(text("set search_path = identity"))
        await connection.commit()
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


async def test_addresses_kept_before_become_one_form_and_clashes_are_named(cluster: Cluster) -> None:
    url = cluster.admin_of(await cluster.create("identity"))
    connection = await asyncpg.connect(url)
    await connection.execute("set search_path = identity")
    client_id, ids = uuid7(), [uuid7() for _ in range(5)]
    await connection.execute("update alembic_version set version_num = '0019'")
    await connection.execute(
        "insert into clients (id, name, variant, language, active, portal_enabled, allowed_domains,"
        " created_at, updated_at) values ($1, 'Acme', 'delivery', 'en', true, true, '{müller.example,-b.example}', now(), now())",
        client_id,
    )
    kept = (
        "anna@xn--mller-kva.example",
        "anna@müller.example",
        "ju\u0308rgen@müller.example",
        "a@-b.example",
        "a%b@müller.example",
    )
    for number, (person_id, email) in enumerate(zip(ids, kept, strict=True)):
        await connection.execute(
            "insert into people (id, client_id, kind, email, first_name, last_name, active, is_primary_contact,"
            " policies, version, portal_access, created_at, updated_at)"
            " values ($1, $2, 'client', $3, 'Anna', 'Keller', true, false, '{}', 1, $4, now(), now())",
            *(person_id, client_id, email, number == 0),
        )
    await connection.execute(
        "insert into one_time_tokens (id, purpose, client_id, person_id, facts, created_at, expires_at)"
        " values ($1, 'invitation', $2, $3, jsonb_build_object('email', $4::text), now(), $5)",
        *(uuid7(), client_id, ids[2], kept[2], now()),
    )
    with capture_logs() as logged:
        await upgrade_to_one_form(url)
    stored = {row["id"]: row["email"] for row in await connection.fetch("select id, email from people")}
    assert [stored[each] for each in ids] == [
        *kept[:2],
        "jürgen@xn--mller-kva.example",
        kept[3],
        "a%b@xn--mller-kva.example",
    ]
    mailed = await connection.fetchval("select facts ->> 'email' from one_time_tokens")
    assert mailed == "jürgen@xn--mller-kva.example"
    assert await connection.fetchval("select allowed_domains from clients") == ["xn--mller-kva.example"]
    assert await connection.fetchval("select bool_and(relforcerowsecurity) from pg_class where relname = 'people'")
    await connection.close()
    told = [{name: value for name, value in each.items() if name != "log_level"} for each in logged]
    assert {"event": "addresses.clash", "person": str(ids[1]), "others": [str(ids[0])]} in told
    assert {"event": "addresses.no_mail_reaches", "person": str(ids[3])} in told


@pytest.mark.parametrize("local", ["victim%evil.example", "evil.example!victim"])
def test_a_route_that_is_kept_from_before_is_mailed_to_and_not_kept_anew(local: str) -> None:
    address = f"{local}@acme.example"
    assert (asked_address(address.upper()), mailed_address(address)) == (address, address)
    with pytest.raises(NotAnAddress):
        kept_address(address)


@pytest.mark.parametrize(
    "local", ["=?a", "(c)a", "a,b", "victim\uff20evil.example", "victim\uff05evil.example", "\u2025a"]
)
def test_what_is_read_as_another_address_is_looked_up_and_not_mailed_to(local: str) -> None:
    address = f"{local}@acme.example"
    assert asked_address(address) == address
    with pytest.raises(NotAnAddress):
        mailed_address(address)


@pytest.mark.parametrize("local", ["", "a\r\nb", "a\0", "a b", "a\u200bb", ".a", "a" * 65])
def test_what_never_could_be_kept_is_not_looked_up(local: str) -> None:
    with pytest.raises(NotAnAddress):
        asked_address(f"{local}@acme.example")


@pytest.mark.parametrize(
    "typed", ["Anna@MÜLLER.example", "JU\u0308RGEN@acme.example", "İ@acme.example", "a+b@acme.example"]
)
def test_an_address_is_looked_up_as_it_is_kept(typed: str) -> None:
    assert asked_address(typed) == kept_address(typed) == mailed_address(typed)
