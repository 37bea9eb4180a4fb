"""What activity answers about key figures."""

from datetime import datetime
from typing import Literal

import msgspec


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its comparison; `value` is None when it could not be computed."""

    key: str
    label: str
    format: str
    value: float | str | None = None
    previous: float | str | None = None
    change: float | str | None = None
    direction: Literal["up", "down", "flat"] | None = None
    good: bool | None = None
    comparison_label: str | None = None
    href: str | None = None


class Kpis(msgspec.Struct, frozen=True):
    items: list[Kpi]
    computed_at: datetime | None = None
