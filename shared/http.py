"""`create_service()`: what every service's application has in common. Returns a plain Litestar."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.middleware import ASGIMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins.opentelemetry import OpenTelemetryConfig, OpenTelemetryPlugin
from litestar.types import ASGIApp, ControllerRouterHandler, ExceptionHandlersMap, Receive, Scope, Send
from nats.aio.client import Client
from sqlalchemy import text

from shared import errors, partners, telemetry
from shared.actor import SYSTEM, Actor
from shared.broker import ensure_streams, work_with
from shared.claims import Verifier, admit
from shared.config import ServiceSettings, Settings
from shared.database import Database, ReadOnly, UnitOfWork, out_of_reach
from shared.inbox import Consumer
from shared.partners import PartnerVerifier
from shared.relay import Relay
from shared.tokens import header_of

API = "/api/client-portal"
PROBLEM = "application/problem+json"
_IN_THE_BODY = re.compile(r" - at `\$\.data\.(.+)`$")
STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
log = structlog.get_logger("http")
Lifespan = Callable[[Litestar], Any]
AnyRequest = Request[Any, Any, Any]


def create_service(
    name: str,
    settings: Settings,
    *,
    routers: Sequence[ControllerRouterHandler],
    consumers: Sequence[Consumer] = (),
    lifespan: Sequence[Lifespan] = (),
    dependencies: dict[str, Provide] | None = None,
    partner_verifier: Callable[[Database], PartnerVerifier] | None = None,
    **litestar: Any,
) -> Litestar:
    """The application of one service: claims, problem details, health, OpenAPI under `/schema`, and, for a service with
    a database, the unit of work, the outbox relay and its consumers. Partner tokens are asked about at identity, unless
    `partner_verifier` knows better. `litestar` passes on to `Litestar`.
    """
    telemetry.configure(name, settings)
    owned = settings if isinstance(settings, ServiceSettings) else None
    database = Database(owned.database_url, pool=owned.database_pool) if owned else None
    provided = {"actor": Provide(_actor, sync_to_thread=False), **(dependencies or {})}
    lifespans: list[Lifespan] = list(lifespan)
    if database and owned:
        provided |= _connections(database)
        lifespans.insert(0, _background(name, owned, database, consumers))
    guarded = Router(path="/", route_handlers=list(routers), guards=[admit])
    app = Litestar(
        route_handlers=[guarded, healthz, readyz],
        dependencies=provided,
        middleware=[Authenticate(Verifier(name, settings.jwks), _partner_tokens(owned, database, partner_verifier))],
        exception_handlers=litestar.pop("exception_handlers", EXCEPTION_HANDLERS),
        openapi_config=OpenAPIConfig(
            title=f"Client portal: {name}", version="1", path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        plugins=[*litestar.pop("plugins", []), *_tracing(settings)],
        lifespan=lifespans,
        logging_config=None,
        **litestar,
    )
    app.state.database = database
    return app


def _connections(database: Database) -> dict[str, Provide]:
    """`read` and `uow`, each asking for the one before it: what is independent is resolved in a task group, which costs
    more than all else the framework does for a short request. `read` is first, as the hot routes need nothing else
    (docs/decisions/0004).
    """

    def read(actor: Actor) -> ReadOnly:  # noqa: ARG001
        return database.read

    def uow(read: ReadOnly) -> UnitOfWork:  # noqa: ARG001
        return database.uow

    return {"read": Provide(read, sync_to_thread=False), "uow": Provide(uow, sync_to_thread=False)}


def _partner_tokens(
    settings: ServiceSettings | None, database: Database | None, own: Callable[[Database], PartnerVerifier] | None
) -> PartnerVerifier | None:
    if settings is None or database is None:
        return None
    if own:
        return own(database)
    return partners.asking(settings.public_url, settings.upstream_identity) if settings.upstream_identity else None


def _tracing(settings: Settings) -> list[Any]:
    if not settings.otlp_endpoint:
        return []
    return [OpenTelemetryPlugin(OpenTelemetryConfig(exclude_spans=["send", "receive"]))]


def _actor(request: AnyRequest) -> Actor:
    return request.scope["auth"]


class Authenticate(ASGIMiddleware):
    """Token to `Actor`, before anything of the service runs. Exactly one `Authorization` header, or none at all.

    A route with `opt={"basic": True}` checks a name and password there by itself.
    """

    scopes = ("http",)  # pyright: ignore[reportAssignmentType]

    def __init__(self, verifier: Verifier, partner_tokens: PartnerVerifier | None) -> None:
        self._verifier = verifier
        self._partners = partner_tokens

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        tokens = [value for key, value in scope["headers"] if key == b"authorization"]
        trace = next((value for key, value in scope["headers"] if key == b"traceparent"), None)
        telemetry.continue_trace(trace.decode("latin-1") if trace else None)
        scope["user"] = scope["auth"] = await self._authenticate(scope, tokens)
        await next_app(scope, receive, send)

    async def _authenticate(self, scope: Scope, tokens: list[bytes]) -> Actor:
        peer = (scope.get("client") or ("", 0))[0]
        if not tokens:
            return Actor(ip=peer)
        scheme, _, token = tokens[0].decode("latin-1").partition(" ")
        if len(tokens) == 1 and scheme.lower() == "basic" and scope["route_handler"].opt.get("basic"):
            return Actor(ip=peer)
        if len(tokens) > 1 or scheme.lower() != "bearer":
            raise errors.Unauthorized("Send one bearer token.")
        if known := self._verifier.recall(token):
            return known
        if self._partners and header_of(token).get("typ") == partners.TYPE:
            return await self._partners.verify(token, peer)
        return await self._verifier.verify(token)


def _background(
    name: str, settings: ServiceSettings, database: Database, consumers: Sequence[Consumer]
) -> Callable[[Litestar], Any]:
    """Relay and consumers beside the HTTP side of the same process (style: one process per service)."""

    async def work(client: Client, app: Litestar) -> None:
        app.state.broker = client
        await ensure_streams(client.jetstream(timeout=5), settings.stream_replicas)
        async with asyncio.TaskGroup() as group:
            group.create_task(Relay(name, database, client).run())
            for consumer in consumers:
                group.create_task(consumer.run(database, client))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        app.state.broker = None
        async with AsyncExitStack() as stack:
            await database.start()
            stack.push_async_callback(database.stop)
            task = asyncio.create_task(work_with(settings.nats_url, name, lambda client: work(client, app)))
            stack.push_async_callback(_cancel, task)
            yield

    return lifespan


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task], timeout=2)


@get("/healthz", include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Alive. Touches nothing else."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz(request: AnyRequest) -> Response[dict[str, str]]:
    """Can serve: 503 while the database, the broker or a part of the service's own (`state.parts`) is down."""
    database: Database | None = request.app.state.database
    own: dict[str, Callable[[], bool]] = request.app.state.get("parts", {})
    parts = {name: "ok" if works() else "down" for name, works in own.items()}
    if database:
        broker: Client | None = request.app.state.broker
        parts["broker"] = "ok" if broker and broker.is_connected else "down"
        parts["database"] = await _reaches(database)
    ready = "down" not in parts.values()
    return Response(parts or {"status": "ok"}, status_code=200 if ready else 503)


