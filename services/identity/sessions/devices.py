"""What a `User-Agent` says about the device, as far as it can be believed."""

from functools import lru_cache
from typing import Literal, NamedTuple

from ua_parser import parse


class Device(NamedTuple):
    """`browser` and `platform` with their major version, '' where unknown."""

    device: Literal["desktop", "mobile", "tablet"]
    browser: str
    platform: str


@lru_cache(1024)
def device_of(user_agent: str) -> Device:
    """The device behind a `User-Agent` header."""
    found = parse(user_agent)
    browser = f"{found.user_agent.family} {found.user_agent.major or ''}".strip() if found.user_agent else ""
    platform = f"{found.os.family} {found.os.major or ''}".strip() if found.os else ""
    return Device(_kind(user_agent), browser, platform)


def _kind(user_agent: str) -> Literal["desktop", "mobile", "tablet"]:
    """By the words makers agree on: a tablet's Android says no `Mobile`, a phone's does."""
    if "iPad" in user_agent or "Tablet" in user_agent or ("Android" in user_agent and "Mobile" not in user_agent):
        return "tablet"
    return "mobile" if "Mobi" in user_agent else "desktop"
