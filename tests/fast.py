"""For `make test-fast` (`pytest -p tests.fast`): leaves out what starts servers, the whole portal or a browser."""

import pytest

STARTS_SERVERS = {"servers", "portal", "new_stack", "own", "redis", "browser", "victim"}
"""Fixtures; whoever uses one of them, also through others, is left out."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the quick ones."""
    quick = [item for item in items if not STARTS_SERVERS & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(quick)])
    items[:] = quick
