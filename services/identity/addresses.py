"""Addresses that were kept when less was refused (decision 0106), and are mailed to where that is safe."""

import re

from shared.addresses import asked_address, kept_address


def mailed_address(kept: str) -> str:
    """An address that is read on its way as it is written. A route (`%`, `!`) is: its own server decides where it ends.

    Raises `NotAnAddress` for whatever else `kept_address` refuses.
    """
    address = asked_address(kept)
    kept_address(re.sub("[%!]", "_", address))
    return address
