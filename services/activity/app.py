"""The activity service's composition root: feed, live stream, audit log and figures, all fed by events."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

from litestar import Litestar
from litestar.datastructures import State

from services.activity.audit.api import router as audit
from services.activity.consumers import consumer
from services.activity.feed.api import router as feed
from services.activity.feed.hub import Hub
from services.activity.kept import Kept, Remembered
from services.activity.kpis.api import router as kpis
from services.activity.kpis.cache import KpiCache
from services.activity.kpis.definitions import load
from services.activity.overview.api import router as overview
from services.activity.recordings.api import router as recordings
from services.activity.settings import ActivitySettings
from shared.http import create_service

KPIS = Path(__file__).parent / "kpis" / "kpis.toml"
EXAMPLES = Path(__file__).with_name("examples.toml")


def create_app(settings: ActivitySettings) -> Litestar:
    """The service, ready to be served."""
    kept = Kept(settings.redis_url)

    return create_service(
        "activity",
        settings,
        routers=[feed, audit, recordings, kpis, overview],
        consumers=[consumer()],
        lifespan=[_follow_feed],
        examples=EXAMPLES,
        state=State(
            {"settings": settings, "kept": kept, "kpis": KpiCache(kept, load(KPIS)), "overviews": Remembered()}
        ),
    )


@asynccontextmanager
async def _follow_feed(app: Litestar) -> AsyncGenerator[None]:
    hub = app.state.hub = Hub(app.state.database)
    async with app.state.background.keep("stream", hub.run, well=lambda: hub.works):
        with _told_of_shutdown(hub.drain):
            yield
        hub.drain()
    await app.state.kept.close()


@contextmanager
def _told_of_shutdown(drain: Callable[[], None]) -> Generator[None]:
    """Call `drain` on the signal itself: the server tells the application only when the last stream has closed."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def on_signal(number: int, _at: FrameType | None) -> None:
        loop.call_soon_threadsafe(drain)
        signal.signal(number, before[signal.Signals(number)])
        signal.raise_signal(number)

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