async def _reaches(database: Database) -> str:
    try:
        async with asyncio.timeout(2), database.uow(SYSTEM) as db:
            await db.execute(text("select 1 from outbox limit 1"))
    except Exception as error:
        if out_of_reach(error):
            return "down"
        raise
    return "ok"


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> Response[dict[str, Any]]:
    """An RFC 9457 answer. `code` is stable; `detail` is for people; neither repeats what the caller sent."""
    body = {"type": f"urn:portal:problem:{code}", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"code": code, "detail": detail, **extra}
    return Response(body, status_code=status, media_type=PROBLEM, headers=headers or {})


def domain_problem(_request: AnyRequest, error: errors.DomainError) -> Response[dict[str, Any]]:
    """A refusal by a rule."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    headers |= {"WWW-Authenticate": error.challenge} if error.challenge else {}
    fields = [{"field": field, "message": message} for field, message in error.errors.items()]
    extra: dict[str, Any] = {"errors": fields} if fields else {}
    if isinstance(error, errors.PreconditionFailed):
        extra["version"] = error.version
    return problem(status, error.code, error.detail, headers=headers, **extra)


def http_problem(_request: AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """A refusal by the framework: routing, method, size, or a body that does not fit its schema (then 422)."""
    if found := _wrong_fields(error):
        fields = [{"field": each.get("key", "body"), "message": _in_words(each["message"])} for each in found]
        return problem(422, "invalid", "Some of what was sent is not right.", errors=fields)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return domain_problem(_request, errors.NotFound())
    status = HTTPStatus(error.status_code)
    code = f"http.{status.name.lower()}"
    return problem(status, code, _CALM.get(status, status.description), headers=dict(error.headers or {}))


def _wrong_fields(error: HTTPException) -> list[dict[str, str]]:
    """Which fields are wrong, and how. A field called like a dependency is one to the framework, which blames us (500):
    then the cause knows better.
    """
    if isinstance(error, ValidationException):
        return error.extra if isinstance(error.extra, list) else []
    cause = str(error.__cause__)
    match = _IN_THE_BODY.search(cause)
    return [{"key": match[1], "message": cause[: match.start()]}] if match else []


def _in_words(message: str) -> str:
    """What msgspec says, without repeating the input and without patterns that nobody wants to read in a form."""
    if message.startswith("Invalid enum value"):
        return "This is not one of the values that are possible here."
    if "matching regex" in message:
        return "This is empty, or holds characters that cannot be used here."
    return message


def not_utf8(_request: AnyRequest, _error: UnicodeDecodeError) -> Response[dict[str, Any]]:
    """JSON is UTF-8 (RFC 8259, 8.1); the framework lets this one mistake through."""
    return problem(400, "http.bad_request", _CALM[HTTPStatus.BAD_REQUEST])


_CALM = {HTTPStatus.BAD_REQUEST: "This could not be read. Send well-formed JSON."}


def unexpected(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    """What nobody foresaw: 503 if a part is out of reach, else 500; the log has it, the caller does not."""
    if out_of_reach(error):
        log.warning("http.unavailable", path=request.scope["path"], error=repr(error))
        detail = "A part of the portal is out of reach. Nothing was changed; try again in a moment."
        return problem(503, "unavailable", detail, headers={"Retry-After": "2"})
    log.error("http.unexpected", path=request.scope["path"], exc_info=error)
    return problem(500, "internal", "Something went wrong on our side. Nothing was changed.")


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    errors.DomainError: domain_problem,
    HTTPException: http_problem,
    UnicodeDecodeError: not_utf8,
    Exception: unexpected,
}
