"""The people of a project as rows of a form: inputs `team-0-name`, `team-0-role` and so on.

Rows are added and removed by the server, so that no script is needed.
"""

import re
from collections.abc import Sequence

from services.portal.answers import Member
from services.portal.forms import Form
from shared.addresses import NotAnAddress, kept_address, shown_address

PARTS = ("name", "role", "email", "phone")
MOST = 50
_ROW = re.compile(rf"team-(\d{{1,4}})-(?:{'|'.join(PARTS)})")
_PHONE = re.compile(r"[0-9+()/ .-]{3,40}")


def inputs(team: Sequence[Member]) -> dict[str, object]:
    """The rows of a stored team."""
    shown = [{part: getattr(member, part) or "" for part in PARTS} for member in team]
    return {
        f"team-{row}-{part}": shown_address(text) if part == "email" else text
        for row, member in enumerate(shown)
        for part, text in member.items()
    }


def rows(form: Form) -> list[int]:
    """The numbers of the rows on the form, in their order."""
    return sorted({int(found[1]) for name in form.values if (found := _ROW.fullmatch(name))})


def arrange(form: Form, wanted: str) -> None:
    """Do what a row's button says: "add" or "remove-2"."""
    present = rows(form)
    if wanted == "add" and len(present) < MOST:
        form.values[f"team-{max(present, default=-1) + 1}-name"] = ""
    for part in PARTS:
        form.values.pop(f"team-{wanted.removeprefix('remove-')}-{part}", None)


def members(form: Form) -> list[dict[str, str | None]]:
    """Everybody on the form; empty rows are nobody. What is wrong is marked in its row."""
    found: list[dict[str, str | None]] = []
    for row in rows(form):
        typed = {part: form.values[f"team-{row}-{part}"] for part in PARTS}
        if not any(typed.values()):
            continue
        _check(form, row, typed)
        found.append({part: value or None for part, value in typed.items()})
    return found


def _check(form: Form, row: int, typed: dict[str, str]) -> None:
    form.require(**{f"team-{row}-name": "Who is it?", f"team-{row}-role": "What do they do?"})
    try:
        typed["email"] = typed["email"] and kept_address(typed["email"])
    except NotAnAddress:
        form.errors[f"team-{row}-email"] = "Such as name@company.com."
    if typed["phone"] and not _PHONE.fullmatch(typed["phone"]):
        form.errors[f"team-{row}-phone"] = "Digits, spaces and + ( ) / . -"
