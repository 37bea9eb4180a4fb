"""The two cookies identity sets. It never reads the session's: the gateway does, and passes on who it is."""

from typing import Annotated

from litestar.datastructures import Cookie
from litestar.params import Parameter

from shared.texts import ANY_LINE

SESSION_COOKIE = "portal_session"
FLOW_COOKIE = "portal_flow"
Flow = Annotated[str, Parameter(cookie=FLOW_COOKIE, max_length=100, pattern=ANY_LINE, default="")]
"""What a handler takes to know which browser began; '' for none."""


class Cookies:
    """Cookies for a portal that is reached at `public_url`. Under which name a browser keeps them is the gateway's."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https:")

    def session(self, token: str, seconds: int) -> Cookie:
        return self._cookie(SESSION_COOKIE, token, seconds)

    def no_session(self) -> Cookie:
        return self._cookie(SESSION_COOKIE, "", 0)

    def flow(self, token: str, seconds: int) -> Cookie:
        """Ties what was begun to the browser that began it."""
        return self._cookie(FLOW_COOKIE, token, seconds)

    def no_flow(self) -> Cookie:
        return self._cookie(FLOW_COOKIE, "", 0)

    def _cookie(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(name, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=self._secure)
