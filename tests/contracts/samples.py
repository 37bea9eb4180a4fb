"""One event of each kind, as it was once published: what its golden file has."""

from typing import Any

import msgspec

from shared.events import EventData
from tests.contracts.schemas import HERE


def sample(kind: type[EventData]) -> EventData:
    """The data of this kind's golden file."""
    data: dict[str, Any] = msgspec.json.decode((HERE / "golden" / f"{kind.subject}.json").read_bytes())["data"]
    return msgspec.convert(data, kind)
