"""Asking for a token: both outcomes are recorded, so a refusal must be committed too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.util import await_only

from services.identity.oauth import queries
from services.identity.oauth.clients import OAuthClient
from services.identity.oauth.server import Answer, Issuer, Server, TokenRequest
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.sessions.models import Attempt
from services.identity.single_use import single_use, take
from services.identity.tokens import digest
from shared import outbox
from shared.actor import Actor
from shared.clock import now, uuid7
from shared.contracts.api_clients import ApiTokenIssued, ApiTokenRefused
from shared.database import Db

CLIENT_ASSERTION = single_use("client_assertion")
SWEPT = 20
"""Stale ones cleared away with each new one."""


async def answer_token_request(db: Db, issuer: Issuer, attempt: Attempt, request: TokenRequest) -> Answer:
    """A token for an api client that has proven itself, or OAuth's refusal."""

    def find(api_client_id: UUID) -> OAuthClient | None:
        return await_only(queries.find_client(db, api_client_id))

    def use_once(client: OAuthClient, jti: str, until: datetime) -> bool:
        return await_only(_use_once(db, client, jti, until))

    answer = await db.run_sync(lambda _session: Server(issuer, find, use_once).answer(request))
    await _record(db, attempt, answer)
    return answer


async def _use_once(db: Db, client: OAuthClient, jti: str, until: datetime) -> bool:
    """Nobody handed this one out, so it is entered as it is shown, then taken like everything that works once."""
    token_hash = digest(f"{client.row.id}:{jti}")
    stale = select(OneTimeToken.id).where(OneTimeToken.purpose == CLIENT_ASSERTION, OneTimeToken.expires_at < now())
    swept = stale.limit(SWEPT).with_for_update(skip_locked=True)
    await db.execute(delete(OneTimeToken).where(OneTimeToken.id.in_(swept.scalar_subquery())))
    entered = insert(OneTimeToken).values(
        id=uuid7(),
        purpose=CLIENT_ASSERTION,
        client_id=client.row.client_id,
        token_hash=token_hash,
        facts={},
        tries=0,
        created_at=now(),
        expires_at=until,
    )
    await db.execute(entered.on_conflict_do_nothing(index_elements=[OneTimeToken.token_hash]))
    this = (OneTimeToken.purpose == CLIENT_ASSERTION, OneTimeToken.token_hash == token_hash)
    return await take(db, OneTimeToken, *this) is not None


async def _record(db: Db, attempt: Attempt, answer: Answer) -> None:
    known = answer.client.row if answer.client else None
    tenant = known.client_id if known else None
    if known and not answer.error:
        known.last_used_at = now()
        partner = Actor(id=known.id, name=known.name, kind="partner", session_id=answer.jti, ip=attempt.ip)
        issued = ApiTokenIssued(scope=answer.body["scope"], ip=attempt.ip, user_agent=attempt.user_agent)
        await outbox.append(db, partner, issued, client_id=tenant, aggregate_id=known.id)
    else:
        nobody = Actor(session_id=attempt.id, ip=attempt.ip)
        refused = ApiTokenRefused(reason=answer.error, ip=attempt.ip, user_agent=attempt.user_agent)
        await outbox.append(db, nobody, refused, client_id=tenant, aggregate_id=known.id if known else attempt.id)
