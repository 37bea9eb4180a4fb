"""Addresses and domains in the one spelling in which they are kept (decision 0106).

Two people whose addresses turn out to be one stay two: the second keeps its spelling, signs in with it no more, and is
named in the log, as is whoever has what no mail reaches. Staff decide which of them is right.
"""

from collections.abc import Iterable

import structlog
from alembic import op
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from shared.addresses import NotAnAddress, asked_address, kept_domain

revision = "0020"
down_revision = "0019"

TABLES = ("people", "clients", "one_time_tokens")
FACTS = ("email", "old", "new")
"""Where what was mailed says to whom."""
log = structlog.get_logger("identity.migrations")


def upgrade() -> None:
    connection = op.get_bind()
    for table in TABLES:  # the owner runs this, who is nobody's tenant
        op.execute(f"alter table {table} no force row level security")
    _people(connection)
    _tokens(connection)
    _clients(connection)
    for table in TABLES:
        op.execute(f"alter table {table} force row level security")


def _people(connection: Connection) -> None:
    # Those who sign in go first: of two spellings of one address theirs is the one that is kept.
    found = connection.execute(
        text("select id, email from people where email is not null order by portal_access desc, created_at, id")
    )
    for person in found.all():
        try:
            email = asked_address(person.email)
        except NotAnAddress:
            log.warning("addresses.no_mail_reaches", person=str(person.id))
            continue
        if email == person.email:
            continue
        try:
            with connection.begin_nested():
                connection.execute(
                    text("update people set email = :email where id = :id"), {"email": email, "id": person.id}
                )
        except IntegrityError:
            others = connection.scalars(
                text("select id from people where lower(email) = :email order by id"), {"email": email}
            )
            log.warning("addresses.clash", person=str(person.id), others=[str(each) for each in others])


def _tokens(connection: Connection) -> None:
    for fact in FACTS:
        mailed = connection.execute(
            text("select id, facts ->> :fact as email from one_time_tokens where jsonb_exists(facts, :fact)"),
            {"fact": fact},
        )
        for token in mailed.all():
            email = _kept(token.email)
            if email != token.email:
                connection.execute(
                    text("update one_time_tokens set facts[:fact] = to_jsonb(cast(:email as text)) where id = :id"),
                    {"fact": fact, "email": email, "id": token.id},
                )


def _kept(email: str) -> str:
    try:
        return asked_address(email)
    except NotAnAddress:
        return email


def _clients(connection: Connection) -> None:
    allowed = connection.execute(text("select id, allowed_domains from clients where allowed_domains <> '{}'"))
    for client in allowed.all():
        domains, wrong = _domains(client.allowed_domains)
        if wrong:
            log.warning("addresses.no_domain", client=str(client.id), entries=len(wrong))
        connection.execute(
            text("update clients set allowed_domains = :domains where id = :id"), {"domains": domains, "id": client.id}
        )


def _domains(typed: Iterable[str]) -> tuple[list[str], list[str]]:
    """Each domain once, as it is kept, and those nobody can have an address in."""
    kept: dict[str, None] = {}
    wrong: list[str] = []
    for each in typed:
        try:
            kept[kept_domain(each)] = None
        except ValueError:
            wrong.append(each)
    return list(kept), wrong
