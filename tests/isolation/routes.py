"""Every route of every service, read from the applications themselves, and the declared rights read from rights.toml."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from gateway import routes as gateway
from ops.keys import as_text, new_claims_key, new_secrets_key
from services.identity.fresh_proof import NEEDS_NO_PROOF, SAFE
from shared.claims import require_fresh_proof
from shared.config import ServiceSettings, Settings

ROLES = (
    "anonymous",
    "feedback",
    "viewer",
    "approver",
    "birch",
    "member",
    "subcontractor",
    "admin",
    "viewing",
    "partner",
)
RIGHTS = Path(__file__).parent / "rights.toml"
SERVICES = (*gateway.SERVICES, gateway.PORTAL)
EXEMPT = re.compile(r"^/(schema|healthz|readyz|static)(/|$)")
"""Health, the schema, and files that are the same for everybody."""


@dataclass(frozen=True)
class Right:
    """One declared line. `cells` maps a role to what it gets: a status, or `yes` for anything but a refusal; `named`
    are the roles that the line speaks of, the others get what others get.
    """

    service: str
    method: str
    path: str
    cells: dict[str, Any]
    named: frozenset[str]
    query: dict[str, str]
    body: Any
    form: bool
    alone: bool
    """It ends sessions: asked with one of its own."""
    module: str | None
    """What the company may close for a client, this route with it."""
    proof: bool
    """It asks for a fresh proof of who somebody is."""

    @property
    def name(self) -> str:
        return f"{self.service} {self.method} {self.path}"


def settings_class(service: str) -> type[Settings]:
    module = import_module(f"services.{service}.settings")
    return next(
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind not in (Settings, ServiceSettings)
    )


@cache
def application(service: str) -> Litestar:
    """The application, wired but never started: addresses that nobody answers at."""
    kind = settings_class(service)
    known = {
        "database_url": f"postgresql://{service}_app:x@127.0.0.1:1/portal",
        "redis_url": "redis://127.0.0.1:1",
        "nats_url": "nats://127.0.0.1:1",
        "smtp_url": "smtp://127.0.0.1:1",
        "secrets_key": new_secrets_key(),
        "orders_key": new_secrets_key(),
        "token_key": as_text(new_claims_key()),
    }
    made_up = {
        field.name: known.get(field.name, "http://127.0.0.1:1")
        for field in msgspec.structs.fields(kind)
        if field.required and field.type is str
    }
    everywhere = {"env": "embedded", "upstreams": dict.fromkeys(SERVICES, "http://127.0.0.1:1")}
    return import_module(f"services.{service}.app").create_app(kind(**made_up | everywhere))


def real_routes(service: str) -> set[str]:
    """`METHOD /path/{id}` of everything an application answers to, parameters without their types."""
    return {
        shape(f"{method} {route.path_format}")
        for route in application(service).routes
        if isinstance(route, HTTPRoute) and not EXEMPT.match(route.path)
        for method in route.methods - {"OPTIONS", "HEAD"}
    }


def proofs(service: str) -> dict[str, str]:
    """Routes that change something: "" where one asks for a fresh proof, and where it could, the reason why it does not."""
    found: dict[str, str] = {}
    for route in application(service).routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            options, guarded = handler.opt, require_fresh_proof in handler.resolve_guards()
            asks = service == "identity" and not (options.get("public") or options.get("internal"))
            if guarded or (asks and not EXEMPT.match(route.path)):
                for method in handler.http_methods - SAFE:
                    found[f"{method} {route.path_format}"] = options.get(NEEDS_NO_PROOF, "")
    return found


def shape(route: str) -> str:
    """A route without the names of its parameters: the declaration calls them by what it fills in."""
    return re.sub(r"{[^}]+}", "{}", route)


def declared() -> Iterator[Right]:
    for service, lines in tomllib.loads(RIGHTS.read_text()).items():
        for route, line in lines.items():
            method, path = route.split(" ", 1)
            cells = line["cells"]
            yield Right(
                service,
                method,
                path,
                {role: cells.get(role, _otherwise(service, role, cells)) for role in ROLES},
                frozenset(cells) - {"others"},
                line.get("query", {}),
                line.get("body"),
                line.get("form", False),
                line.get("alone", False),
                line.get("module"),
                line.get("proof", False),
            )


def _otherwise(service: str, role: str, cells: dict[str, Any]) -> Any:
    """What a role gets that a line does not name. Pages are for people: there a partner's token is nobody's."""
    return cells.get("anonymous" if (service, role) == ("portal", "partner") else "others", cells.get("others"))
