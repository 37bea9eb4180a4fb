"""S3: nothing that is kept says who one could be: no id of a session, no link, no code, no token, in clear."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path

import asyncpg
import httpx2
import pyotp

from tests.portal_stack import API, PEOPLE, Portal
from tests.security import people
from tests.security.people import cookie_of

ELSEWHERE = {"mail", "secrets", "run.json", "lock"}
"""Mails are what the links are for; the launcher's own secrets are not the portal's."""


def kept_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Of servers that run: a file that one of them has deleted or renamed meanwhile is passed over."""
    for at, _, names in os.walk(folder):
        for path in (Path(at) / name for name in sorted(names)):
            if path.relative_to(folder).parts[0] not in ELSEWHERE and path.is_file() and not path.is_symlink():
                with suppress(FileNotFoundError):
                    yield str(path.relative_to(folder)), path.read_bytes()


async def everything_in(portal: Portal) -> str:
    """Every row of every table as text, also where it is compressed on disk; and all of it written out."""
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    tables = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not like 'pg_%'"
    )
    rows = [row[0] for (table,) in tables for row in await connection.fetch(f"select t::text from {table} t")]
    await connection.execute("checkpoint")
    await connection.close()
    return "\n".join(rows)


def mailed(portal: Portal, address: str) -> list[str]:
    """Token and code of the newest sign-in mail."""
    for path in sorted(Path(portal.run.addresses["PORTAL_MAILBOX_DIR"]).glob("*.eml"), reverse=True):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if address in str(mail["To"]):
            body = mail.get_body(("plain",))
            text = body.get_content() if body else ""
            if found := re.search(r"token=([A-Za-z0-9_-]{43})", text):
                return [found[1]]
    return []


def sign_in_by_link(portal: Portal, http: httpx2.Client, address: str) -> list[str]:
    """The secrets that were involved."""
    before = mailed(portal, address)
    http.post(f"{API}/auth/magic-link", json={"email": address}).raise_for_status()
    flow = http.cookies["portal_flow"]
    portal.until(lambda: mailed(portal, address) not in ([], before))
    tokens = mailed(portal, address)
    http.post(f"{API}/auth/magic-link/consume", json={"token": tokens[0]}).raise_for_status()
    return [flow, *tokens, cookie_of(http)]


def second_factor(http: httpx2.Client) -> list[str]:
    """What an app and a sheet of paper keep."""
    secret: str = http.post(f"{API}/two-factor/enrol").raise_for_status().json()["secret"]
    confirmed = http.post(f"{API}/two-factor/confirm", json={"code": pyotp.TOTP(secret).now()}).raise_for_status()
    return [secret, *confirmed.json()["recovery_codes"]]


def partner(http: httpx2.Client, client_id: str) -> list[str]:
    """What a partner system keeps, and an access token it got for that."""
    body = {"name": "Harbour ERP", "scopes": ["projects:read"], "client_id": client_id, "auth_method": "client_secret"}
    made = http.post(f"{API}/api-clients", json=body).raise_for_status().json()
    grant = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["client_secret"]}
    token = http.post("/oauth/token", data=grant).raise_for_status().json()["access_token"]
    http.get(f"{API}/projects", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    return [made["client_secret"], token.rpartition(".")[2]]


def new_password_by_mail(portal: Portal, http: httpx2.Client, address: str) -> list[str]:
    """The token of the mail, and the new password."""
    before = mailed(portal, address)
    http.post(f"{API}/auth/forgot-password", json={"email": address}).raise_for_status()
    portal.until(lambda: mailed(portal, address) != before)
    token, *_ = mailed(portal, address)
    password = "the password of nobody else"
    http.post(f"{API}/auth/reset-password", json={"token": token, "password": password}).raise_for_status()
    return [token, password]


async def test_no_secret_is_kept_anywhere(portal: Portal) -> None:
    client_id = people.client(portal)
    who = people.person(portal, client_id)
    secrets = new_password_by_mail(portal, portal.client(), people.person(portal, client_id)["email"])
    secrets += second_factor(portal.sign_in(people.person(portal, client_id)["email"]))
    secrets += partner(portal.sign_in(PEOPLE["admin"]), client_id)
    secrets += sign_in_by_link(portal, portal.client(), who["email"])
    secrets += sign_in_by_link(portal, portal.client(), PEOPLE["viewer"])
    rotated = portal.sign_in(who["email"])
    secrets.append(cookie_of(rotated))
    people.give_role(portal, who["id"], {people.project(portal, client_id): "viewer"})
    rotated.get("/projects", headers={"Accept": "text/html"})
    secrets.append(cookie_of(rotated))
    staff = portal.sign_in(people.person(portal, None, policies=["viewAsClient"])["email"])
    staff.post(f"{API}/auth/view-as", json={"client_id": client_id}).raise_for_status()
    secrets.append(cookie_of(staff))
    staff.get("/")
    staff.get("/no/such/page", headers={"Authorization": f"Bearer {secrets[0]}"}, params={"token": secrets[0]})
    rotated.post(f"{API}/auth/logout")
    assert len(set(secrets)) == len(secrets) > 20

    hashes = [sha256(each.encode()).hexdigest() for each in secrets]
    rows = await everything_in(portal)
    assert hashes[-1] in rows  # the search does find what is there
    places = [("rows", rows.encode()), *kept_files(portal.folder)]
    names = " ".join(name for name, _ in places)
    assert all(kind in names for kind in ("portal.log", "nats/jetstream", "redis/", "postgres/pg_wal"))
    found = [
        (name, number) for name, content in places for number, each in enumerate(secrets) if each.encode() in content
    ]
    assert found == []
    assert [name for name, content in places if name == "portal.log" and b"eyJhbGciOi" in content] == []
