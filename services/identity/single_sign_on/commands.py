"""Sign-in at a client's own provider: on the way there, back again, and staff's settings for it."""

from typing import Annotated
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.identity.challenges import answered, challenge
from services.identity.clients.queries import load_client
from services.identity.second_factors.queries import owes_factor
from services.identity.sessions import admission
from services.identity.sessions.admission import Pending
from services.identity.sessions.commands import Entry
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account, lock_visitor
from services.identity.single_sign_on import queries
from services.identity.single_sign_on.id_tokens import Subject
from services.identity.single_sign_on.models import (
    LIFETIME,
    DomainTaken,
    FederatedIdentity,
    IdentityProvider,
    OnlyWayIn,
    Provider,
    ProviderAway,
    SecretNeeded,
)
from services.identity.single_use import single_use
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.addresses import kept_domain
from shared.clock import now, uuid7
from shared.contracts.identity import IdentityLinked
from shared.database import Db
from shared.errors import Invalid
from shared.language import gettext as _
from shared.sealing import Sealer

STATE = single_use("single_sign_on")
log = structlog.get_logger("identity.single_sign_on")

Address = Annotated[str, Meta(max_length=500, pattern=r"^https?://[^\s\x00-\x20\x7f#?]+$(?!\n)")]
Domain = Annotated[str, Meta(max_length=253, pattern=r"^[^\s\x00-\x1f\x7f]+$(?!\n)")]
Visible = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[\x20-\x7e]+$(?!\n)")]
"""VSCHAR of RFC 6749, appendix A."""


class PutSingleSignOn(msgspec.Struct, forbid_unknown_fields=True):
    """`client_secret` may be left out while the one that is kept belongs to the same client of the same issuer."""

    issuer: Address
    oauth_client_id: Visible
    domains: Annotated[list[Domain], Meta(min_length=1, max_length=20)]
    client_secret: Visible | UnsetType = UNSET

    def __post_init__(self) -> None:
        try:
            self.domains = sorted({kept_domain(each) for each in self.domains})
        except ValueError as error:
            raise Invalid(_("One of these is not a domain. Write acme.example."), field="domains") from error


async def start(db: Db, client_id: UUID, flow: str, ip: str, sealer: Sealer) -> tuple[Provider, str]:
    """Begin a sign-in at the client's provider: where to go, and the state to bring back with the flow cookie.

    Raises `ProviderAway`, also where there was a provider a moment ago.
    """
    provider = await queries.find_provider(db, client_id)
    if provider is None:
        raise ProviderAway
    state = await challenge(db, STATE, flow, LIFETIME, client_id=client_id, facts={"issuer": provider.issuer, "ip": ip})
    return _opened(provider, sealer), state


async def take_start(db: Db, flow: str, state: str, sealer: Sealer) -> tuple[Provider | None, str]:
    """Use up a state in the browser it was made for: the provider it leads back from, if that is still the same, and
    the network address that began.
    """
    started = await answered(db, STATE, state, flow)
    provider = await queries.find_provider(db, started.client_id) if started else None
    if started is None or provider is None or provider.issuer != started.facts.get("issuer"):
        return None, ""
    return _opened(provider, sealer), started.facts.get("ip", "")


async def sign_in(
    db: Db, attempt: Attempt, provider: Provider | None, subject: Subject | None
) -> Entry | Pending | None:
    """Sign in the person of the provider's subject; None, with an event, if there is none who may sign in.

    The provider stands for both factors of whom it has brought before. Whoever it brings for the first time shows the
    second factor they have here, if they have one: an address alone does not get around it.
    """
    client_id = provider.client_id if provider else None
    person_id = await _known_as(db, client_id, subject) if client_id and subject else None
    owes = False
    if person_id is None and client_id and subject:
        person_id = await _newcomer(db, client_id, subject)
        owes = person_id is not None and await owes_factor(db, person_id)
        if person_id and not owes and not await link(db, Account(person_id, client_id), subject):
            person_id = None
    return await admission.sign_in(
        db,
        attempt,
        Account(person_id, client_id),
        "sso",
        proven=person_id is not None,
        second_factor="provider" if subject and not owes else "",
        kept={"newcomer": msgspec.to_builtins(subject)} if owes else {},
    )


async def _known_as(db: Db, client_id: UUID, subject: Subject) -> UUID | None:
    """Whom a subject is: by issuer and subject alone, and of no client but the provider's own."""
    known = await queries.find_identity(db, subject.issuer, subject.subject)
    return known.person_id if known and known.client_id == client_id else None


