"""Proving once more who one is: the session goes on under a new id, with a proof of now."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from services.identity.mails.commands import queue
from services.identity.one_time_tokens.commands import issue
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.queries import load_person
from services.identity.second_factors.commands import Proof, use_factor
from services.identity.second_factors.models import TRIES
from services.identity.second_factors.totp import Totp
from services.identity.sessions.commands import Entry, renew
from services.identity.single_use import live, single_use, take
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SteppedUp, StepUpCodeRequested, StepUpFailed
from shared.database import Db

CODE = single_use("step_up_code")
CODE_LIVES = timedelta(minutes=10)
NOT_TOLD = ""
"""Instead of the address: the session says from where it was opened, and what nobody keeps need not travel."""


async def step_up(db: Db, actor: Actor, person_id: UUID, method: str, *, proven: bool) -> Entry | None:
    """Go on under a new id if the proof was good; None, and on record, if it was not."""
    if not proven:
        event = StepUpFailed(method=method, ip=NOT_TOLD)
        await outbox.append(db, actor, event, client_id=actor.client_id, aggregate_id=person_id)
        return None
    entry = await renew(db, actor, proven_at=now())
    event = SteppedUp(method=method, ip=NOT_TOLD)
    await outbox.append(db, actor, event, client_id=actor.client_id, aggregate_id=person_id)
    return entry


async def mail_code(db: Db, actor: Actor, person_id: UUID) -> None:
    """Have six digits mailed that are good in this session."""
    person = await load_person(db, person_id)
    token = await issue(db, CODE, CODE_LIVES, person, {"session": str(actor.session_id), "ip": actor.ip})
    await queue(db, CODE, person, token=token)
    event = StepUpCodeRequested(ip=NOT_TOLD)
    await outbox.append(db, actor, event, client_id=actor.client_id, aggregate_id=person_id)


async def count_code_try(db: Db, actor: Actor, person_id: UUID) -> OneTimeToken | None:
    """Use up one of the tries of the mailed code; None where it has none left. Commit before looking at it."""
    counted = (
        update(OneTimeToken)
        .where(
            OneTimeToken.purpose == CODE,
            OneTimeToken.person_id == person_id,
            OneTimeToken.facts["session"].astext == str(actor.session_id),
            OneTimeToken.tries < TRIES,
            *live(OneTimeToken),
        )
        .values(tries=OneTimeToken.tries + 1)
        .returning(OneTimeToken)
    )
    return await db.scalar(counted)


async def is_proof(
    db: Db, account_id: UUID, method: str, value: str, *, token: OneTimeToken | None, totp: Totp
) -> bool:
    """Whether it is what the account has to show; what works once is used up. A password was looked at before, outside
    any transaction. `token` is the mailed code's, from `count_code_try`.
    """
    match method:
        case "totp":
            return await use_factor(db, account_id, Proof(code=value), totp)
        case "recovery_code":
            return await use_factor(db, account_id, Proof(recovery_code=value), totp)
        case "mail_code":
            return token is not None and await _use_code(db, token, value)
        case _:
            return True


async def _use_code(db: Db, token: OneTimeToken, code: str) -> bool:
    shown = (OneTimeToken.id == token.id, OneTimeToken.token_hash == token.code_digest(code))
    return await take(db, OneTimeToken, *shown) is not None
