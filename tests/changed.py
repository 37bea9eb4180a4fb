"""For `make test-changed` (`pytest -p tests.changed`): the test files that a change since main can reach.

Derived from who imports whom. What is not Python belongs to the modules beside it, or above it. A test imports each
`conftest.py` above it. What starts the whole portal imports none of it, and is left to `make test`.
"""

import ast
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tests.fast import STACKS

ROOT = Path(__file__).parent.parent
SOURCES = ("services", "gateway", "shared", "ops", "tests")
ALWAYS = ("tests/architecture", "tests/contracts")
"""What looks at every file, in seconds."""


def changed() -> Iterator[Path]:
    """The files that differ from where this branch left main, new ones among them."""
    git = ["git", "-C", str(ROOT)]
    base = subprocess.run([*git, "merge-base", "HEAD", "origin/main"], capture_output=True, text=True, check=True)
    for words in (["diff", "--name-only", base.stdout.strip()], ["ls-files", "--others", "--exclude-standard"]):
        told = subprocess.run([*git, *words], capture_output=True, text=True, check=True)
        yield from (ROOT / name for name in told.stdout.splitlines())


def imported(path: Path) -> Iterator[Path]:
    """The files of ours that a module imports; a test also what is above it."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found = [module, *(f"{module}.{each.name}" for each in names)]
            case ast.Import(names=names):
                found = [each.name for each in names]
            case _:
                continue
        for name in found:
            at = ROOT / name.replace(".", "/")
            yield from (each for each in (at.with_suffix(".py"), at / "__init__.py") if each.exists())
    if path.name != "conftest.py" and path.is_relative_to(ROOT / "tests"):
        yield from (above / "conftest.py" for above in path.parents if (above / "conftest.py").exists())


def modules_of(path: Path) -> Iterable[Path]:
    """The file itself, or the modules nearest to one that is no module."""
    if path.suffix == ".py":
        return [path]
    above = next((each for each in path.parents if any(each.glob("*.py"))), None)
    return above.glob("*.py") if above else []


@cache
def reached() -> frozenset[Path]:
    """Every module that a change can reach."""
    importers: defaultdict[Path, set[Path]] = defaultdict(set)
    for path in chain.from_iterable((ROOT / name).rglob("*.py") for name in SOURCES):
        for each in imported(path):
            importers[each].add(path)
    waiting, found = list(chain.from_iterable(map(modules_of, changed()))), set[Path]()
    while waiting:
        if (path := waiting.pop()) not in found:
            found.add(path)
            waiting += importers[path]
    return frozenset(found)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files that no change reaches."""
    always = any(collection_path.is_relative_to(ROOT / each) for each in ALWAYS)
    if collection_path.is_file() and not always and collection_path not in reached():
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what starts the whole portal."""
    whole = [item for item in items if STACKS & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=whole)
    items[:] = [item for item in items if item not in set(whole)]
