"""`portal create-admin`: one administrator, by whoever holds the installation's secrets."""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import PASSWORD, Cluster


class Installation:
    """A migrated identity, and the command as an operator types it."""

    def __init__(self, url: str, admin_url: str, repository: Path) -> None:
        self.url = url
        self._repository = repository
        self._environ = os.environ | {
            "PORTAL_DATABASE_ADMIN_URL": admin_url,
            "PORTAL_DATABASE_PASSWORD_IDENTITY": PASSWORD,
        }

    async def create_admin(self, email: str, password: str) -> tuple[int, str]:
        """Exit code, and everything that was said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ops", "create-admin", email, "Clara", "Hoffmann"),
            cwd=self._repository,
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(f"{password}\n".encode())
        return process.returncode or 0, said.decode()

    async def people(self) -> list[str]:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute("set local role identity_staff")
                return [row["email"] for row in await connection.fetch("select email from people")]
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def installation(cluster: Cluster, repository: Path) -> Installation:
    url = await cluster.create("identity")
    return Installation(url, cluster.admin_of(url), repository)


@pytest.mark.parametrize(
    ("email", "password", "why"),
    [("clara@northwind.example", "short", "length >= 12"), ("clara", "long-enough-for-this", "`$.email`")],
)
async def test_what_is_not_right_creates_nobody(
    installation: Installation, email: str, password: str, why: str
) -> None:
    code, said = await installation.create_admin(email, password)
    assert code == 1
    assert why in said
    assert "Nobody was created." in said
    assert password not in said
    assert await installation.people() == []


async def test_there_is_one_first_administrator(installation: Installation) -> None:
    assert await installation.create_admin("clara@northwind.example", "long-enough-for-this") == (
        0,
        "clara@northwind.example can sign in and has every permission.\n",
    )
    code, said = await installation.create_admin("second@northwind.example", "long-enough-for-this")
    assert code == 1
    assert "There is an administrator already." in said
    assert await installation.people() == ["clara@northwind.example"]
