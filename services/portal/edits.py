"""Editing what others may edit at the same time.

An edit form carries a fingerprint of every field as it was opened. From them follows which fields the person changed
(only those are sent to the service) and, when somebody else saved first (412), which ones the other changed: these are
shown, and taken over where the person typed nothing. Of a set, such as the projects somebody may see, each member is
compared by itself: what a form did not show, or another added meanwhile, is neither sent nor lost.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.portal.answers import Entry
from services.portal.forms import OPENED_BY, Form, ids_of
from services.portal.page import Page
from services.portal.services import slot
from shared.language import gettext as _
from shared.pagination import Page as Listing

CARRIED = ("opened", "version", "find", "sought", OPENED_BY)
"""Inputs of an edit form that are nothing stored: the fingerprints, the version, and what a choice is searched for."""
_ROW = re.compile(r"(\w+)-\d{1,3}-\w+")


class Theirs(msgspec.Struct, frozen=True):
    """A field that somebody else changed: what is stored now, and whether the person typed something else."""

    name: str
    label: str
    value: str
    clashes: bool


class Collision(msgspec.Struct, frozen=True):
    """What happened while the form was open. `who` is "" where nobody can tell."""

    who: str
    at: datetime | None
    fields: Sequence[Theirs]


class Edit(Form):
    """A form over something stored. Inputs such as `team-0-name` and `team-1-name` are the rows of one field, `team`;
    inputs such as `policy-viewAudit` are the members of one, each with a value of its own.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.collision: Collision | None = None
        self._started_again = False
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
        """The service refused because somebody else saved first, and the form has not started again from that."""
        return self.refused_with == 412 and not self._started_again

    def changed(self) -> set[str]:
        """The fields that are not as they were opened."""
        return {_field(part) for part in self._changed()}

    def changed_members(self, field: str) -> dict[str, str]:
        """What became of the members of `field` that are not as they were opened; "" of one that was taken away."""
        parts = [part for part in self._changed() if part.startswith(f"{field}-")]
        return {part.removeprefix(f"{field}-"): self.values.get(part, "") for part in sorted(parts)}

    def members(self, field: str) -> set[UUID]:
        """Those chosen now, and those that were when the form was opened: whoever takes one away sees it still."""
        return super().members(field) | ids_of(field, self._opened())

    def only_changed(self, body: Mapping[str, Any], **called: str) -> dict[str, Any]:
        """What of `body` is worth sending; `called` has the form's name of a field where it is not the body's."""
        changed = self.changed()
        return {name: value for name, value in body.items() if called.get(name, name) in changed}

    def rebase(self, stored: Mapping[str, object], words: Mapping[str, tuple[str, str]]) -> list[Theirs]:
        """Start again from what is stored now, keeping what was typed; returns what others changed. What they
        changed as the person did is no difference: a form that was sent twice has none, and may be sent again. That
        is done once: nobody who saves all the time, and no form that was forged, keeps it going.

        `words` has the label of each field, or member of one, and what is stored in it now as a person would say it.
        """
        self._started_again = True
        latest, mine = Edit(stored), self._changed()
        differing = _differing(latest._marks(), self._marks())
        theirs = _differing(latest._marks(), self._opened()) & differing
        clashing = _named(mine & theirs)
        kept = {name: value for name, value in self.values.items() if _part(name) in mine}
        self.values.clear()
        self.values.update({name: value for name, value in latest.values.items() if _part(name) not in mine} | kept)
        self.error = ""
        changed = _named(theirs)
        return [Theirs(name, *words[name], clashes=name in clashing) for name in words if name in changed]

    def catch_up(self, stored: "Stored") -> bool:
        """Start again from what is stored now, for what has no version. False where others changed a field that the
        person changed as well: then the form says so, and is not to be sent.
        """
        if not self.values["opened"]:
            return True
        mine, theirs = self.changed(), self.rebase(stored.inputs, stored.words)
        if mine.isdisjoint(each.name for each in theirs):
            return True
        self.refused_with, self.collision = 412, Collision("", None, theirs)
        return False

    def _changed(self) -> set[str]:
        return _differing(self._marks(), self._opened())

    def _opened(self) -> dict[str, str]:
        pairs = (pair.rsplit(":", 1) for pair in self.values["opened"].split() if ":" in pair)
        return {name: mark for name, mark in pairs if _field(name) not in CARRIED}

    def _marks(self) -> dict[str, str]:
        """A fingerprint of every part that holds something; an unticked box and an empty line are both nothing."""
        held: dict[str, list[tuple[str, str]]] = {}
        for name, value in sorted(self.values.items()):
            if value and _field(name) not in CARRIED:
                held.setdefault(_part(name), []).append((name, value))
        return {name: hashlib.sha256(msgspec.json.encode(inputs)).hexdigest()[:16] for name, inputs in held.items()}


class Stored(msgspec.Struct, frozen=True):
    """What is stored now: as the inputs of its form, and field by field as (label, words) for a person."""

    inputs: Mapping[str, object]
    words: Mapping[str, tuple[str, str]]


async def collide(page: Page, form: Edit, stored: Stored, *, project_id: UUID, target_id: UUID) -> bool:
    """Answer a 412: start again from what is stored, and show what changed and, as far as the feed knows, by whom.
    False where nothing that the form shows is another: then it is to be sent again.
    """
    theirs = form.rebase(stored.inputs, stored.words)
    if not theirs:
        return False
    newest = await slot(page.services.activity.get("activity", Listing[Entry], project_id=project_id))
    entries = newest.value.items if newest.value else []
    last = next((entry for entry in entries if entry.target and entry.target.id == target_id), None)
    who = last.actor if last else None
    name = _("You") if who and who.id and who.id == page.actor.id else (who and who.name) or ""
    form.collision = Collision(name, last.at if last else None, theirs)
    return True


def _field(name: str) -> str:
    return name.partition("-")[0]


def _named(parts: set[str]) -> set[str]:
    """What words can be for: the parts, and the fields that they are of."""
    return parts | {_field(part) for part in parts}


def _part(name: str) -> str:
    """What is compared as one: all rows of a field, else one input."""
    row = _ROW.fullmatch(name)
    return row[1] if row else name


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
