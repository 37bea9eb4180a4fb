"""Reads device type, browser and platform from a `User-Agent` header."""

from functools import lru_cache
from typing import Literal

import msgspec
from ua_parser import parse

DeviceType = Literal["desktop", "mobile", "tablet", "unknown"]


class Device(msgspec.Struct, frozen=True):
    """`browser` and `platform` are names with a major version where one is known, '' where none is said."""

    device_type: DeviceType
    browser: str
    platform: str


@lru_cache(maxsize=1024)
def describe(user_agent: str) -> Device:
    """Read a `User-Agent` header; never raises."""
    found = parse(user_agent)
    browser = " ".join(filter(None, [found.user_agent.family, found.user_agent.major])) if found.user_agent else ""
    platform = " ".join(filter(None, [found.os.family, found.os.major])) if found.os else ""
    return Device(_device_type(user_agent, found.device.family if found.device else ""), browser, platform)


def _device_type(user_agent: str, family: str) -> DeviceType:
    """Android tablets are Android without `Mobile`, as the platform's own guidance has it."""
    if not user_agent:
        return "unknown"
    if "iPad" in family or "Tablet" in user_agent or ("Android" in user_agent and "Mobile" not in user_agent):
        return "tablet"
    if "Mobi" in user_agent or "iPhone" in family:
        return "mobile"
    return "desktop"
