"""A portal that gets hurt, for all tests of faults, and people who go on using it meanwhile."""

from collections.abc import Iterator

import pytest

from tests.conftest import NewPortal
from tests.portal_stack import Portal

BRISK = {"shared.background:SETTLED_SECONDS": 0.5, "ops.stack.supervisor:CALM_SECONDS": 1}
"""How long after the last fault a service is called well, and a process is started again at once: a test that has many
faults one after the other would wait for that most of its time.
"""


@pytest.fixture(scope="module")
def victim(new_portal: NewPortal) -> Iterator[Portal]:
    """A portal of its own."""
    with new_portal("faults", **BRISK) as portal:
        yield portal
