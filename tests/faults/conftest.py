"""A portal that gets hurt, for all tests of faults, and people who go on using it meanwhile."""

from collections.abc import Iterator

import pytest

from tests.conftest import NewPortal
from tests.portal_stack import Portal


@pytest.fixture(scope="module")
def victim(new_portal: NewPortal) -> Iterator[Portal]:
    """A portal of its own."""
    with new_portal("faults") as portal:
        yield portal
