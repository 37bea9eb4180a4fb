"""Telling people, and what they have read."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from services.notifications.bell import queries
from services.notifications.bell.models import Happening, Sight
from services.notifications.bell.queries import NotificationView
from services.notifications.people import COMPANY
from services.notifications.rules import Rule
from services.notifications.things import GONE, KEPT, OF_TOLD, is_for
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import now, uuid7
from shared.contracts import EVENTS
from shared.contracts.notifications import BellChanged, MailOrdered
from shared.contracts.words.lines import Facts
from shared.database import Db, driver

# Each person once: their row and the event's are written together, and the inbox lets an event come once. What is
# for nobody is not kept. A primary contact is a viewer at least.
_TELL = f"""
with t as (select * from json_populate_record(null::told, $1)),
     recipients as materialized (
        select p.id, p.client_id,
            case when c.channel = any($8::text[]) then c.channel else $9::text end as channel
        from t {OF_TOLD}
        join people p on p.may_enter and p.id is distinct from t.actor_id and (
            p.client_id = t.client_id and p.client_id <> $2 and not {KEPT} and (
                t.project_id is null and p.is_primary_contact and $4
                or t.project_id is not null and (
                    p.is_primary_contact and 'viewer' = any($3::text[]) or p.roles ->> t.project_id::text = any($3)))
            or p.client_id = $2 and $5::text = any(p.policies)
                and (not p.limited or $6 and t.project_id = any(p.projects))
            or $11 and p.id = t.target_id)
        left join (select client_id, person_id, channels ->> $7::text as channel from choices) c
            on c.client_id = p.client_id and c.person_id = p.id
        where {is_for("(p.is_primary_contact or p.client_id = $2 and not p.limited)", "p.id", "p.roles")}
            and not {GONE} and not exists (select from clients where clients.id = p.client_id and not open)
            and not ($10 and exists (
                select from told earlier join bell b on b.position = earlier.position and b.person_id = p.id
                where earlier.target_id = t.target_id and earlier.type = t.type))
            and ($12::interval is null or not exists (
                select from told before join bell b on b.position = before.position and b.person_id = p.id
                where before.type = t.type and before.at > t.at - $12
                    and (before.target_id = p.id) = (t.target_id = p.id)
                    and before.facts ->> 'reason' is not distinct from t.facts ->> 'reason'))),
     chosen as (
        select * from recipients
        where client_id <> $2 or id = any($13::uuid[]) or not exists (select from recipients m where m.id = any($13))),
     reached as materialized (select * from chosen where channel <> 'none'),
     kept as (insert into told select t.* from t where exists (select from reached)),
     rung as (insert into bell (person_id, position, client_id)
              select r.id, t.position, r.client_id from reached r cross join t)
select id, client_id, channel from reached
"""  # noqa: S608  (our own text)
_OFTEN = """
select b.person_id from told t join bell b on b.position = t.position and b.person_id = any($3)
where t.target_id = $1 and t.at > $2 group by b.person_id having count(*) > $4
"""
_FORGET = """
with old as (select position from told where at < $1 order by at limit $2),
     gone as (delete from bell using old where bell.position = old.position)
