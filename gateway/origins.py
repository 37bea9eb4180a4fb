"""Requests that change something come from our own pages, or from no browser at all.

Browsers say where a request comes from and pages cannot forge it: `Sec-Fetch-Site` first, else `Origin` (the rule of
Go's `net/http.CrossOriginProtection`). A request with neither is no browser's, and carries no victim's cookie.
"""

from urllib.parse import urlsplit

from gateway.problems import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = (b"same-origin", b"none")


def refuse_foreign_change(method: str, headers: dict[bytes, bytes], public_origin: bytes) -> None:
    """Raise `Refused` (403) for an unsafe request from another site. `headers` are the ones the gateway reads."""
    if method in SAFE:
        return
    site = headers.get(b"sec-fetch-site")
    origin = headers.get(b"origin")
    if site in _OWN if site is not None else origin is None or _is_own(origin, headers[b"host"], public_origin):
        return
    raise Refused(403, "gateway.cross_origin", "This change was asked for by another site's page.")


def origin_of(url: str) -> bytes:
    """Scheme, host and port of a URL, as a browser writes them in `Origin`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower().encode()


def _is_own(origin: bytes, host: bytes, public_origin: bytes) -> bool:
    """Our public address, or the very host the request was sent to (a portal reached by a second name)."""
    return origin.lower() == public_origin or origin.lower().partition(b"://")[2] == host.lower()
