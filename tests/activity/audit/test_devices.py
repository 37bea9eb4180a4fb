"""Seed 002: device type, browser and platform of what people really use."""

import pytest

from services.activity.audit.devices import Device, describe

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SEEN = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36": ("desktop", "Chrome 126", "Windows 10"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": ("desktop", "Edge 126", "Windows 10"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": ("desktop", "Firefox 128", "Linux"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": ("desktop", "Safari 17", "Mac OS X 10"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": ("mobile", "Mobile Safari 17", "iOS 17"),
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1": ("tablet", "Mobile Safari 16", "iOS 16"),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36": ("mobile", "Chrome Mobile 126", "Android 14"),
    f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/126.0.0.0 Safari/537.36": ("tablet", "Chrome 126", "Android 13"),
    "Mozilla/5.0 (Android 14; Tablet; rv:128.0) Gecko/128.0 Firefox/128.0": ("tablet", "Firefox Mobile 128", "Android 14"),
    "": ("unknown", "", ""),
    "(;é\\" * 200: ("desktop", "", ""),
}  # fmt: skip


@pytest.mark.parametrize(("user_agent", "expected"), SEEN.items(), ids=range(len(SEEN)))
def test_browsers_are_told_apart(user_agent: str, expected: tuple[str, str, str]) -> None:
    assert describe(user_agent) == Device(*expected)
