"""A portal that gets hurt, for all tests of faults, and people who go on using it meanwhile."""

from collections.abc import Iterator

import pytest

from tests.portal_stack import Portal, running_portal


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal of its own."""
    with running_portal(tmp_path_factory.mktemp("faults") / "data") as portal:
        yield portal
