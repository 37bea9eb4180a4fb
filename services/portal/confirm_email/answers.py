"""What identity answers about a change of address."""

from typing import Literal

import msgspec


class AddressConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A change of address, confirmed by one of the two; `waiting_for` is the other."""

    done: bool
    waiting_for: Literal["old", "new"] | None = None
