"""What staff see and enter about partner systems."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from services.portal.api_clients.answers import ApiClient, Scope, Scopes
from services.portal.edits import Stored
from services.portal.forms import FIND, Form
from services.portal.services import Services
from shared.language import gettext as _
from shared.pagination import Page as Listing

COLUMNS = ("-created_at", "name", "client_name", "-last_used_at")
"""What the table is sorted by."""
SCOPE = "scope"
TICK = f"{SCOPE}-"


async def listed(services: Services, sort: str, cursor: str) -> Listing[ApiClient]:
    return await services.identity.get("api-clients", Listing[ApiClient], sort=sort, cursor=cursor, limit=50)


async def scopes(services: Services) -> list[Scope]:
    """What one can be allowed, in words."""
    return (await services.identity.get("api-clients/scopes", Scopes)).items


async def detail(services: Services, api_client_id: UUID) -> tuple[ApiClient, list[Scope]]:
    """One of them, and what all scopes allow. Raises `ServiceProblem`."""
    found = services.identity.get(f"api-clients/{api_client_id}", ApiClient)
    return await asyncio.gather(found, scopes(services))


def new_form(data: Mapping[str, str]) -> Form:
    """The form for a new one, as it was sent."""
    ticks = {name: data[name] for name in data if name.startswith(TICK)}
    inputs = ("name", "client_id", f"{FIND}client_id", "auth_method", "jwks", "scopes")
    return Form({name: data.get(name) for name in inputs} | ticks)


def stored(found: ApiClient, scopes: list[Scope]) -> Stored:
    """What is stored as the inputs of its form, and as one would say it."""
    ticks = {f"{TICK}{scope}": "on" for scope in found.scopes}
    keys = msgspec.json.format(msgspec.json.encode(found.jwks)).decode() if found.jwks else ""
    said = ", ".join(each.name for each in scopes if each.key in found.scopes)
    words = {
        "name": (_("Name"), found.name),
        "jwks": (_("Keys"), _("Other keys")),
        "scope": (_("Scopes"), said or _("None")),
    }
    return Stored({"name": found.name, "jwks": keys, "scopes": "", **ticks}, words)


def body(form: Form, *, has_secret: bool) -> dict[str, Any]:
    """Name, scopes and keys as identity wants them; what is missing is marked in the form."""
    form.require(name=_("Give the system a name."))
    ticked = [name.removeprefix(TICK) for name, value in form.values.items() if name.startswith(TICK) and value]
    if not ticked:
        form.errors["scopes"] = _("Choose at least one scope.")
    asked: dict[str, Any] = {"name": form.values["name"], "scopes": ticked}
    return asked if has_secret else asked | {"jwks": _keys(form)}


def _keys(form: Form) -> dict[str, Any]:
    try:
        return msgspec.json.decode(form.values["jwks"], type=dict[str, Any])
    except msgspec.MsgspecError:
        form.errors["jwks"] = _('Paste a JWK set: {"keys": [...]}.')
        return {}
