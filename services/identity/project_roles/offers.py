"""What an offered role is worth today (decision 0104), and what the invitation may therefore say."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from services.identity.people.known_projects import KnownProject
from services.identity.people.models import Person
from services.identity.project_roles import queries
from services.identity.project_roles.models import Ahead, OfferedRole, ProjectAhead, require_may_give
from services.identity.team.queries import require_open
from shared.actor import SYSTEM, Actor
from shared.database import Db
from shared.errors import DomainError, NotFound

MOST_NAMED = 10


async def look_ahead(db: Db, person: Person) -> Ahead:
    """The roles that `person` has or would get if they accepted now, in the projects that their client can see."""
    if person.client_id is None:
        return Ahead()
    roles = await queries.load_roles(db, person, SYSTEM)
    for _, offered in await still_given(db, person):
        roles |= offered
    shared = KnownProject.id.in_(roles), KnownProject.client_id == person.client_id, ~KnownProject.private
    called = select(KnownProject.id, KnownProject.name).order_by(func.folded(KnownProject.name), KnownProject.id)
    found = (await db.execute(called.where(*shared))).all()
    named = [ProjectAhead(row.name, roles[row.id]) for row in found if row.name][:MOST_NAMED]
    return Ahead(named, len(found) - len(named), every_project=person.is_primary_contact)


async def still_given(db: Db, person: Person) -> list[tuple[Actor, dict[UUID, str]]]:
    """By who offered it, what of the offered roles they could give today: with the rights they have now, in a project
    that is still there for them to name.
    """
    offers = list(await db.scalars(select(OfferedRole).where(OfferedRole.person_id == person.id)))
    found: list[tuple[Actor, dict[UUID, str]]] = []
    for giver_id in sorted({each.offered_by for each in offers}):
        giver = await queries.acting(db, giver_id)
        theirs = [each for each in offers if each.offered_by == giver_id]
        good = {each.project_id: each.role for each in theirs if await _could_give(db, giver, person, each)}
        found.append((giver, good))
    return found


async def _could_give(db: Db, giver: Actor, person: Person, offer: OfferedRole) -> bool:
    try:
        if giver.kind == "client":
            await require_open(db, giver)
        before = await queries.load_roles(db, person, giver)
        await _require(db, giver, person, before, {offer.project_id: offer.role})
    except DomainError:
        return False
    return True


async def require_may_change(db: Db, actor: Actor, person: Person, changes: Mapping[UUID, str | None]) -> None:
    """Raises `NotFound` for a project that the actor cannot name, and what `require_may_give` does."""
    before = {**await queries.load_offered(db, person, actor), **await queries.load_roles(db, person, actor)}
    await _require(db, actor, person, before, changes)


async def _require(
    db: Db, actor: Actor, person: Person, before: Mapping[UUID, str], changes: Mapping[UUID, str | None]
) -> None:
    if await queries.count_known_projects(db, actor, person.client_id, set(changes)) < len(changes):
        raise NotFound
    after = {project: role for project, role in {**before, **changes}.items() if role}
    require_may_give(actor, person, before, after)
