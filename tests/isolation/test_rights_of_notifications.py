"""What each role gets on each route of notifications."""

import pytest

from tests.isolation.matrix import RIGHTS, Matrix
from tests.isolation.routes import Right

OWN = [right for right in RIGHTS if right.service == "notifications"]


@pytest.mark.parametrize("right", OWN, ids=lambda right: right.name)
def test_each_role_gets_what_is_declared(matrix: Matrix, right: Right) -> None:
    assert matrix.wrong_with(right) == {}
