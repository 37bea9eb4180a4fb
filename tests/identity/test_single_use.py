"""A2: of any number who use the same thing at once, one succeeds; and nobody after. `make bench-security` has the full
counts.
"""

import asyncio

import pytest

from services.identity.single_use import SINGLE_USE
from tests.identity.rig import Identity
from tests.identity.single_use import MAKERS

AT_ONCE = 10


def test_there_is_a_race_for_everything_that_works_once() -> None:
    """What registers itself and has no race fails here."""
    assert set(MAKERS) == SINGLE_USE


@pytest.mark.parametrize("name", MAKERS)
async def test_of_many_at_once_one_succeeds(identity: Identity, name: str) -> None:
    async with MAKERS[name](identity) as once:
        answers = await asyncio.gather(*(once() for _ in range(AT_ONCE)))
        assert len([answer for answer in answers if answer.status_code < 300]) == 1, [a.status_code for a in answers]
        assert {answer.status_code for answer in answers if answer.status_code >= 300} <= {401, 409, 422, 429}
        assert (await once()).status_code >= 400
