"""Types of text in requests, each with its limits."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.addresses import asked_address, kept_address
from shared.texts import ANY_LINE, EMPTY_OR_LINE, LINE, TEXT

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
"""One line with something to read on it."""

PartOfName = Annotated[str, Meta(max_length=100, pattern=EMPTY_OR_LINE)]
"""A first or a last name. Of somebody who has one name only the other part is empty (`people.models.require_named`)."""

ShortText = Annotated[str, Meta(max_length=100, pattern=ANY_LINE)]
"""One line that may be empty."""

Language = Literal["en", "de"]
"""The languages the portal writes to people in."""

_ATOM = r'[^@\s\x00-\x1f\x7f"(),:;<>\[\\\]]'
Email = Annotated[str, Meta(max_length=254, pattern=rf"^{_ATOM}{{1,64}}@{_ATOM}+$(?!\n)")]
"""An address as people have it; quoted local parts (RFC 5321) are not taken. Stands in an `Addressed` or `LookedUp`
request only.
"""

Password = Annotated[str, Meta(min_length=12, max_length=200, pattern=TEXT)]
"""A new password. Length is what counts (NIST SP 800-63B, 3.1.1.2)."""


class Addressed(Struct):
    """A request that writes an `email`, in the one spelling that is kept and compared (`shared.addresses`)."""

    def __post_init__(self) -> None:
        email = getattr(self, "email", None)
        if isinstance(email, str):
            self.email = kept_address(email)


class LookedUp(Struct):
    """A request that only asks whose an `email` is. It takes all that was ever kept: who has one signs in with it."""

    def __post_init__(self) -> None:
        email = getattr(self, "email", None)
        if isinstance(email, str):
            self.email = asked_address(email)
