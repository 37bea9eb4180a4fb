"""Field types of requests: how long a text may be, and what it may not hold."""

from typing import Annotated

from msgspec import Meta

LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)"
"""One line with something to see in it: no control characters, not only blanks, no newline that `$` would let pass."""

TEXT = r"^[^\x00]*$"
"""Anything that PostgreSQL can store."""

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
ShortName = Annotated[str, Meta(min_length=1, max_length=80, pattern=LINE)]
Text = Annotated[str, Meta(max_length=2_000, pattern=TEXT)]
LongText = Annotated[str, Meta(max_length=20_000, pattern=TEXT)]
EmailAddress = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$(?!\n)")]
PhoneNumber = Annotated[str, Meta(min_length=3, max_length=40, pattern=r"^[0-9+()/ .-]+$(?!\n)")]
Percent = Annotated[int, Meta(ge=0, le=100)]
