"""Addresses that were kept when less was refused (decision 0106): looked up, and mailed to where that is safe."""

import re
import unicodedata

from shared.addresses import NotAnAddress, kept_address, kept_domain
from shared.texts import UNSEEN


def asked_address(typed: str, field: str = "email") -> str:
    """The spelling in which `kept_address` keeps an address, also of one that it would no longer take.

    Raises `NotAnAddress` for what never could be kept: too long, a domain that cannot exist, something nobody sees.
    """
    local, _, domain = typed.rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    try:
        address = f"{local}@{kept_domain(domain)}"
    except ValueError as error:
        raise NotAnAddress(field) from error
    hidden = re.search(f"[{UNSEEN}]", local) or any(unicodedata.category(each)[0] in "CZ" for each in local)
    if hidden or not all(local.split(".")) or len(local.encode()) > 64 or len(address.encode()) > 254:
        raise NotAnAddress(field)
    return address


def mailed_address(kept: str) -> str:
    """An address that is read on its way as it is written. A route (`%`, `!`) is: its own server decides where it ends.

    Raises `NotAnAddress` for whatever else `kept_address` refuses.
    """
    address = asked_address(kept)
    kept_address(re.sub("[%!]", "_", address))
    return address
