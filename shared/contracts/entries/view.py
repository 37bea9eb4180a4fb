"""An entry as it is answered, streamed and sent: one shape for all who read it."""

from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg import Record

from shared.contracts.words.lines import plain
from shared.contracts.words.telling import Words, say, who
from shared.language import current


class ActorView(msgspec.Struct, frozen=True):
    """Who did it; both empty when the portal itself did."""

    id: UUID | None
    name: str


class TargetView(msgspec.Struct, frozen=True):
    """What it was done to; `url` is a path inside the portal."""

    type: str
    id: UUID
    url: str | None


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the feed. `seq` is its place in the order of all events, and its id in the live stream.

    `client_id` is said to staff only, who may see several clients in one list. `private`: the client is not told; where
    it is, there is no such field. `many` is there for what is often done several times in a row: the title for all
    of them, with `{count}` where their number belongs.
    """

    id: UUID
    seq: int
    type: str
    title: str
    description: str
    actor: ActorView
    project_id: UUID | None
    target: TargetView
    at: datetime
    client_id: UUID | msgspec.UnsetType = msgspec.UNSET
    private: bool | msgspec.UnsetType = msgspec.UNSET
    many: str | msgspec.UnsetType = msgspec.UNSET


def view(entry: Record, *, behind: bool, tell_client: bool = False) -> EntryView:
    """An entry as callers get it, in the current language; `behind`: those who see what the client is not told."""
    project_id = entry["project_id"]
    words, name = _words(entry, behind=behind), who(entry["actor_name"])
    return EntryView(
        id=entry["id"],
        seq=entry["position"],
        type=entry["type"],
        title=f"{name} {words.title}",
        description=words.description,
        actor=ActorView(entry["actor_id"], entry["actor_name"]),
        project_id=project_id,
        target=TargetView(entry["target_type"], entry["target_id"], _place(entry)),
        at=entry["at"],
        client_id=entry["client_id"] if tell_client else msgspec.UNSET,
        private=entry["private"] or msgspec.UNSET,
        many=f"{name} {words.many}" if words.many else msgspec.UNSET,
    )


def _words(entry: Record, *, behind: bool) -> Words:
    if entry["facts"] is None:  # stored in words, by a version that did so
        return Words(entry["title"] or plain(entry["type"]), entry["description"] or "")
    hidden = () if behind else tuple(filter(None, (entry["hides"] or "").split(",")))
    return say(entry["type"], entry["facts"], hidden, current())


def _place(entry: Record) -> str | None:
    """Where the portal shows what an entry is about: a milestone on its project's page, the project, or nowhere."""
    if not entry["project_id"]:
        return None
    anchor = f"#milestone-{entry['target_id']}" if entry["target_type"] == "milestone" else ""
    return f"/projects/{entry['project_id']}{anchor}"
