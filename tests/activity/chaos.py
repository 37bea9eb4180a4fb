"""Everything that can die, dying; and a browser that sees it through."""

import asyncio
import random

import aiohttp

from ops.stack.backing import Backing
from tests.activity.build import ANNA
from tests.activity.process import Part, Service
from tests.activity.sse import Browser


class Follower:
    """A browser that reconnects for ever, and remembers every entry it was shown."""

    def __init__(self, browser: Browser) -> None:
        self.shown: list[str] = []
        self._browser = browser
        self._last_id: str | None = None

    async def run(self) -> None:
        while True:
            try:
                async with self._browser.open(ANNA, last_id=self._last_id) as source:
                    if source.response.status == 200:
                        await source.read_block() if self._last_id is None else None
                        while True:
                            self._last_id = source.last_id
                            message = await source.next()
                            assert message.event != "reset"
                            self.shown.append(message.data["id"])
                            self._last_id = source.last_id
            except (aiohttp.ClientError, EOFError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)


async def kill_everything(rng: random.Random, servers: Backing, activity: Service, relays: list[Part]) -> None:
    """Three deaths each, in random order; what died comes back after a moment."""
    victims = [victim for victim in ("broker", "relay", "consumer") for _ in range(3)]
    rng.shuffle(victims)
    for victim in victims:
        await asyncio.sleep(rng.random() * 0.5)
        if victim == "broker":
            servers.kill("nats")
            await asyncio.sleep(rng.random() * 0.5)
            servers.start("nats")
        elif victim == "relay":
            chosen = rng.choice(relays)
            chosen.kill()
            chosen.start()
        else:
            activity.kill()
            await activity.begin()
