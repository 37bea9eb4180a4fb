"""Editing what others may edit at the same time.

An edit form carries a fingerprint of every field as it was opened. From them follows which fields the person changed
(only those are sent to the service) and, when somebody else was faster (412), which ones the other changed: these are
shown, and taken over where the person typed nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.portal.answers import Entry
from services.portal.clients import slot
from services.portal.forms import Form
from services.portal.page import Page
from shared.pagination import Page as Listing

CARRIED = ("opened", "version")
"""Hidden inputs of an edit form: the fingerprints, and the version of what is edited."""


class Theirs(msgspec.Struct, frozen=True):
    """One field that somebody else changed: what is stored now, and whether the person typed something else."""

    label: str
    value: str
    clashes: bool


class Collision(msgspec.Struct, frozen=True):
    """What happened while the form was open. `who` is "" where nobody can tell."""

    who: str
    at: datetime | None
    fields: Sequence[Theirs]


class Edit(Form):
    """A form over something stored. Inputs such as `team-0-name` and `team-1-name` are one field, `team`."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.collision: Collision | None = None
        if "opened" not in self.values:
            self.values["opened"] = " ".join(f"{name}:{mark}" for name, mark in self._marks().items())

    @classmethod
    def sent(cls, data: Mapping[str, str]) -> "Edit":
        """The form as it came back. One that says nothing of what it was opened with has changed everything."""
        return cls({"opened": "", **data})

    @property
    def etag(self) -> str:
        """For `If-Match`. Whoever meddled with the version gets one that never matches."""
        version = self.values["version"]
        return f'"{version}"' if version.isascii() and version.isdecimal() else '"0"'

    @property
    def is_stale(self) -> bool:
        """The service refused because somebody else was faster."""
        return self.refused_with == 412

    def changed(self) -> set[str]:
        """The fields that are not as they were opened."""
        return _differing(self._marks(), self._opened())

    def only_changed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What of `body` is worth sending."""
        changed = self.changed()
        return {name: value for name, value in body.items() if name in changed}

    def rebase(self, stored: Mapping[str, object], words: Mapping[str, tuple[str, str]]) -> list[Theirs]:
        """Begin anew from what is stored now, keeping what was typed; returns what others changed.

        `words` has the label of each field, and what is stored in it now as a person would say it.
        """
        latest, mine = Edit(stored), self.changed()
        theirs = _differing(latest._marks(), self._opened())
        kept = {name: value for name, value in self.values.items() if _field(name) in mine}
        self.values.clear()
        self.values.update({name: value for name, value in latest.values.items() if _field(name) not in mine} | kept)
        clashing = mine & _differing(latest._marks(), self._marks())
        self.error = ""
        return [Theirs(*words[name], clashes=name in clashing) for name in words if name in theirs]

    def _opened(self) -> dict[str, str]:
        return dict(pair.split(":", 1) for pair in self.values["opened"].split() if ":" in pair)

    def _marks(self) -> dict[str, str]:
        """A fingerprint of every field that holds something; an unticked box and an empty line are both nothing."""
        held: dict[str, list[tuple[str, str]]] = {}
        for name, value in sorted(self.values.items()):
            if value and name not in CARRIED:
                held.setdefault(_field(name), []).append((name, value))
        return {name: hashlib.sha256(msgspec.json.encode(inputs)).hexdigest()[:16] for name, inputs in held.items()}


class Stored(msgspec.Struct, frozen=True):
    """What is stored now: as the inputs of its form, and field by field as (label, words) for a person."""

    inputs: Mapping[str, object]
    words: Mapping[str, tuple[str, str]]


async def collide(page: Page, form: Edit, stored: Stored, *, project_id: UUID, target_id: UUID) -> None:
    """Answer a 412: begin anew from what is stored, and tell what changed and, as far as the feed knows, by whom."""
    newest = await slot(page.services.activity.get("activity", Listing[Entry], project_id=project_id))
    entries = newest.value.items if newest.value else []
    last = next((entry for entry in entries if entry.target and entry.target.id == target_id), None)
    who = last.actor if last else None
    name = "You" if who and who.id and who.id == page.actor.id else (who and who.name) or ""
    form.collision = Collision(name, last.at if last else None, form.rebase(stored.inputs, stored.words))


def _field(name: str) -> str:
    return name.partition("-")[0]


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
