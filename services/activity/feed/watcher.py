"""The stream of all clients, for staff: that something happened, and not what."""

import asyncio
import time
from contextlib import suppress

from services.activity.feed.frames import CHANGED, Frame
from services.activity.feed.hub import Reader
from shared.actor import Actor

EVERY_SECONDS = 5.0
"""However much happens at all clients together, an open page looks again no more often."""


class Watcher(Reader):
    """Hears that something happened which its reader may see, at most every few seconds. What it was, the page asks:
    nothing of any client is on this stream. It begins with what happened just before, while its page was on the way.
    """

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor, None)
        self._over = asyncio.Event()
        self._again_at = 0.0

    def offer(self, entry: Frame) -> None:
        """Remember that there was something."""
        seen = self.reach.reaches(entry.project_id, private=entry.private, readers=entry.readers)
        if seen and not self.ending and all(text is not CHANGED for _, text in self._waiting):
            self._waiting.append((entry.position, CHANGED))
            self._stirred.set()

    def end(self, reason: str) -> None:
        super().end(reason)
        self._over.set()

    async def take(self, seconds: float) -> bytes:
        """Wait as `Reader` does, but for so long after the last time in any case."""
        pause = self._again_at - time.monotonic()
        if pause > 0:
            await self._wait_for_end(min(pause, seconds))
            if pause >= seconds:
                return b""
            seconds -= pause
        text = await super().take(seconds)
        if text:
            self._again_at = time.monotonic() + EVERY_SECONDS
        return text

    async def _wait_for_end(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
