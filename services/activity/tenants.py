"""Whose activity is asked for, and what of it the caller may see."""

from uuid import UUID

from shared.actor import Actor
from shared.errors import Invalid, NotFound
from shared.language import gettext as _

COMPANY = UUID(int=0)
"""Stands for the client where something concerns none: staff, and the company's own settings."""


class ClientNotNamed(Invalid):
    code = "client.not_named"

    def __init__(self) -> None:
        super().__init__(_("Name the client."), field="client_id")


def looks_behind(actor: Actor) -> bool:
    """Whether the actor sees what a client is not told. Who acts within one client does not, nor who views as it."""
    return actor.sees_all_clients


def require_tenant(actor: Actor, client_id: UUID | None) -> UUID:
    """The client meant: a client's people always mean their own, staff name one.

    Raises `NotFound` for anybody else's, the same as for none, and `ClientNotNamed` if staff name nobody.
    """
    tenant = client_id or actor.client_id
    if tenant is None:
        raise ClientNotNamed
    if not actor.sees(tenant):
        raise NotFound
    return tenant
