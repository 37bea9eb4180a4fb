"""What one person did again and again is one line, "Jonas Weber added 8 milestones", with all of them on demand."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from services.portal.answers import Entry
from shared.texts import isolated

DONE_TO_MANY = {
    "milestone_created": "added {} milestones",
    "milestone_updated": "changed {} milestones",
    "milestone_completed": "finished {} milestones",
    "milestone_reopened": "reopened {} milestones",
    "milestone_shared": "shared {} milestones with the client",
    "milestone_withdrawn": "took {} milestones back from the client",
}
PAUSE = timedelta(hours=1)
"""A longer one ends a run."""


class Run(msgspec.Struct, frozen=True):
    """Entries of one kind, by one person in one project, newest first; most often a single one."""

    entries: list[Entry]

    @property
    def newest(self) -> Entry:
        return self.entries[0]

    @property
    def title(self) -> str:
        """The sentence of its only entry, or the one for all of them together."""
        if len(self.entries) == 1:
            return self.newest.title
        who = self.newest.actor.name if self.newest.actor else None
        return f"{isolated(who or 'The portal')} {DONE_TO_MANY[self.newest.type].format(len(self.entries))}"

    def goes_on_with(self, entry: Entry) -> bool:
        """Whether `entry`, the one before in time, belongs to it."""
        last = self.entries[-1]
        same = all(getattr(last, name) == getattr(entry, name) for name in ("type", "actor", "project_id", "private"))
        return same and entry.type in DONE_TO_MANY and last.at - entry.at <= PAUSE


def runs(entries: Iterable[Entry]) -> Iterator[Run]:
    """The entries, newest first, as the runs they make."""
    run: Run | None = None
    for entry in entries:
        if run and run.goes_on_with(entry):
            run.entries.append(entry)
            continue
        if run:
            yield run
        run = Run([entry])
    if run:
        yield run
