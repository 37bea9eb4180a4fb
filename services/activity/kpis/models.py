"""What is known of clients themselves; what is known of their things is in the overview."""

from datetime import datetime
from uuid import UUID

import msgspec


class ClientFact(msgspec.Struct, frozen=True, kw_only=True):
    """Something became known of a client, its `name`, whether it is `active`, a thing or an entry: answers kept about
    it are outdated.
    """

    client_id: UUID
    at: datetime
    name: str = ""
    active: bool | None = None
