"""The services behind the pages, called as the person who asks: their claims, their browser, their trace.

The portal has no rights of its own. Whatever a service refuses, the page refuses.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, Generic, Literal, TypeVar, cast

import aiohttp
import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from multidict import CIMultiDictProxy

from services.portal.ids import read_id
from shared.breaker import Breaker
from shared.claims import ClaimsRefused
from shared.language import current, marked
from shared.language import gettext as _

T = TypeVar("T")
P = TypeVar("P")

BASE = "/api/client-portal/"
READING = aiohttp.ClientTimeout(total=2, connect=1)
WRITING = aiohttp.ClientTimeout(total=3, connect=1)
"""Less than the gateway waits for a page, so that the portal's own error page reports a service that hangs."""
WIDGET_DEADLINE = 0.150
"""Seconds a page waits for one widget; later it comes as a skeleton that loads itself."""
TOO_LONG = marked("This took too long, and may have been done or not. Look at what is there before you try again.")
FORWARDED = ("authorization", "user-agent", "x-request-id", "traceparent", "tracestate")
FLOW_COOKIE = "portal_flow"
PENDING_COOKIE = "portal_pending"
FORM = "application/x-www-form-urlencoded"
_FLOW = re.compile(r"[A-Za-z0-9_-]{1,100}")


