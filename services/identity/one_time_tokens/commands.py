"""Making and redeeming secrets that work once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.dialects.postgresql import insert

from services.identity.one_time_tokens import queries
from services.identity.one_time_tokens.models import OneTimeToken, new_code
from services.identity.people.models import Person
from services.identity.sessions.models import Attempt
from services.identity.single_use import take
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SignInFailed
from shared.database import Db

_KEPT = ("purpose", "client_id", "facts", "tries", "created_at", "expires_at", "used_at", "token_hash")


async def issue(
    db: Db, purpose: str, lifetime: timedelta, person: Person, facts: dict[str, Any] | None = None
) -> OneTimeToken:
    """A token of this purpose for a person, without a secret yet (`mint`). An earlier one becomes invalid."""
    row = OneTimeToken(
        purpose=purpose,
        client_id=person.client_id,
        person_id=person.id,
        facts=facts or {},
        expires_at=now() + lifetime,
    )
    values = {column.key: getattr(row, column.key) for column in OneTimeToken.__table__.columns}
    added = (
        insert(OneTimeToken)
        .values(values)
        .on_conflict_do_update(
            index_elements=["person_id", "purpose"],
            index_where=OneTimeToken.flow_hash.is_(None),
            set_={name: values[name] for name in _KEPT},
        )
        .returning(OneTimeToken)
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(added)).one()


async def mint(db: Db, token: OneTimeToken) -> str:
    """A new secret for a token: 256 bits for a link. An earlier one of it no longer works."""
    secret = new_token()
    token.token_hash = digest(secret)
    await db.flush()
    return secret


async def mint_code(db: Db, token: OneTimeToken) -> str:
    """Six digits instead, to be typed. Guesses are for the purpose to count (`tries`)."""
    code = new_code()
    token.token_hash = token.code_digest(code)
    await db.flush()
    return code


async def redeem(db: Db, purpose: str, token: str, *proof: ColumnElement[bool]) -> OneTimeToken | None:
    """Use up the token, if it is of this purpose, neither used nor too old, and `proof` holds."""
    return await take(db, OneTimeToken, *queries.shown(purpose, token), *proof)


async def refuse(db: Db, attempt: Attempt, purpose: str) -> None:
    """Put on record that somebody showed a token that is not good. Commit it, and answer with `TokenInvalid`."""
    nobody = Actor(session_id=attempt.id, ip=attempt.ip)
    event = SignInFailed(method=purpose, reason="unknown", ip=attempt.ip, user_agent=attempt.user_agent)
    await outbox.append(db, nobody, event, client_id=None, aggregate_id=attempt.id)


async def withdraw(db: Db, person_id: UUID, *purposes: str) -> None:
    """Make what a person has of these purposes worthless."""
    unused = (OneTimeToken.person_id == person_id, OneTimeToken.purpose.in_(purposes), OneTimeToken.used_at.is_(None))
    await db.execute(update(OneTimeToken).where(*unused).values(expires_at=now()))
