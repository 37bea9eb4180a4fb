"""What is said on a live stream: an entry of the feed, or a signal without one."""

from uuid import UUID

import asyncpg
import msgspec

from services.activity.reach import Reach
from shared.contracts.entries.view import view
from shared.contracts.notifications import BellChanged
from shared.contracts.summary import Readers
from shared.language import speaking

CHANGED = b"event: changed\ndata: {}\n\n"
"""The reader sees more or less than before, and loads everything again. It has no id because it is no entry."""
RUNG = f"event: {BellChanged.type}\ndata: {{}}\n\n".encode()
"""The reader's bell changed. It has no id either."""


class Frame(msgspec.Struct, frozen=True):
    """One entry, encoded for the wire once a language: as who acts within the client reads it, and where that is
    something else, as who sees behind it does.

    `turns`: with it the client sees more or less than before. `readers`: it is for these of the client's people only.
    """

    entry: asyncpg.Record
    position: int
    project_id: UUID | None
    private: bool
    turns: bool = False
    readers: Readers | None = None
    encoded: dict[tuple[bool, str], bytes] = {}

    def read_by(self, reach: Reach, language: str) -> bytes:
        """What is sent to who reads that much, in this language."""
        read_as = bool(reach.behind and self.entry["hides"]), language
        if read_as not in self.encoded:
            self.encoded[read_as] = _encoded(self.entry, *read_as)
        return self.encoded[read_as]


def frame(entry: asyncpg.Record, readers: str | None = None) -> Frame:
    """An entry, to be encoded for its readers. `readers` are those of what it is about, as JSON."""
    only = msgspec.json.decode(readers, type=Readers) if readers else None
    return Frame(entry, entry["position"], entry["project_id"], entry["private"], entry["turns"] or False, only)


def _encoded(entry: asyncpg.Record, behind: bool, language: str) -> bytes:
    """An event of a stream (WHATWG HTML, 9.2.5). JSON has no line breaks."""
    head = f"id: {entry['position']}\nevent: {entry['type']}\ndata: ".encode()
    with speaking(language):
        return head + msgspec.json.encode(view(entry, behind=behind)) + b"\n\n"
