"""A client's own identity provider, and who of its people is who there."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import msgspec
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.letting_in import require_may_let_in
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SingleSignOnChanged
from shared.errors import Conflict, Invalid, Unauthorized, Unavailable
from shared.language import gettext as _
from shared.orm import Base, Identified, Timestamped

LIFETIME = timedelta(minutes=10)
"""How long somebody may take at the provider."""


class SingleSignOnRefused(Unauthorized):
    """Old or foreign answer, wrong token, unknown person, closed portal: never told apart."""

    code = "auth.sso_refused"

    def __init__(self) -> None:
        super().__init__(_("Your organisation's sign-in leads to no account here. Start again, or ask who manages it."))


class ProviderAway(Unavailable):
    code = "auth.sso_away"

    def __init__(self) -> None:
        super().__init__(_("Your organisation's sign-in is not answering. Try again in a moment."), retry_after=30)


class OtherIssuer(ProviderAway):
    """What answers at the address names itself in another way, if only by a slash; to compare them would be a guess."""

    def __init__(self, told: str) -> None:
        super().__init__()
        self.told = told


class IssuerUnusable(Invalid):
    code = "single_sign_on.issuer_unusable"

    def __init__(self, why: str) -> None:
        super().__init__(why, field="issuer")


class SecretNeeded(Invalid):
    """A secret is for the issuer it was given for: pointing another one at it must not hand it over."""

    code = "single_sign_on.secret_needed"

    def __init__(self) -> None:
        super().__init__(_("Enter the client secret that this provider gave you."), field="client_secret")


class OnlyWayIn(Conflict):
    code = "single_sign_on.only_way_in"

    def __init__(self) -> None:
        super().__init__(_("The people of this client have no other sign-in method. Allow another one first."))


class DomainTaken(Conflict):
    code = "single_sign_on.domain_taken"

    def __init__(self) -> None:
        super().__init__(_("Another client's people sign in with one of these domains."), field="domains")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A client's provider, ready to talk to. Holds the secret itself, so it is never stored or logged."""

    client_id: UUID
    issuer: str
    oauth_client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Provider({self.issuer})"


class IdentityProvider(Base, Timestamped):
    """Where people with an address in one of `domains` prove who they are. `secret` is sealed, bound to the client."""

    __tablename__ = "identity_providers"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    oauth_client_id: Mapped[str]
    secret: Mapped[bytes] = mapped_column(repr=False)
    domains: Mapped[list[str]] = mapped_column(ARRAY(Text))

    @classmethod
    def set_up(cls, actor: Actor, client_id: UUID, values: Mapping[str, Any]) -> tuple[Self, SingleSignOnChanged]:
        """The provider of a client that had none. Raises what `require_may_let_in` does, as all changes of it do."""
        require_may_let_in(actor)
        return cls(client_id=client_id, **values), SingleSignOnChanged(fields=sorted(values))

    def change(self, actor: Actor, values: Mapping[str, object]) -> SingleSignOnChanged | None:
        """Take over what is new; None where nothing is."""
        require_may_let_in(actor)
        new = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in new.items():
            setattr(self, name, value)
        return SingleSignOnChanged(fields=sorted(new)) if new else None

    def remove(self, actor: Actor) -> SingleSignOnChanged:
        """Say that nobody signs in here any more."""
        require_may_let_in(actor)
        return SingleSignOnChanged(fields=[])


class FederatedIdentity(Base, Identified):
    """Somebody as a provider knows them. Issuer and subject are the identity; an address is none (RFC 9700)."""

    __tablename__ = "federated_identities"

    client_id: Mapped[UUID]
    person_id: Mapped[UUID]
    issuer: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
