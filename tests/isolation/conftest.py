"""The ids that routes are asked with, and who asks."""

from collections.abc import Iterator

import pytest

from tests.isolation.matrix import Matrix
from tests.portal_stack import Portal


@pytest.fixture(scope="session")
def matrix(portal: Portal) -> Iterator[Matrix]:
    matrix = Matrix(portal)
    yield matrix
    matrix.close()


@pytest.fixture(scope="session")
def ids(matrix: Matrix) -> dict[str, str]:
    """Acme's."""
    return matrix.ids
