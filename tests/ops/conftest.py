"""Embedded stacks, each on a data folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ops.embedded import Stack


@pytest.fixture(scope="session")
def new_stack(repository: Path):
    """Makes a `Stack` on a folder; whatever still runs at the end of the block is ended."""

    @contextmanager
    def make(folder: Path, **environ: str) -> Iterator[Stack]:
        stack = Stack(folder, repository, **environ)
        try:
            yield stack
        finally:
            stack.command("down")

    return make


@pytest.fixture(scope="module")
def stack(new_stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One that the tests of a module share, in their order, in a folder that other accounts cannot enter; it begins where
    a crash during initdb left off.
    """
    folder = tmp_path_factory.mktemp("stack") / "data"
    folder.parent.chmod(0o700)
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with new_stack(folder) as stack:
        stack.up()
        yield stack
