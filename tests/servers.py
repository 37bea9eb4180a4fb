"""Where the tests' servers come from, by PORTAL_TEST_STACK: the wheels (`embedded`, the default), containers
(`containers`), or servers of yours that hold nothing else (`external`, at PORTAL_DATABASE_ADMIN_URL and so on).
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ops.stack.addresses import Addresses
from ops.stack.backing import Backing, backing
from ops.stack.errors import StackError

if TYPE_CHECKING:
    from tests.containers import Containers


class External:
    """Servers that no test may end."""

    def __init__(self) -> None:
        self.addresses = Addresses.from_environment(os.environ)

    def kill(self, name: str) -> None:
        raise StackError(f"{name} is not the tests' to kill.", "Run this one on PORTAL_TEST_STACK=embedded.")


@contextmanager
def running_servers(directory: Path) -> "Generator[Backing | Containers | External]":
    """PostgreSQL, NATS, Redis and something that takes mail. Raises `StackError`."""
    match os.environ.get("PORTAL_TEST_STACK", "embedded"):
        case "embedded":
            with backing(directory) as running:
                yield running
        case "containers":
            from tests.containers import containers

            with containers() as running:
                yield running
        case "external":
            yield External()
        case other:
            raise StackError(f"PORTAL_TEST_STACK is '{other}'.", "It may be embedded, containers or external.")
