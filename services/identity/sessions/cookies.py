"""The three cookies identity sets. It never reads the session's: the gateway does, and passes on who it is."""

from datetime import timedelta
from typing import Annotated

from litestar.datastructures import Cookie
from litestar.params import Parameter

from services.identity.tokens import new_token
from shared.texts import ANY_LINE

SESSION_COOKIE = "portal_session"
FLOW_COOKIE = "portal_flow"
PENDING_COOKIE = "portal_pending"
FLOW = timedelta(minutes=10)
"""As long as the longest of what is bound to a flow: a mailed link, and the way to a provider and back."""
Flow = Annotated[
    str, Parameter(cookie=FLOW_COOKIE, max_length=100, pattern=ANY_LINE, default="", include_in_schema=False)
]
"""What a handler takes to know which browser began; '' for none."""
PendingStep = Annotated[
    str, Parameter(cookie=PENDING_COOKIE, max_length=100, pattern=ANY_LINE, default="", include_in_schema=False)
]
"""What a handler takes to know which sign-in waits for its second step in this browser; '' for none."""


class Cookies:
    """Cookies for a portal that is reached at `public_url`. Under which name a browser keeps them is the gateway's."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https:")

    def session(self, token: str, seconds: int) -> Cookie:
        return self._cookie(SESSION_COOKIE, token, seconds)

    def no_session(self) -> Cookie:
        return self._cookie(SESSION_COOKIE, "", 0)

    def begin(self, flow: str) -> tuple[str, Cookie]:
        """The flow that something begun is bound to, and its cookie: the one the browser has goes on, so that what it
        began in another tab, or by another method, still works.
        """
        flow = flow or new_token()
        return flow, self._cookie(FLOW_COOKIE, flow, int(FLOW.total_seconds()))

    def pending(self, token: str, seconds: int) -> Cookie:
        """Ties a sign-in that waits for its second step to the browser of the first. Minted by the first proof and
        never taken over from the browser: whoever planted it there could finish the sign-in elsewhere.
        """
        return self._cookie(PENDING_COOKIE, token, seconds)

    def nothing_pending(self) -> Cookie:
        return self._cookie(PENDING_COOKIE, "", 0)

    def _cookie(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(name, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=self._secure)
