"""Field types of requests: how long a text may be, and what it may not hold; between which days a date lies."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from shared.clock import FIRST_DAY, LAST_DAY
from shared.errors import Invalid
from shared.language import gettext as _
from shared.texts import LINE, TEXT

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
ShortName = Annotated[str, Meta(min_length=1, max_length=80, pattern=LINE)]
Text = Annotated[str, Meta(max_length=2_000, pattern=TEXT)]
LongText = Annotated[str, Meta(max_length=20_000, pattern=TEXT)]
EmailAddress = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$(?!\n)")]
"""Kept in the spelling of `shared.addresses`."""
PhoneNumber = Annotated[str, Meta(min_length=3, max_length=40, pattern=r"^[0-9+()/ .-]+$(?!\n)")]
Percent = Annotated[int, Meta(ge=0, le=100)]


class Dated(Struct):
    """A request with dates. Each is within `FIRST_DAY` and `LAST_DAY`. Raises `Invalid`."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            day = getattr(self, name)
            if isinstance(day, date) and not FIRST_DAY <= day <= LAST_DAY:
                said = _("Write a date between {first} and {last}.", first=FIRST_DAY, last=LAST_DAY)
                raise Invalid(said, field=name)
