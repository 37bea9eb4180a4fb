"""Where a person may be sent after something they did."""

from urllib.parse import urlsplit


def local_path(value: str | None, default: str = "/") -> str:
    """`value` if it is a path of this portal, else `default`: signing in must never lead to somebody else's site."""
    if not value or len(value) > 2000 or not value.startswith("/") or value.startswith("//"):
        return default
    if "\\" in value or any(ord(char) < 32 or ord(char) == 127 for char in value):
        return default
    return default if urlsplit(value).path.startswith("/sign-in") else value
