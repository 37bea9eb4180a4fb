"""What an event means here: a pure function. Each publisher's events have their meanings in a module of their own.

Everything is recorded in the audit log, also what nothing else is known of.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from services.activity.audit.models import PERSONAL, Author, Presence, Record, without_person
from services.activity.feed.models import Ended
from services.activity.fold import identity, projects
from services.activity.fold.meaning import Meaning
from services.activity.kpis.models import ClientFact
from services.activity.overview.models import Bare, publisher
from services.activity.recordings.models import Visit
from services.activity.tenants import COMPANY
from shared.contracts import EVENTS
from shared.contracts.entries.entry import Entry, about_of
from shared.events import EventData, RawEvent

_SAID = {**identity.MEANINGS, **projects.MEANINGS}


def meaning_of(kind: type[EventData]) -> Meaning:
    """What is said of the type itself, and where nothing is, of its nearest base."""
    said = [_SAID[each] for each in kind.__mro__ if each in _SAID]
    found = {
        name: next(filter(None, (getattr(each, name) for each in said)), None) for name in ("ends", "fact", "keeps")
    }
    return Meaning(**found, is_visit=any(each.is_visit for each in said))


MEANINGS: Mapping[type[EventData], Meaning] = {kind: meaning_of(kind) for kind in EVENTS.values()}
_NOTHING = Meaning()


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """One event, taken apart into what each feature keeps of it."""

    record: Record
    author: Author | None
    presence: Presence | None
    entry: Entry | None
    turned: UUID | None
    """The project of which something was shared, withdrawn, hidden or shown: the visibility of its entries is computed
    again.
    """
    bare: Bare | None
    ended: Ended | None
    fact: ClientFact | None
    visit: Visit | None


def fact_of(event: RawEvent) -> ClientFact | None:
    """What the figures learn from an event. Raises as `fold` does."""
    kind = EVENTS.get(event.type)
    learn = MEANINGS[kind].fact if kind else None
    return learn(event, msgspec.json.decode(event.data, type=kind)) if learn and kind else None


def fold(event: RawEvent, position: int) -> Folded:
    """Take one event apart. Raises `msgspec.ValidationError` if its data is not what its type promises."""
    kind = EVENTS.get(event.type)
    data = msgspec.json.decode(event.data, type=kind) if kind else None
    meaning = MEANINGS[kind] if kind else _NOTHING
    tenant = event.clientid or COMPANY
    about = about_of(event, data)
    end = meaning.ends(event, data) if meaning.ends else None
    return Folded(
        record=_record(event, position, tenant, kind),
        author=_author(event, tenant),
        presence=_presence(event, tenant, data),
        entry=Entry.of(event, position, data, about) if data and about else None,
        turned=about.project_id if about and about.turns else None,
        bare=_bare(event, data, meaning),
        ended=end and Ended(position=position, client_id=tenant, at=event.time, **msgspec.structs.asdict(end)),
        fact=meaning.fact(event, data) if meaning.fact else None,
        visit=_visit(event, position, tenant) if meaning.is_visit else None,
    )


def _bare(event: RawEvent, data: Any, meaning: Meaning) -> Bare | None:
    if meaning.keeps is None or event.clientid is None or data.summary is not UNSET:
        return None
    return Bare(
        client_id=event.clientid,
        id=event.subject,
        publisher=publisher(event),
        private=meaning.keeps(data),
        hides=None if data.hidden_fields is UNSET else data.hidden_fields,
        version=data.version,
    )


def _record(event: RawEvent, position: int, tenant: UUID, kind: type[EventData] | None) -> Record:
    detail = without_person(msgspec.json.decode(event.data))
    return Record(
        client_id=tenant,
        position=position,
        event_id=event.id,
        type=event.type,
        subject=event.subject,
        actor_id=event.actorid,
        actor_kind=event.actorkind,
        session_id=event.sessionid,
        trace_id=event.traceparent[3:35],
        at=event.time,
        detail=msgspec.json.encode(detail, order="sorted").decode(),
        security=kind is not None and kind.audit == "security",
        financial=kind is not None and kind.audit == "financial",
    )


def _author(event: RawEvent, tenant: UUID) -> Author | None:
    if not (event.actorid and event.actorname):
        return None
    return Author(id=event.actorid, client_id=tenant if event.actorkind == "client" else COMPANY, name=event.actorname)


def _presence(event: RawEvent, tenant: UUID, data: EventData | None) -> Presence | None:
    """From where the session was opened, or tried: its event says all of that; `sessionid` is an id of the attempt."""
    if not event.sessionid:
        return None
    ip, user_agent = (getattr(data, name, None) for name in PERSONAL)
    if not ip or user_agent is None:
        return None
    return Presence(session_id=event.sessionid, client_id=tenant, ip=ip, user_agent=user_agent)


def _visit(event: RawEvent, position: int, tenant: UUID) -> Visit:
    return Visit(
        client_id=tenant,
        session_id=event.subject,
        position=position,
        actor_id=event.actorid,
        actor_kind=event.actorkind,
        at=event.time,
    )
