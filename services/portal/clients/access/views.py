"""How a client's people sign in, as staff see and change it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from services.portal.area import Areas, Closable
from services.portal.choices import Choice, contacts
from services.portal.clients.answers import ClientAccess, Contact
from services.portal.edits import Edit, Stored
from services.portal.forms import Form
from services.portal.services import Services
from shared.actor import Actor
from shared.addresses import shown_domain
from shared.language import gettext as _
from shared.language import marked

METHODS = (
    ("magic_link", marked("Link by e-mail"), marked("We mail them a link and a code. They need no password.")),
    ("password", marked("Password"), marked("With a reset by e-mail for a forgotten password.")),
    ("passkey", marked("Passkey"), marked("Fingerprint, face or a security key. Counts as two factors.")),
    ("sso", marked("Single sign-on"), marked("With the account of their own organisation.")),
)
Offered = Mapping[str, Sequence[Closable]]
OPEN = {"modules": marked("Modules"), "actions": marked("Actions")}
"""What may be open to a client, as the form calls it."""
KEPT_AS = {"modules": "closed_modules", "actions": "closed_actions"}
"""The form ticks what is open, and identity keeps what is closed."""
LINES = ("allowed_networks", "allowed_domains")
"""Lists, one entry a line."""
SWITCHES = ("team_invites", "session_recording")
WAYS_IN = {"sign_in_methods", "second_factor", *LINES, "team_invites"}
"""Fields that decide who can sign in: for staff who manage portal access."""


class Access(msgspec.Struct, frozen=True):
    """A client, the person its portal is linked to, and whom it could be linked to."""

    client: ClientAccess
    user: Contact | None
    switch: Form
    contacts: Choice[Contact]


async def access(services: Services, client_id: UUID, switch: Form | None) -> Access:
    """Everything the page shows; `switch` is the form of the portal's switch. Raises `ServiceProblem` when there is no
    such client.
    """
    client = await services.identity.get(f"clients/{client_id}", ClientAccess)
    switch = switch or Form({"user_id": client.portal_user_id})
    user = None
    if client.portal_user_id:
        user = await services.identity.get(f"contacts/{client.portal_user_id}", Contact)
    return Access(client, user, switch, await contacts(services, client_id, switch))


def offered(areas: Areas) -> Offered:
    """What may be closed for a client."""
    return {"modules": areas.modules, "actions": areas.actions}


def inputs(client: ClientAccess, offered: Offered) -> dict[str, object]:
    """The client's settings as the inputs of their form."""
    ticks = {f"sign_in_methods-{method}": "on" for method in client.sign_in_methods}
    for field, kept in KEPT_AS.items():
        ticks |= {f"{field}-{each.name}": "on" for each in offered[field] if each.name not in getattr(client, kept)}
    domains = map(shown_domain, client.allowed_domains)
    lines = {"allowed_networks": "\n".join(client.allowed_networks), "allowed_domains": "\n".join(domains)}
    switches = {name: "on" if getattr(client, name) else "" for name in SWITCHES}
    return {**ticks, **lines, **switches, "language": client.language, "second_factor": client.second_factor}


def stored(client: ClientAccess, actor: Actor, offered: Offered) -> Stored:
    """The settings as inputs, and as one would say those that were on the form for this member of staff."""
    words = {
        "sign_in_methods": (
            _("Sign in by"),
            ", ".join(_(each[1]) for each in METHODS if each[0] in client.sign_in_methods),
        ),
        "second_factor": (
            _("Second factor"),
            _("Required") if client.second_factor == "required" else _("Optional"),
        ),
        "allowed_networks": (_("Networks"), ", ".join(client.allowed_networks) or _("Any")),
        "allowed_domains": (_("Domains for registration"), ", ".join(client.allowed_domains) or _("None")),
        "team_invites": (_("Team"), _("Their primary contact invites") if client.team_invites else _("You manage it")),
        "session_recording": (_("Session recording"), _("On") if client.session_recording else _("Off")),
        "language": (_("Language"), client.language),
        **{field: (_(word), _open(client, field, offered)) for field, word in OPEN.items()},
    }
    decides = actor.can("managePortalAccess")
    said = {name: words[name] for name in words if decides or name not in WAYS_IN}
    return Stored(inputs(client, offered), said)


def _open(client: ClientAccess, field: str, offered: Offered) -> str:
    return ", ".join(_(each.label) for each in offered[field] if each.name not in getattr(client, KEPT_AS[field]))


def sent(data: Mapping[str, str]) -> dict[str, str]:
    """The form as it came: what was not ticked is not in it."""
    return {**dict.fromkeys(SWITCHES, ""), **data}


def body(form: Form, actor: Actor, offered: Offered) -> dict[str, object]:
    """What the form asks for, without what was not on it for this member of staff."""
    methods = [method for method, *_ in METHODS if form.values[f"sign_in_methods-{method}"]]
    decides = actor.can("managePortalAccess")
    if decides and not methods:
        form.error = _("Choose at least one sign-in method.")
    lists = {name: form.values[name].split() for name in LINES}
    chosen = {name: form.values[name] for name in ("second_factor", "language")}
    closed = {
        field: [each.name for each in of if not form.values[f"{field}-{each.name}"]] for field, of in offered.items()
    }
    switches = {name: bool(form.values[name]) for name in SWITCHES}
    asked = {"sign_in_methods": methods, **lists, **chosen, **closed, **switches}
    return {name: value for name, value in asked.items() if decides or name not in WAYS_IN}


def changes(form: Edit, actor: Actor, offered: Offered) -> dict[str, object]:
    """What of the form is worth sending, as identity calls it."""
    return {KEPT_AS.get(name, name): value for name, value in form.only_changed(body(form, actor, offered)).items()}
