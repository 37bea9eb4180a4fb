"""`create_service()`: what every service's application has in common. Returns a plain Litestar."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar
from zoneinfo import ZoneInfoNotFoundError

import structlog
from litestar import Litestar, Response, Router, get
from litestar.di import Provide
from litestar.middleware import ASGIMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.params import Parameter
from litestar.plugins.opentelemetry import OpenTelemetryConfig, OpenTelemetryPlugin
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from shared import clock, errors, language, partners, telemetry
from shared.actor import Actor
from shared.background import Background
from shared.claims import Verifier, admit
from shared.config import ServiceSettings, Settings, SettingsError
from shared.database import Database, ReadOnly, UnitOfWork, out_of_reach
from shared.delivery import Traffic
from shared.heads import with_heads
from shared.idempotency import Idempotent
from shared.inbox import Consumer
from shared.language import gettext as _
from shared.openapi import Description
from shared.partners import PartnerVerifier
from shared.problems import EXCEPTION_HANDLERS, AnyRequest
from shared.schedule import Deed, Scheduler
from shared.strict import StrictRequest
from shared.texts import TEXT
from shared.tokens import header_of
from shared.versions import etag

API = "/api/client-portal"
log = structlog.get_logger("http")
Lifespan = Callable[[Litestar], Any]
IfMatch = Annotated[
    str | None,
    Parameter(
        header="If-Match",
        max_length=400,
        pattern=TEXT,
        default=None,
        description="The `ETag` of the version that is to be changed: of another one nothing is changed (412). Tags "
        "are compared strongly, so a weak one (`W/...`) matches none (RFC 9110, 13.1.1).",
    ),
]


class _HasVersion(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=_HasVersion)


class OwnRouter(Router):
    """One that is made for one application. Litestar registers a copy of a router, down to each of its handlers, as a
    module's own is registered by every application that is made: for each router above it that was done once more.
    """

    def __deepcopy__(self, _memo: object) -> "OwnRouter":
        return self


def with_etag(view: V) -> Response[V]:
    """The answer that shows `view`, tagged with its version."""
    return Response(view, headers={"ETag": etag(view.version)})


def create_service(
    name: str,
    settings: Settings,
    *,
    routers: Sequence[ControllerRouterHandler],
    consumers: Sequence[Consumer] = (),
    deeds: Mapping[str, Deed] | None = None,
    lifespan: Sequence[Lifespan] = (),
    dependencies: dict[str, Provide] | None = None,
    partner_verifier: Callable[[Database], PartnerVerifier] | None = None,
    stream_replicas: int = 0,
    examples: Path | None = None,
    **litestar: Any,
) -> Litestar:
    """The application of one service: claims, problem details, health, and, for a service with a database, the unit of
    work, the outbox relay and its consumers; with `deeds`, what is done when a moment of a schedule is due
    (`shared.schedule`). Partner tokens are asked about at identity, unless `partner_verifier`
    knows better. The one service that keeps the broker's streams says how many `stream_replicas` they have. A service
    with an API has `examples` of what its fields hold, and describes itself under `/schema` (`shared.openapi`).
    `litestar` passes on to `Litestar`.
    """
    telemetry.configure(name, settings)
    _keep_days_of(settings.time_zone)
    owned = settings if isinstance(settings, ServiceSettings) else None
    database = Database(owned.database_url, pool=owned.database_pool) if owned else None
    provided = {"actor": Provide(_actor, sync_to_thread=False), **(dependencies or {})}
    lifespans: list[Lifespan] = list(lifespan)
    if database and owned:
        provided |= _connections(database)
        lifespans.insert(0, _background(name, owned, database, consumers, stream_replicas))
        if deeds:
            lifespans.insert(1, _scheduling(deeds, database))
    languages = language.read(language.KERNEL.parent / "services" / name)
    guarded = OwnRouter(path="/", route_handlers=list(routers), guards=[admit])
    verifier = Verifier(name, settings.jwks)
    app = Litestar(
        route_handlers=[guarded, healthz, readyz],
        dependencies=provided,
        middleware=[
            Authenticate(verifier, _partner_tokens(owned, database, partner_verifier)),
            *([Idempotent(database)] if database else []),
        ],
        exception_handlers=litestar.pop("exception_handlers", EXCEPTION_HANDLERS),
        request_class=StrictRequest,
        openapi_config=_description(name, examples) if examples else None,
        plugins=[*litestar.pop("plugins", []), *_tracing(settings)],
        lifespan=lifespans,
        logging_config=None,
        **litestar,
    )
    app.asgi_handler = _spoken(with_heads(app.asgi_handler), languages)
    app.state.database = database
    app.state.verifier = verifier
    app.state.background = Background()
    app.state.consumers = consumers
    return app


def _spoken(app: ASGIApp, languages: Sequence[str]) -> ASGIApp:
    """`app`, in the one of these languages that a request asks for. The gateway asks a page for its person's."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        wanted = [value for name, value in scope.get("headers", ()) if name == b"accept-language"]
        with language.speaking(language.choose(b",".join(wanted).decode("latin-1"), languages)):
            await app(scope, receive, send)

    return handle


