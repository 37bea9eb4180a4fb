"""Mail addresses and domains: the one form in which they are kept and compared, and the one people read."""

import re
import unicodedata

import idna

from shared.errors import Invalid
from shared.language import gettext as _
from shared.language import marked
from shared.texts import UNSEEN

_LOCAL = re.compile(r"[^\x00-\x20\x7f\"(),:;<>@\[\\\]!%]+")
"""What RFC 5321 (4.1.2) has in a dot-string, without the signs by which some servers pass mail on (`%`, `!`)."""
NO_ADDRESS = marked("This is not a mail address. Write anna@acme.example.")


class NotAnAddress(Invalid):
    code = "address.invalid"

    def __init__(self, field: str) -> None:
        super().__init__(_(NO_ADDRESS), field=field)


def kept_domain(typed: str) -> str:
    """The ASCII form of a domain (UTS 46, IDNA 2008). Raises ValueError for what is none, or is a network address."""
    domain = idna.encode(typed, uts46=True, std3_rules=True).decode().removesuffix(".")
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValueError("not a domain")
    return domain


def shown_domain(domain: str) -> str:
    """A domain as people write it, in their own script."""
    try:
        return idna.decode(domain)
    except UnicodeError:
        return domain


def asked_address(typed: str, field: str = "email") -> str:
    """The one spelling of an address: a local part in NFC and in lower case, and a domain in ASCII. Also of one that
    was kept before and would not be now: who has it is found by it.

    Raises `NotAnAddress`: too long, a domain that cannot exist, something in it that nobody sees.
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


def kept_address(typed: str, field: str = "email") -> str:
    """An address as it is kept from now on, in its one spelling (`asked_address`).

    Raises `NotAnAddress`: RFC 5321, 4.1.2 without quoted local parts, nothing in it that nobody sees, and nothing that
    a program on its way reads as another address: an encoded word (RFC 2047), a route, or the wide form of such a sign.
    """
    address = asked_address(typed, field)
    wide = unicodedata.normalize("NFKC", address.rpartition("@")[0])
    if "=?" in wide or not _LOCAL.fullmatch(wide) or not all(wide.split(".")):
        raise NotAnAddress(field)
    return address


def shown_address(address: str) -> str:
    """An address as people write it: its domain in their own script."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{shown_domain(domain)}"
