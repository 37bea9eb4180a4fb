"""Attempts to sign in, and who hears that an account is allowed no more of them (decision 0122)."""

import math
from typing import Literal
from uuid import UUID

from services.identity.people.models import Person
from services.identity.sessions import queries
from services.identity.sessions.limits import (
    CODE,
    FACTOR,
    PASSWORD,
    PAUSED,
    RECOVERY,
    AttemptLimits,
    Limit,
    TooManyAttempts,
)
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import now
from shared.contracts.accounts import FailedSignInsPaused
from shared.database import Db, UnitOfWork, driver

Proof = Literal["password", "mail_code", "totp", "recovery_code"]
LIMITS: dict[Proof, tuple[Limit, ...]] = {
    "password": PASSWORD,
    "mail_code": CODE,
    "totp": FACTOR,
    "recovery_code": RECOVERY,
}


async def admit(limits: AttemptLimits, uow: UnitOfWork, attempt: Attempt, proof: Proof, whose: str | UUID) -> None:
    """Count one attempt to sign in with such a proof, at the account with this address or this id. Raises
    `TooManyAttempts`; the first time in a day that the account's own limits refuse, it is published.

    Whether anybody has the address changes neither the answer nor the work.
    """
    account = str(whose)
    try:
        await limits.admit(LIMITS[proof], ip=attempt.ip, account=account)
    except TooManyAttempts as refused:
        if "account" in refused.limit.by and await limits.count(PAUSED, account=f"{proof} {account}"):
            async with uow(SYSTEM) as db:
                await _tell(db, attempt, proof, whose, math.ceil((refused.retry_after or 0) / 60))
        raise


async def _tell(db: Db, attempt: Attempt, proof: Proof, whose: str | UUID, minutes: int) -> None:
    account = await _account_of(db, whose)
    nobody = Actor(session_id=attempt.id, ip=attempt.ip)
    event = FailedSignInsPaused(
        reason=proof,
        known=account.person_id is not None,
        minutes=minutes,
        name=account.name,
        ip=attempt.ip,
        at=now(),
    )
    await outbox.append(db, nobody, event, client_id=account.client_id, aggregate_id=account.person_id or attempt.id)


async def _account_of(db: Db, whose: str | UUID) -> Account:
    if isinstance(whose, str):
        return await queries.find_account(await driver(db), whose)
    person = await db.get_one(Person, whose)
    return Account(person.id, person.client_id, name=person.name)
