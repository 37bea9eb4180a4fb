"""In which order the files of tests are played, and what ends between two of them."""

import gc
import os
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from ops.serve import COLLECT_AFTER
from tests.fast import SERVERS, STACKS

_USED = pytest.StashKey[dict[Path, frozenset[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Workers take files in the order in which they were collected, not those first that hold the most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that start more come first: at the end no worker plays a long one alone. Those that share a portal follow
    each other, and so do the services' by folder, whose fixtures live on from one file to the next. While one worker
    makes the portal that the others copy, each of them plays a file that needs none.
    """
    used = config.stash[_USED] = fixtures_of(items)
    rank = {path: turn(names) for path, names in used.items()}
    others = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1
    first = [path for path in rank if rank[path] < 2]
    meanwhile = [path for path, names in used.items() if rank[path] == 2 and names & SERVERS]
    rank |= dict.fromkeys(first[:1], -2) | dict.fromkeys(meanwhile[len(meanwhile) - others :], -1)
    items.sort(key=lambda item: rank[item.path])


def fixtures_of(items: Iterable[pytest.Item]) -> dict[Path, frozenset[str]]:
    """What the tests of each file use, together."""
    used: defaultdict[Path, set[str]] = defaultdict(set)
    for item in items:
        used[item.path].update(getattr(item, "fixturenames", ()))
    return {path: frozenset(names) for path, names in used.items()}


def turn(names: frozenset[str]) -> int:
    """When a file is played that uses these fixtures."""
    if names & STACKS:
        return 0 if "portal" in names else 1
    return 2 if names & (SERVERS | {"chromium"}) else 3


def pytest_collection_finish() -> None:
    """As the services do it (`ops.serve`): what is loaded now stays. The collector would look through all of it again
    whenever a test has made as much as a quarter of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """The portal ends with the last file that uses it. Idle beside all others it would take a twentieth of a core."""
    yield
    used = item.config.stash[_USED]
    if nextitem and "portal" in used[item.path] - used[nextitem.path]:
        shared, *_ = item.session._fixturemanager.getfixturedefs("portal", item) or ()
        shared.finish(item._request)
