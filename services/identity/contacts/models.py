"""A client's contacts: its people as the company keeps them, whether they may sign in or not (decision 0045)."""

from collections.abc import Mapping
from uuid import UUID

from services.identity.clients.models import Client
from services.identity.people.models import Person
from shared.actor import Actor
from shared.errors import Conflict, Invalid
from shared.language import gettext as _


class NotReady(Invalid):
    """A contact with access has an address and is active, and so is their client. Lists everything that is missing."""

    code = "contact.not_ready"

    def __init__(self, missing: Mapping[str, str]) -> None:
        super().__init__(" ".join(missing.values()))
        self._missing = dict(missing)

    @property
    def errors(self) -> dict[str, str]:
        return self._missing


class HasAccount(Conflict):
    code = "contact.has_account"

    def __init__(self) -> None:
        super().__init__(_("This contact has been in the portal already. They can ask for a sign-in link themselves."))


class EmailNeeded(Invalid):
    code = "contact.email_needed"

    def __init__(self) -> None:
        super().__init__(_("Who may sign in needs an address. Take away their access first."), field="email")


class LinkedToPortal(Conflict):
    code = "contact.linked_to_portal"

    def __init__(self) -> None:
        super().__init__(_("The portal of their client is linked to this contact. Link it to somebody else first."))


class SameClient(Conflict):
    code = "contact.same_client"

    def __init__(self) -> None:
        super().__init__(_("This is the contact's client already."), field="client_id")


def require_ready(person: Person, client: Client, *, let_in: bool = False) -> None:
    """Check that somebody can get access or, with `let_in`, that they have it. Raises `NotReady`."""
    missing: dict[str, str] = {}
    if not person.email:
        missing["email"] = _("The contact has no e-mail address.")
    if not person.active:
        missing["active"] = _("The contact is not active.")
    if not client.active:
        missing["client"] = _("The client is not active.")
    elif not client.portal_enabled:
        missing["client"] = _("The client's portal is closed.")
    if let_in and not person.portal_access:
        missing["portal_access"] = _("The contact has no access to the portal.")
    if missing:
        raise NotReady(missing)


def client_of(person: Person, clients: Mapping[UUID, Client]) -> Client:
    """Whose contact somebody is."""
    return next(client for client in clients.values() if client.id == person.client_id)


def take_over(actor: Actor, person: Person, client_id: UUID) -> None:
    """Make somebody this client's contact, with nothing but what stands in an address book."""
    person.change(actor, {"client_id": client_id, "portal_access": False, "is_primary_contact": False})
