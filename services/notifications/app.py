"""The notifications service, put together: who is notified of what happens in the other services."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar

from services.notifications.bell.api import router as bell
from services.notifications.bell.commands import forget
from services.notifications.consumers import consumer
from services.notifications.reminders.commands import DEEDS
from services.notifications.settings import NotificationsSettings
from shared.actor import SYSTEM
from shared.database import Database
from shared.http import create_service

EXAMPLES = Path(__file__).with_name("examples.toml")
FORGET_SECONDS = 3600.0


def create_app(settings: NotificationsSettings) -> Litestar:
    """Everything this service is."""
    return create_service(
        "notifications",
        settings,
        routers=[bell],
        consumers=[consumer()],
        deeds=DEEDS,
        lifespan=[_background],
        examples=EXAMPLES,
    )


@asynccontextmanager
async def _background(app: Litestar) -> AsyncGenerator[None]:
    async with app.state.background.keep("old notifications", partial(_forget, app.state.database)):
        yield


async def _forget(database: Database) -> None:
    while True:
        more = True
        while more:
            async with database.uow(SYSTEM) as db:
                more = await forget(db)
        await asyncio.sleep(FORGET_SECONDS)
