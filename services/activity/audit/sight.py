"""What somebody who acts within one client reads of an event's data: nothing that is private or hidden by now."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts import EVENTS
from shared.events import publisher_of

WORK: dict[str, Mapping[str, str]] = {
    kind.type: getattr(kind, "hidden_by", {})
    for kind in EVENTS.values()
    if publisher_of(kind.subject) not in ("identity", "notifications")
}
"""The events about work, of all services but those of accounts and webhooks, and which hidden field keeps what they
name from the client. Of them a client may know what its feed tells, and who opened what.
"""
OPEN = frozenset({"name", "status", "old", "new", "version", "fields", "project_id", "project_name", "target_on"})
"""Fields shown for every project that the client sees; others only if they can be hidden and are not."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ClientSight:
    """What one client sees now: its shared projects, each with what it hides (rows of `id` and `hides`)."""

    def __init__(self, client_id: UUID | None, shared: Iterable[Mapping[str, Any]]) -> None:
        self._client_id = str(client_id)
        self._hidden = {str(row["id"]): frozenset[str](row["hides"]) for row in shared}

    def told(self, kind: str, subject: UUID, detail: str) -> bytes:
        """The data of an event about `subject`, a JSON text, as the client may read it."""
        data: Any = msgspec.json.decode(detail)
        if kind in WORK:
            return msgspec.json.encode(self._of_work(WORK[kind], str(subject), data))
        return msgspec.json.encode(self._named(data))

    def _of_work(self, hidden_by: Mapping[str, str], subject: str, data: dict[str, Any]) -> dict[str, Any]:
        hidden = self._hidden.get(data.get("project_id", subject), frozenset(hidden_by.values()))
        shown = OPEN.union(name for name, field in hidden_by.items() if field not in hidden)
        told = {name: value for name, value in data.items() if name in shown}
        if "fields" in told:
            kept = {*data.get("hidden", ()), *(name for name, field in hidden_by.items() if field in hidden)}
            told["fields"] = [field for field in told["fields"] if field not in kept]
        return told

    def _named(self, value: Any) -> Any:
        """Without projects that the client does not see (in roles, in a visited path), and without other clients."""
        match value:
            case dict():
                items: Iterable[tuple[str, Any]] = value.items()
                return {
                    name: self._named(each)
                    for name, each in items
                    if not (_ID.fullmatch(name) and name not in self._hidden)
                    and not (name.endswith("client_id") and each != self._client_id)
                }
            case str() if value.startswith("/"):
                return _ID.sub(lambda found: found[0] if found[0] in self._hidden else "*", value)
            case _:
                return value
