"""Hashing passwords: what is stored, and that a wave of sign-ins is bounded."""

import asyncio
from collections.abc import Iterator

import pytest

from services.identity.people.passwords import Passwords, TooBusy


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


async def test_more_than_can_wait_is_refused_at_once(passwords: Passwords) -> None:
    answers = await asyncio.gather(*(passwords.matches(None, "x") for _ in range(10)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(TooBusy) == 7
    assert answers.count(False) == 3
    assert not await passwords.matches(None, "x")


async def test_who_goes_away_makes_room(passwords: Passwords) -> None:
    waiting = [asyncio.create_task(passwords.matches(None, "x")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert not await passwords.matches(None, "x")
