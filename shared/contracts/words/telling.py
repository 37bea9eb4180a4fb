"""What happened, in words: made from an entry's facts when somebody reads it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.contracts import EVENTS
from shared.contracts.words import identity, notifications, projects, reminders
from shared.contracts.words.lines import Facts, Line, plain
from shared.events import EventData
from shared.language import SOURCE, day, marked, ngettext, speaking
from shared.language import gettext as _
from shared.texts import isolated

LINES: Mapping[str, Line] = {
    kind.type: line for module in (projects, identity, notifications, reminders) for kind, line in module.LINES.items()
}
FIELDS, STATUSES, REASONS = projects.FIELDS, projects.STATUSES, notifications.REASONS | identity.REASONS
PORTAL = marked("The portal")
"""Who did it where no person did."""
REMEMBERED = 10_000
"""So many entries are not put into words again when the next person reads them."""


class Words(NamedTuple):
    """`title` and `many` go on where the name of who did it ends; `many` is empty where each stands by itself, and
    `to_client` and `to_own` where its people, or the person whom it is about, read the same as everybody.
    """

    title: str
    description: str
    many: str = ""
    to_client: str = ""
    to_own: str = ""


def told_fields(data: EventData) -> list[str]:
    """Which fields the entry of an event names: those that were open to the client, or all where none was."""
    fields: list[str] = getattr(data, "fields", [])
    hidden: list[str] = getattr(data, "hidden", [])
    return [field for field in fields if field not in hidden] or fields


def keep(data: EventData) -> msgspec.Raw:
    """The facts that the words for `data` are made of, as JSON to store."""
    facts = msgspec.convert(data, Facts, from_attributes=True)
    return msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(facts, fields=told_fields(data))))


@lru_cache(REMEMBERED)
def say(kind: str, facts: str, hidden: tuple[str, ...] = (), language: str = SOURCE) -> Words:
    """The words for an event of the type `kind` with these `facts`, in `language`, for somebody from whom the project
    hides `hidden`.
    """
    with speaking(language):
        return _say(kind, facts, hidden)


def _say(kind: str, facts: str, hidden: tuple[str, ...]) -> Words:
    line = LINES.get(kind)
    if line is None:  # a newer version wrote it
        return Words(plain(kind), "")
    known = msgspec.json.decode(facts, type=Facts)
    hidden_by: Mapping[str, str] = getattr(EVENTS[kind], "hidden_by", {})
    fields = [field for field in known.fields if hidden_by.get(field, field) not in hidden]
    title = line.title if isinstance(line.title, str) else line.title(known)
    shown = _shown(known, fields)
    return Words(
        _(title).format_map(shown),
        _(line.description).format_map(shown),
        _(line.many),
        _(line.to_client).format_map(shown),
        _(line.to_own).format_map(shown),
    )


def thing(kind: str) -> str:
    """What an event of the type `kind` happened to, where it cannot be named, in the language that is spoken; "" where
    the words for it do without a name.
    """
    noun = projects.THINGS.get(EVENTS[kind].subject.split(".")[1])
    return _(noun) if noun else ""


def sentence(words: Words, actor_name: str, *, to_client: bool, own: bool = False) -> str:
    """What somebody is notified of, without a full stop; `to_client`: they are of the client's people; `own`: it is
    about themselves.
    """
    return (words.to_own if own else "") or (words.to_client if to_client else "") or f"{who(actor_name)} {words.title}"


def advise(kind: str, facts: Facts) -> str:
    """What whoever gets a mail about it can do, in the language that is spoken; "" where there is nothing to do."""
    advice = LINES[kind].advice
    return _(advice if isinstance(advice, str) else advice(facts)).format_map(_shown(facts, []))


def who(actor_name: str) -> str:
    """Who did it, as a sentence begins: "Jonas Weber finished Visual design"."""
    return isolated(actor_name) or _(PORTAL)


def _shown(facts: Facts, fields: list[str]) -> Mapping[str, str]:
    changed = ", ".join(_(FIELDS.get(field, plain(field))) for field in fields)
    return {
        "name": isolated(facts.name),
        "project_name": isolated(facts.project_name),
        "target_on": day(facts.target_on, "MMM y") if facts.target_on else "",
        "old": _(STATUSES.get(facts.old, plain(facts.old))),
        "new": _(STATUSES.get(facts.new, plain(facts.new))),
        "fields": changed[:1].upper() + changed[1:],
        "reason": _(REASONS.get(facts.reason, plain(facts.reason))),
        "host": facts.host,
        "pause": ngettext("{count} minute", "{count} minutes", facts.minutes) if facts.minutes else _("a while"),
        "due_on": day(facts.due_on, "MMM y") if facts.due_on else "",
    }
