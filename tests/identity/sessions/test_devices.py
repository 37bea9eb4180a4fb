"""What a `User-Agent` says."""

import pytest

from services.identity.sessions.devices import device_of

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAID = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": (
        "desktop",
        "Edge 131",
        "Windows 10",
    ),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {KIT} Chrome/131.0.0.0 Mobile Safari/537.36": (
        "mobile",
        "Chrome Mobile 131",
        "Android 14",
    ),
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {KIT} Chrome/131.0.0.0 Safari/537.36": (
        "tablet",
        "Chrome 131",
        "Android 14",
    ),
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Version/16.6 Mobile/15E148 Safari/604.1": (
        "tablet",
        "Mobile Safari 16",
        "iOS 16",
    ),
    "curl/8.5.0": ("desktop", "curl 8", ""),
    "": ("desktop", "", ""),
    "\xff<script>": ("desktop", "", ""),
}


@pytest.mark.parametrize("user_agent", SAID)
def test_device_browser_and_platform_are_read(user_agent: str) -> None:
    assert tuple(device_of(user_agent)) == SAID[user_agent]
