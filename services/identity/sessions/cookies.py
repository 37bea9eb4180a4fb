"""The two cookies identity sets. It never reads the session's: the gateway does, and passes on who it is."""

from typing import Annotated

from litestar.datastructures import Cookie
from litestar.params import Parameter

FLOW_COOKIE = "portal_flow"
Flow = Annotated[str, Parameter(cookie=FLOW_COOKIE, max_length=100, default="")]
"""What a handler takes to know which browser began; '' for none."""


class Cookies:
    """Cookies for a portal that is reached at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https:")
        # `__Host-` ties the cookie to this very host; a browser takes it only over https (RFC 6265bis, 4.1.3.2).
        self._session = "__Host-portal_session" if self._secure else "portal_session"

    def session(self, token: str, seconds: int) -> Cookie:
        return self._cookie(self._session, token, seconds)

    def no_session(self) -> Cookie:
        return self._cookie(self._session, "", 0)

    def flow(self, token: str, seconds: int) -> Cookie:
        """Ties what was begun to the browser that began it."""
        return self._cookie(FLOW_COOKIE, token, seconds)

    def no_flow(self) -> Cookie:
        return self._cookie(FLOW_COOKIE, "", 0)

    def _cookie(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(name, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=self._secure)
