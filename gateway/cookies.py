"""The portal's cookies at the gateway.

Over https a browser keeps each of them under a name with `__Host-` in front, which ties it to this very host: a sibling
host can plant none (RFC 6265bis, 4.1.3.2). Only the gateway knows; behind it they have their plain names, all of which
begin with `portal_`. What else a browser sends along is no service's business.
"""

import re

from gateway.headers import Headers
from gateway.problems import Refused
from shared.language import marked

SESSION = b"portal_session"
_OURS = re.compile(rb"portal_[a-z0-9_]+")
_VISIBLE = re.compile(rb"[\x20-\x7e]*")
MOST = 1_000
"""Cookies of one request that are looked at; browsers keep fewer of one host."""


class Cookies:
    """Cookies of a portal that is reached at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._prefix = b"__Host-" if public_url.startswith("https:") else b""

    @property
    def session(self) -> str:
        """The name under which a browser keeps the session."""
        return (self._prefix + SESSION).decode()

    def split(self, header: bytes) -> tuple[bytes | None, bytes]:
        """The session's value, which goes no further, and what the services see of the others.

        Refuses two sessions: a sibling host may have planted one, and nobody knows which.
        """
        rest: list[bytes] = []
        found: list[bytes] = []
        for pair in header.split(b";", MOST)[:MOST]:
            key, _, value = pair.strip().partition(b"=")
            name = key.removeprefix(self._prefix)
            if len(key) - len(name) != len(self._prefix):
                continue
            if name == SESSION:
                found.append(value)
            elif _OURS.fullmatch(name) and _VISIBLE.fullmatch(value):
                rest.append(name + b"=" + value)
        if len(found) > 1:
            detail = marked("Two sessions were sent at once. Delete this site's cookies.")
            raise Refused(400, "gateway.ambiguous_session", detail)
        return (found[0] if found else None), b"; ".join(rest)

    def dress(self, headers: Headers) -> Headers:
        """An answer's headers, its cookies under the names by which browsers keep them."""
        if not self._prefix:
            return headers
        return [(name, self._kept(value) if name == b"set-cookie" else value) for name, value in headers]

    def _kept(self, line: bytes) -> bytes:
        """Browsers refuse the prefix for any other path than `/`, which therefore every cookie of ours has."""
        secure = b"" if b"; secure" in line.lower() else b"; Secure"
        return self._prefix + line + secure
