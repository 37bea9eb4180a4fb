"""For `make test-fast` (`pytest -p tests.fast`): leaves out what starts servers, the whole portal or a browser."""

import pytest

STACKS = frozenset({"new_portal", "new_stack"})
"""Fixtures that start the whole portal: whoever uses one of them also through others."""
SERVERS = frozenset({"servers", "redis", "own"})
"""And some of its servers."""
LEFT_OUT = STACKS | SERVERS | {"browser"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the quick ones."""
    quick = [item for item in items if not LEFT_OUT & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(quick)])
    items[:] = quick
