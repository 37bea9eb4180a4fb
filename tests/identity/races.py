"""What a race over something that works once must end in."""

from collections.abc import Sequence

import httpx2


def one_of_all(answers: Sequence[httpx2.Response], good: int, refused: int) -> None:
    """Exactly one succeeded. A busy machine may turn some away unheard (503); nobody else got anything."""
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(good) == 1, statuses
    assert set(statuses) <= {good, refused, 503}
