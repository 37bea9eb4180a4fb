"""What one person did again and again is one line, "Jonas Weber added 8 milestones", with all of them on demand."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from services.portal.answers import Entry

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
        if len(self.entries) == 1 or self.newest.many is None:
            return self.newest.title
        return self.newest.many.replace("{count}", str(len(self.entries)))

    def goes_on_with(self, entry: Entry) -> bool:
        """Whether `entry`, the one before in time, belongs to it."""
        last = self.entries[-1]
        same = all(getattr(last, name) == getattr(entry, name) for name in ("type", "actor", "project_id", "private"))
        return same and entry.many is not None and last.at - entry.at <= PAUSE


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
