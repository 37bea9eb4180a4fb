"""What identity answers about a proof of who somebody is."""

from datetime import datetime

import msgspec


class StepUp(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the person authenticated recently, and the methods they can use now (`GET auth/step-up`)."""

    fresh: bool
    methods: list[str] = []
    fresh_until: datetime | None = None
