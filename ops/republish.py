"""What a service has, published again: for a projection that was lost, and for a service that is new."""

from importlib import import_module

from ops.databases import ROOT
from ops.running import database_url
from ops.stack.errors import StackError
from shared.database import Database


def services_that_publish_again() -> list[str]:
    """The services that can publish all they have."""
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/republish.py"))


async def republish(service: str) -> None:
    """Queue an event for each thing of a service. Raises `StackError` if it has none to publish."""
    if service not in services_that_publish_again():
        raise StackError(f"{service} has nothing to publish again.", f"Choose of {services_that_publish_again()}.")
    database = Database(database_url(service), pool=1)
    await database.start()
    told = 0
    try:
        async for count in import_module(f"services.{service}.republish").republish(database):
            told += count
    finally:
        await database.stop()
    print(f"{told} published again")