delete from told using old where told.position = old.position
"""
KEPT_FOR = timedelta(days=90)
MAILS_A_DAY = 3
"""Who is notified of one thing more often than so within a day gets no more mails about it; the bell goes on. What a
rule has `once_in` a time anyway is not counted.
"""
AT_ONCE = 1000
"""People whose bell one event says has changed: an event has a bound, and a client no bound of people."""
_READ = "update bell set read_at = $3 where person_id = $1 and position = $2 and read_at is null"
# What is hidden now was not shown: it is unread when it is shown again.
_ALL_READ = f"""
update bell set read_at = $12 where person_id = $1 and client_id = $2 and position in ({queries.SHOWN_UNREAD})
"""  # noqa: S608  (our own text)


class ReadAll(msgspec.Struct, forbid_unknown_fields=True):
    """`upto_id` is the newest one that was shown: what came later stays unread. Without it everything is read."""

    upto_id: UUID | None = None


async def tell(db: Db, happening: Happening, rule: Rule, team: Sequence[UUID] = ()) -> None:
    """Tell everybody whom the rule names, by the channel that they chose; of the company, those of the `team` alone if
    it names any. Called by the fold alone.
    """
    connection = await driver(db)
    rows = await connection.fetch(
        _TELL,
        msgspec.json.encode(happening).decode(),
        COMPANY,
        list(rule.roles),
        rule.primary_contacts,
        rule.policy,
        rule.reaches_limited,
        rule.chosen_as(EVENTS[happening.type]),
        list(rule.channels),
        rule.default,
        rule.once,
        bool(rule.own),
        rule.once_in,
        list(team),
    )
    await _ring(db, SYSTEM, happening.id, [row["id"] for row in rows], happening.client_id)
    mailed = {row["id"]: row["client_id"] for row in rows if row["channel"] == "bell_and_mail"}
    if rule.own:
        mailed = {each: mailed[each] for each in mailed.keys() & {happening.target_id}}
    if mailed and not rule.once_in:
        day_before = happening.at - timedelta(days=1)
        often = await connection.fetch(_OFTEN, happening.target_id, day_before, list(mailed), MAILS_A_DAY)
        mailed = {each: mailed[each] for each in mailed.keys() - {row["person_id"] for row in often}}
    await _order(db, happening, rule, mailed)


async def _order(db: Db, happening: Happening, rule: Rule, mailed: Mapping[UUID, UUID]) -> None:
    """Have identity mail it to each of these people (with their clients)."""
    facts = msgspec.json.decode(happening.facts, type=Facts)
    target = happening.target_type, happening.target_id
    for person_id, client_id in mailed.items():
        order = MailOrdered(
            person_id=person_id,
            about=happening.type,
            facts=facts,
            actor_name=happening.actor_name,
            path=rule.place(target, happening.project_id, person_id, staff=client_id == COMPANY),
            module=happening.publisher,
            policy="" if rule.own else rule.policy,
            project_id=happening.project_id,
            own=bool(rule.own),
            thread=happening.project_id or happening.target_id,
            client_id=_client(happening.client_id),
            fixed=bool(rule.fixed),
        )
        await outbox.append(db, SYSTEM, order, client_id=_client(client_id), aggregate_id=uuid7())


async def read_one(db: Db, actor: Actor, notification_id: UUID) -> NotificationView:
    """Mark one as read; one that is already stays so. Raises `NotFound`."""
    connection = await driver(db)
    found = await queries.find(connection, actor, notification_id)
    if await connection.execute(_READ, actor.id, found["position"], now()) != "UPDATE 0":
        await _ring_own(db, actor)
    return queries.view(found, actor, read=True)


async def read_all(db: Db, actor: Actor, upto: UUID | None) -> None:
    """Mark as read what the list shows, up to the one that is named. Raises `NotFound` if it is not the caller's."""
    connection = await driver(db)
    place = await queries.place_of(connection, actor, upto) if upto else queries.LAST
    mine = queries.values(Sight.of(actor))
    if await connection.execute(_ALL_READ, *mine, place, now()) != "UPDATE 0":
        await _ring_own(db, actor)


async def forget(db: Db) -> bool:
    """Drop what is older than `KEPT_FOR`, a part of it at a time. Whether there may be more."""
    gone = await (await driver(db)).execute(_FORGET, now() - KEPT_FOR, AT_ONCE)
    return gone == f"DELETE {AT_ONCE}"


async def _ring_own(db: Db, actor: Actor) -> None:
    """The caller's other tabs show it as well."""
    if actor.id:
        await _ring(db, actor, actor.id, [actor.id], actor.client_id or COMPANY)


async def _ring(db: Db, actor: Actor, about: UUID, people: Sequence[UUID], client_id: UUID) -> None:
    for first in range(0, len(people), AT_ONCE):
        changed = BellChanged(people=list(people[first : first + AT_ONCE]))
        await outbox.append(db, actor, changed, client_id=_client(client_id), aggregate_id=about)


def _client(client_id: UUID) -> UUID | None:
    return None if client_id == COMPANY else client_id
