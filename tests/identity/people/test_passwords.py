"""Hashing passwords: what is stored, and that a wave of sign-ins is bounded."""

import asyncio
from collections.abc import Iterator

import pytest

from ops.keys import as_text, new_claims_key, new_secrets_key
from services.identity.app import create_app
from services.identity.people.passwords import OWASP_MEMORY, CallerGone, Passwords, TooManyWrong
from services.identity.settings import IdentitySettings
from shared.config import SettingsError
from tests.identity.rig import hashes_done

RIGHT = "correct horse battery staple"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(threads=1, queue=2)
    yield made
    made.close()


async def test_a_hash_matches_its_password_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse battery staple")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, "correct horse battery staple")
    assert not await passwords.matches(stored, "correct horse battery stapler")


async def test_nobodys_password_is_never_right(passwords: Passwords) -> None:
    assert not await passwords.matches(None, "nobody has this password")
    assert not await passwords.matches("", "nobody has this password")
    assert not await passwords.matches("not a hash", "x")


async def test_both_ways_to_write_an_umlaut_are_the_same_password(passwords: Passwords) -> None:
    assert await passwords.matches(await passwords.hash("Gr\u00fc\u00dfe aus Berlin"), "Gru\u0308\u00dfe aus Berlin")


async def test_more_than_can_wait_is_refused(passwords: Passwords) -> None:
    answers = await asyncio.gather(*(passwords.matches(None, "x") for _ in range(10)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(TooManyWrong) == 7
    assert answers.count(False) == 3
    assert not await passwords.matches(None, "x")


async def test_who_goes_away_makes_room(passwords: Passwords) -> None:
    waiting = [asyncio.create_task(passwords.matches(None, "x")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert not await passwords.matches(None, "x")


async def test_nobodys_passwords_hold_up_no_right_one() -> None:
    """Not in their line, nor where that is full."""
    passwords = Passwords(threads=1, queue=30)
    stored = await passwords.hash(RIGHT)
    wave = [asyncio.create_task(passwords.matches(None, "x")) for _ in range(40)]
    await asyncio.sleep(0)
    assert await passwords.matches(stored, RIGHT)
    assert sum(task.done() and not task.exception() for task in wave) <= 2
    wave += [asyncio.create_task(passwords.matches(None, "x")) for _ in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWrong):
        await passwords.matches(stored, "wrong")
    answers = await asyncio.gather(*wave, return_exceptions=True)
    assert answers.count(False) < 40 < len(answers)
    passwords.close()


async def test_a_wrong_password_is_told_in_the_order_of_nobodys(passwords: Passwords) -> None:
    """Else a wave would show who has an account: their wrong passwords would be told at once."""
    passwords = Passwords(threads=1, queue=30)
    stored = await passwords.hash(RIGHT)
    told: list[str] = []

    async def ask(who: str, password_hash: str | None) -> None:
        assert not await passwords.matches(password_hash, "wrong")
        told.append(who)

    line = [("nobody", None)] * 5 + [("known", stored)] + [("nobody", None)] * 5
    await asyncio.gather(*(ask(*each) for each in line))
    assert told.index("known") >= 5  # not before those who came before; how long after is a matter of time
    passwords.close()


async def test_work_for_a_caller_who_left_is_not_done(passwords: Passwords) -> None:
    stored, left = await passwords.hash(RIGHT), asyncio.Event()
    busy = [asyncio.create_task(passwords.matches(stored, RIGHT)) for _ in range(2)]
    await asyncio.sleep(0)
    before = hashes_done()
    gone = [asyncio.create_task(passwords.asked_by(left.wait).matches(each, RIGHT)) for each in (stored, None)]
    await asyncio.sleep(0)
    left.set()
    answers = await asyncio.gather(*gone, return_exceptions=True)
    assert [type(answer) for answer in answers] == [CallerGone, CallerGone]
    assert await passwords.matches(stored, RIGHT)
    assert await asyncio.gather(*busy) == [True, True]
    assert hashes_done() - before == 3


@pytest.mark.parametrize("env", ["production", "compose", "external"])
def test_only_the_embedded_stack_takes_a_hash_that_is_quickly_guessed(env: str) -> None:
    less = {"env": env, "password_memory": OWASP_MEMORY - 1}
    known = {"database_url": "postgresql://x@127.0.0.1:1/x", "nats_url": "nats://127.0.0.1:1", "smtp_url": "smtp://x"}
    keys = {
        "redis_url": "redis://127.0.0.1:1",
        "secrets_key": new_secrets_key(),
        "orders_key": new_secrets_key(),
        "token_key": as_text(new_claims_key()),
    }
    with pytest.raises(SettingsError, match="PORTAL_PASSWORD_MEMORY"):
        create_app(IdentitySettings(**known, **keys, **less))
