"""The notifications service, put together: who is notified of what happens in the other services."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar
from litestar.di import Provide

from services.notifications.bell.api import router as bell
from services.notifications.bell.commands import forget
from services.notifications.choices.api import router as choices
from services.notifications.consumers import consumer
from services.notifications.reminders.commands import DEEDS
from services.notifications.settings import NotificationsSettings
from services.notifications.webhooks.api import router as webhooks
from services.notifications.webhooks.consumer import consumer as webhooks_consumer
from services.notifications.webhooks.outgoing import Outgoing
from services.notifications.webhooks.sender import Sender
from shared.actor import SYSTEM
from shared.database import Database
from shared.http import create_service
from shared.sealing import Sealer

EXAMPLES = Path(__file__).with_name("examples.toml")
FORGET_SECONDS = 3600.0


def create_app(settings: NotificationsSettings) -> Litestar:
    """Everything this service is."""
    sealer = Sealer(settings.secrets_key)
    outgoing = Outgoing(private=settings.private_webhooks)

    @asynccontextmanager
    async def send_webhooks(app: Litestar) -> AsyncGenerator[None]:
        sender = Sender(sealer, outgoing)
        send = partial(sender.run, app.state.database)
        async with app.state.background.keep("webhooks", send, finish=sender.stop):
            yield
        await outgoing.close()

    return create_service(
        "notifications",
        settings,
        routers=[bell, choices, webhooks],
        consumers=[consumer(), webhooks_consumer()],
        deeds=DEEDS,
        lifespan=[_background, send_webhooks],
        examples=EXAMPLES,
        dependencies={
            "sealer": Provide(lambda: sealer, sync_to_thread=False),
            "outgoing": Provide(lambda: outgoing, sync_to_thread=False),
        },
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
