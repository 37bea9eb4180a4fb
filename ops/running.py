"""Which portal a command means: the one the environment describes, else the embedded stack of this checkout."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from ops.databases import plain_url, runtime_url
from ops.stack.addresses import ADMIN_VARIABLE
from ops.stack.command import folder
from ops.stack.errors import StackError
from ops.stack.secrets import load_passwords
from ops.stack.state import State


def setting(name: str) -> str:
    """A variable's value, the content of the file that `<name>_FILE` names, or what the running stack would say.

    Raises `StackError` when nobody knows it.
    """
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    if value := os.environ.get(name) or _embedded().get(name):
        return value
    raise StackError(f"{name} is not set and no embedded stack runs here.", "Set it, or `make up` first.")


def database_url(service: str) -> str:
    """A service's own address of its database. Raises `StackError`."""
    return runtime_url(setting(ADMIN_VARIABLE), service, setting(password_variable(service)))


@asynccontextmanager
async def database_of(service: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection of the database's administrator whose path is the service's schema. Raises `StackError`."""
    url = plain_url(setting(ADMIN_VARIABLE))
    connection = await asyncpg.connect(url, server_settings={"search_path": service})
    try:
        yield connection
    finally:
        await connection.close()


def audit_heads() -> Path:
    """The file that keeps the ends of the audit log's chains, outside the database. Raises `StackError`."""
    if path := os.environ.get("PORTAL_AUDIT_HEADS"):
        return Path(path)
    if _embedded():
        return State(folder()).audit_heads
    raise StackError(
        "PORTAL_AUDIT_HEADS is not set and no embedded stack runs here.", "Set it, or name `--heads FILE`."
    )


def password_variable(service: str) -> str:
    """The variable with the password of a service's runtime role."""
    return f"PORTAL_DATABASE_PASSWORD_{service.upper()}"


def _embedded() -> dict[str, str]:
    state = State(folder())
    run = state.read_run()
    if run is None:
        return {}
    passwords = load_passwords(state.passwords, []).services
    own = {password_variable(service): password for service, password in passwords.items()}
    return {"PORTAL_PUBLIC_URL": run.gateway, **run.addresses, **own}
