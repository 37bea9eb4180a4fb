"""In which order the files of tests are played, and what ends between two of them."""

import gc
import os
from collections import defaultdict
from collections.abc import Container, Generator, Iterable
from pathlib import Path

import pytest

from ops.serve import COLLECT_AFTER
from tests.fast import SERVERS, STACKS

MEANWHILE = 3
"""Files of each other worker until the portal is there that all copy."""
_USED = pytest.StashKey[dict[Path, frozenset[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Workers take files in the order in which they were collected, not those first that hold the most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that start more come first: at the end no worker plays a long one alone. Those that share a portal follow
    each other, and so do the services' by folder, whose fixtures live on from one file to the next. While one worker
    makes the portal that the others copy, each of them plays files that need none.

    Those with a server of their own wait more than they work (the gateway's): they are spread among the others, so that
    the workers do not wait all at once.
    """
    used = config.stash[_USED] = fixtures_of(items)
    in_turn = sorted(used, key=lambda path: turn(used[path]))
    whole = [path for path in in_turn if turn(used[path]) < 2]
    parts = [path for path in in_turn if turn(used[path]) == 2]
    waiting = [path for path in parts if used[path] & SERVERS and "servers" not in used[path]]
    working = [path for path in parts if path not in waiting]
    others = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1
    meanwhile = [path for path in working if used[path] & SERVERS][::-1][: MEANWHILE * others]
    later = [path for path in working if path not in meanwhile]
    rest = [path for path in in_turn if turn(used[path]) > 2]
    order = [*whole[:1], *meanwhile, *whole[1:], *spread(waiting, later, shared_folders(items)), *rest]
    place = {path: number for number, path in enumerate(order)}
    items.sort(key=lambda item: place[item.path])


def spread(some: list[Path], files: list[Path], shared: Container[Path]) -> list[Path]:
    """`some`, far from each other among `files`, and not between two of a folder that shares fixtures."""
    places = [number for number, path in enumerate(files) if not any(map(shared.__contains__, path.parents))]
    places.append(len(files))
    before = defaultdict[int, list[Path]](list)
    for number, path in enumerate(some):
        before[places[number * len(places) // len(some)]].append(path)
    return [path for number in range(len(files) + 1) for path in (*before[number], *files[number : number + 1])]


def shared_folders(items: Iterable[pytest.Item]) -> set[Path]:
    """Folders with fixtures that end with the last of their files."""
    defined = (each for item in items for known in item._fixtureinfo.name2fixturedefs.values() for each in known)
    return {each.node.path for each in defined if each.scope == "package"}


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