class ServiceProblem(Exception):
    """A service answered with a problem (RFC 9457), or not at all (status 503).

    `fields` maps an input's name to what is wrong with it, for the form that sent it.
    """

    def __init__(self, status: int, code: str, detail: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = dict(fields or {})
        self.retry_after: int | None = None

    @property
    def wants_proof(self) -> bool:
        """The person has to authenticate again first (`/prove-it`)."""
        return self.code == "auth.step_up_required"

    @property
    def signed_out(self) -> bool:
        """Nobody is signed in; other 401s are about a password or a code that is not right."""
        return self.status == 401 and self.code == "auth.required"


class Answer(Generic[T]):
    """A decoded body with the headers a page may have to pass on (`ETag`, `Set-Cookie`)."""

    def __init__(self, body: T, headers: "CIMultiDictProxy[str]") -> None:
        self.body = body
        self.headers = headers

    @property
    def etag(self) -> str:
        return self.headers.get("ETag", "")

    @property
    def cookies(self) -> list[Cookie]:
        """The cookies the service sets in the caller's browser, to be passed on as they are."""
        return [
            _cookie(morsel) for line in self.headers.getall("Set-Cookie", []) for morsel in SimpleCookie(line).values()
        ]


class Service:
    """One service as one caller sees it. Paths are those of the public API, relative to `/api/client-portal/`."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        upstream: "Upstream",
        headers: Mapping[str, str],
        once: Callable[[], Awaitable[Mapping[str, str]]],
    ) -> None:
        self._http = http
        self._once = once
        self._origin = upstream.origin
        self._breaker = upstream.breaker
        self._headers = headers
        self._unanswered: ServiceProblem | None = None

    async def get(self, path: str, kind: type[T], /, **query: object) -> T:
        """Read `path` as `kind`, or as plain `bytes`. Query values of None are left out. Raises `ServiceProblem`."""
        return (await self.send("GET", path, kind, query=query)).body

    async def post(self, path: str, kind: type[T], body: object = None) -> T:
        return (await self.send("POST", path, kind, body=body)).body

    async def put(self, path: str, kind: type[T], body: object, *, etag: str = "") -> T:
        return (await self.send("PUT", path, kind, body=body, etag=etag)).body

    async def patch(self, path: str, kind: type[T], body: object, *, etag: str = "") -> T:
        """Change fields; with `etag` the service refuses (412) when somebody else saved first."""
        return (await self.send("PATCH", path, kind, body=body, etag=etag)).body

    async def delete(self, path: str) -> None:
        await self.send("DELETE", path, type(None))

    async def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        etag: str = "",
    ) -> Answer[T]:
        """One call, body and headers.

        Raises `ServiceProblem`: 503 where nobody answers and nothing was done, 504 where something may have been; then
        its page asks it no more: the gateway waits no longer.
        """
        if self._unanswered or self._breaker.is_open:
            raise self._unanswered or _unavailable()
        headers = {**self._headers, **({"If-Match": etag} if etag else {})}
        headers |= await self._once() if method == "POST" else {}
        headers |= {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        params = {
            name: [str(each) for each in value] if isinstance(value, list) else str(value)
            for name, value in given.items()
        }
        reads = method == "GET"
        try:
            async with self._http.request(
                method,
                self._origin + BASE + path,
                params=params,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=READING if reads else WRITING,
            ) as response:
                self._breaker.answered()
                raw = await response.read()
        except aiohttp.ConnectionTimeoutError as error:
            self._breaker.silent()
            raise _unavailable() from error
        except TimeoutError as error:
            self._breaker.silent()
            self._unanswered = None if reads else ServiceProblem(504, "timeout", _(TOO_LONG))
            raise self._unanswered or _unavailable() from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unavailable() from error
        if response.status >= 400:
            raise _problem(response, raw)
        return Answer(_decode(raw, kind), response.headers)


class Upstream:
    """Where a service is (`http://host:port`), and whether it has gone silent. One for all callers."""

    def __init__(self, origin: str) -> None:
        self.origin = origin.rstrip("/")
        self.breaker = Breaker(self.origin)


class Services:
    """Everything a page may ask, in the name of the person who opened it."""

    identity: Service
    projects: Service
    activity: Service
    notifications: Service

    def __init__(
        self, http: aiohttp.ClientSession, upstreams: Mapping[str, Upstream], request: Request[Any, Any, Any]
    ) -> None:
        headers = {name: value for name in FORWARDED if (value := request.headers.get(name))}
        headers["Accept-Language"] = current()  # that of the page, which shows what they answer
        if request.scope["path"].startswith("/widgets/"):
            headers["X-Portal-Refresh"] = "true"  # an open page asks for it, and no person
        own = {name: request.cookies.get(name, "") for name in (FLOW_COOKIE, PENDING_COOKIE)}
        # Only what identity made: anybody may have planted another.
        if known := [f"{name}={value}" for name, value in own.items() if _FLOW.fullmatch(value)]:
            headers["Cookie"] = "; ".join(known)

        async def once() -> Mapping[str, str]:
            """The token of the form that was sent makes what it asks for happen once."""
            if not request.headers.get("Content-Type", "").startswith(FORM):
                return {}
            token = read_id((await request.form()).get("once"))
            return {"Idempotency-Key": str(token)} if token else {}

        for name in UPSTREAMS:
            setattr(self, name, Service(http, upstreams[name], headers, once))


UPSTREAMS = tuple(Services.__annotations__)
"""The services that pages ask, by name: each has an address in the environment."""


class Slot(msgspec.Struct, Generic[T], frozen=True):
    """What a widget got: its value, nothing yet (`late`), or nothing at all (`failed`)."""

    state: Literal["ready", "late", "failed"]
    value: T | None = None

    def pick(self, part: Callable[[T], P | None]) -> "Slot[P]":
        """A part of it; where it has none, that part failed."""
        found = part(self.value) if self.value is not None else None
        return Slot("failed" if found is None and self.state == "ready" else self.state, found)


async def slot(call: Awaitable[T], *, deadline: float | None = WIDGET_DEADLINE) -> Slot[T]:
    """Wait for one widget's call, at most `deadline` seconds.

    A lost session (401) concerns the whole page; to a widget asked for alone (no deadline) a refusal is the answer.
    """
    try:
        return Slot("ready", await asyncio.wait_for(call, deadline))
    except TimeoutError:
        return Slot("late")
    except ServiceProblem as problem:
        if problem.status == 401 or (deadline is None and problem.status in (403, 404)):
            raise
        return Slot("failed")


async def once_known(told: Awaitable[T], owned: Callable[[], Awaitable[object]] | None, empty: T) -> T:
    """What a projection tells of a thing. It hears of what was just made a moment later than the one who made it: where
    it answers 404, the service that owns the thing is asked, and if that has it, nothing happened yet (`empty`).
    """
    try:
        return await told
    except ServiceProblem as problem:
        if problem.status != 404 or owned is None:
            raise
    await owned()
    return empty


def _decode(raw: bytes, kind: type[T]) -> T:
    if kind in (bytes, type(None)):
        return raw if kind is bytes else None  # pyright: ignore[reportReturnType]
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ServiceProblem(
            502, "unreadable_answer", _("This part of the portal gave an answer we cannot read.")
        ) from error


def _cookie(morsel: "Morsel[str]") -> Cookie:
    age = morsel["max-age"]
    return Cookie(
        key=morsel.key,
        value=morsel.value,
        path=morsel["path"] or "/",
        max_age=int(age) if age else None,
        secure=bool(morsel["secure"]),
        httponly=bool(morsel["httponly"]),
        samesite=cast("Literal['lax', 'strict', 'none']", morsel["samesite"].lower() or "lax"),
    )


def _unavailable() -> ServiceProblem:
    return ServiceProblem(503, "unavailable", _("This part of the portal is not answering right now."))


class _ProblemBody(msgspec.Struct):
    code: str = "error"
    detail: str = ""
    errors: list[dict[str, str]] = []


def _problem(response: aiohttp.ClientResponse, raw: bytes) -> ServiceProblem:
    try:
        body = msgspec.json.decode(raw, type=_ProblemBody)
    except msgspec.MsgspecError:
        body = _ProblemBody()
    if body.code == ClaimsRefused.code:  # the gateway's and the service's affair: whoever asked is still signed in
        return _unavailable()
    fields = {error["field"]: error.get("message", "") for error in body.errors if "field" in error}
    problem = ServiceProblem(response.status, body.code, body.detail or _("That did not work."), fields)
    retry = response.headers.get("Retry-After", "")
    problem.retry_after = int(retry) if retry.isdecimal() else None
    return problem