async def _newcomer(db: Db, client_id: UUID, subject: Subject) -> UUID | None:
    """Whom a new subject becomes: the client's person with the address that the provider has verified, in a domain the
    provider speaks for. Not somebody who has a subject there already: an address is given to the next one, too.
    """
    provider = await queries.find_provider(db, client_id)
    if provider is None or provider.issuer != subject.issuer:
        return None
    if subject.email.rpartition("@")[2] not in provider.domains:
        return None
    person_id = await queries.person_of(db, client_id, subject.email)
    if person_id is None:
        return None
    await lock_visitor(db, person_id)  # two subjects at once cannot both become this person
    return None if await queries.is_linked(db, person_id, subject.issuer) else person_id


async def link(db: Db, account: Account, subject: Subject) -> bool:
    """Know a new subject as this person from now on, if that is still whom it becomes."""
    client_id, person_id = account.client_id, account.person_id
    if client_id is None or person_id is None or await _newcomer(db, client_id, subject) != person_id:
        return False
    row = {"id": uuid7(), "client_id": client_id, "person_id": person_id, "created_at": now()}
    row |= {"issuer": subject.issuer, "subject": subject.subject}
    made = insert(FederatedIdentity).values(row).on_conflict_do_nothing().returning(FederatedIdentity.id)
    identity_id = await db.scalar(made)
    if identity_id is None:
        return False
    event = IdentityLinked(identity_id=identity_id)
    await outbox.append(db, SYSTEM, event, client_id=client_id, aggregate_id=person_id)
    return True


async def configure(db: Db, actor: Actor, client_id: UUID, data: PutSingleSignOn, sealer: Sealer) -> None:
    """Have a client's people sign in at this provider. Another issuer means that nobody is known there yet."""
    await load_client(db, client_id)
    domains = data.domains
    if await queries.other_has_domain(db, client_id, domains):
        raise DomainTaken
    provider = await queries.lock_provider(db, client_id)
    same = provider and (provider.issuer, provider.oauth_client_id) == (data.issuer, data.oauth_client_id)
    if data.client_secret is UNSET and not same:
        raise SecretNeeded
    values: dict[str, object] = {
        "issuer": data.issuer,
        "oauth_client_id": data.oauth_client_id,
        "domains": domains,
    }
    if data.client_secret is not UNSET:
        values["secret"] = sealer.seal(data.client_secret.encode(), _bound_to(client_id))
    if provider is None:
        provider, changed = IdentityProvider.set_up(actor, client_id, values)
        db.add(provider)
    else:
        changed = provider.change(actor, values)
        await _forget_people(db, client_id, but=data.issuer)
    await db.flush()
    if changed:
        await outbox.append(db, actor, changed, client_id=client_id, aggregate_id=client_id)


async def remove(db: Db, actor: Actor, client_id: UUID) -> None:
    """Have nobody sign in that way any more, and forget who was who there. Sessions go on.

    Raises `OnlyWayIn` if people would have no sign-in method left.
    """
    client = await load_client(db, client_id)
    provider = await queries.lock_provider(db, client_id)
    if provider is None:
        return
    if client.sign_in_methods == ["sso"]:
        raise OnlyWayIn
    changed = provider.remove(actor)
    await db.delete(provider)
    await _forget_people(db, client_id)
    await outbox.append(db, actor, changed, client_id=client_id, aggregate_id=client_id)


async def _forget_people(db: Db, client_id: UUID, but: str = "") -> None:
    await db.execute(
        delete(FederatedIdentity).where(FederatedIdentity.client_id == client_id, FederatedIdentity.issuer != but)
    )


def _opened(provider: IdentityProvider, sealer: Sealer) -> Provider:
    try:
        secret = sealer.open(provider.secret, _bound_to(provider.client_id)).decode()
    except ValueError as error:  # the installation's key is another one: staff have to enter the secret again
        log.warning("single_sign_on.secret_unreadable", client_id=str(provider.client_id))
        raise ProviderAway from error
    return Provider(
        client_id=provider.client_id,
        issuer=provider.issuer,
        oauth_client_id=provider.oauth_client_id,
        secret=secret,
    )


def _bound_to(client_id: UUID) -> bytes:
    return f"single-sign-on/{client_id}".encode()