def _description(name: str, examples: Path) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=f"Client portal: {name}",
        version="1",
        path="/schema",
        render_plugins=[Description(examples)],
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
    )


def _keep_days_of(zone: str) -> None:
    try:
        clock.keep_days_of(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"PORTAL_TIME_ZONE: {zone!r} is no time zone, such as Europe/Berlin") from error


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
    identity = settings.upstreams.get("identity")  # without it a service takes no partner's token
    return partners.asking(settings.public_url, identity) if identity else None


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
        scheme, _space, token = tokens[0].decode("latin-1").partition(" ")
        if len(tokens) == 1 and scheme.lower() == "basic" and scope["route_handler"].opt.get("basic"):
            return Actor(ip=peer)
        if len(tokens) > 1 or scheme.lower() != "bearer":
            raise errors.Unauthorized(_("Send one bearer token."))
        if known := self._verifier.recall(token):
            return known
        if self._partners and header_of(token).get("typ") == partners.TYPE:
            return await self._partners.verify(token, peer)
        return await self._verifier.verify(token)


def _background(
    name: str, settings: ServiceSettings, database: Database, consumers: Sequence[Consumer], stream_replicas: int
) -> Callable[[Litestar], Any]:
    """Relay and consumers beside the HTTP side of the same process."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        background: Background = app.state.background
        traffic = Traffic(name, database, consumers, settings.nats_url, stream_replicas)
        async with AsyncExitStack() as stack:
            await database.start()
            stack.push_async_callback(database.stop)
            app.state.traffic = traffic
            carry = partial(traffic.run, background)
            await stack.enter_async_context(background.keep("broker", carry, well=lambda: traffic.works))
            await stack.enter_async_context(background.keep("backlog", traffic.measure))
            yield

    return lifespan


def _scheduling(deeds: Mapping[str, Deed], database: Database) -> Callable[[Litestar], Any]:
    """What is due."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with app.state.background.keep("schedule", partial(Scheduler(deeds).run, database)):
            yield

    return lifespan


@get("/healthz", include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Alive. Touches nothing else."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz(request: AnyRequest) -> Response[dict[str, str]]:
    """Can serve: 503 while the database is down, or background work is not being done in time."""
    database: Database | None = request.app.state.database
    background: Background = request.app.state.background
    parts = {name: "ok" if works else "down" for name, works in background.works().items()}
    if database:
        parts |= await _on_time(request.app.state.traffic)
    ready = set(parts.values()) <= {"ok"}
    return Response(parts or {"status": "ok"}, status_code=200 if ready else 503)


async def _on_time(traffic: Traffic) -> dict[str, str]:
    try:
        found = await traffic.look()
    except Exception as error:
        if out_of_reach(error):
            return {"database": "down"}
        raise
    return {"database": "ok"} | {name: "ok" if on_time else "late" for name, on_time in found.items()}
