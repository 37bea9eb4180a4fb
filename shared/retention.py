"""The stream holds what somebody still has to fold, and an hour more (docs/decisions/0083)."""

import asyncio
from collections import deque

from nats.aio.client import Client
from nats.js.api import ConsumerInfo

from shared.broker import EVERYTHING, STREAM, release, released
from shared.inbox import folded_by

KEEP_LOOKS = 60
"""What was folded so many looks ago may go: for a database that loses its last commits the fold goes back a little."""


class Retention:
    """Removes from one stream what every durable consumer has folded. Any number may run at once."""

    def __init__(self) -> None:
        self._folded: deque[int] = deque(maxlen=KEEP_LOOKS)

    async def run(self, client: Client) -> None:
        """Look once a minute."""
        while True:
            await self.look(client)
            await asyncio.sleep(60)

    async def look(self, client: Client) -> None:
        """Note how far everybody is, and remove what everybody had folded when it was noted first."""
        jetstream = client.jetstream(timeout=5)
        stream = await jetstream.stream_info(STREAM)
        last = stream.state.last_seq
        durables: list[ConsumerInfo] = []
        while page := await jetstream.consumers_info(STREAM, offset=len(durables)):
            durables += page
        hears_all = [each.config.filter_subject == EVERYTHING for each in durables]
        self._folded.append(min(folded_by(each, last) for each in durables) if any(hears_all) else 0)
        if len(self._folded) == KEEP_LOOKS and (folded := min(self._folded)) > released(stream):
            await release(jetstream, stream, folded)
