"""Where a person may be sent after something they did."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from services.portal.ids import read_id
from shared.texts import is_path

LONGEST = 2000


def local_path(value: str | None, default: str = "/") -> str:
    """`value` if it is a path of this portal to go on to, else `default`: never the way back to the sign-in."""
    path = own_path(value, default)
    return default if urlsplit(path).path.startswith("/sign-in") else path


def own_path(value: str | None, default: str = "/") -> str:
    """`value` if it is a path of this portal, else `default`: signing in must never lead to somebody else's site."""
    return value if value and len(value) <= LONGEST and is_path(value) else default


def organisation_in(address: str) -> UUID | None:
    """The organisation that a link says it is of, as links in mails do (`?organisation=`); None where it says none."""
    return read_id(parse_qs(urlsplit(address).query).get("organisation", [""])[0])
