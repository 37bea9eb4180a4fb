"""Events of notifications: whose bell changed."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.contracts.notifications import BellChanged
from shared.events import RawEvent


def rung(event: RawEvent) -> Sequence[UUID]:
    """The people whose open pages are notified. Raises `msgspec.ValidationError` as `fold` does."""
    return msgspec.json.decode(event.data, type=BellChanged).people if event.type == BellChanged.type else []
