"""The people of a project as rows of a form: inputs `team-0-name`, `team-0-role` and so on.

Staff are chosen: their row has a `team-0-person` and a role, the rest is in their profile. Who has no account is typed.
Rows are added and removed by the server, so that no script is needed.
"""

import re
from collections.abc import Sequence

from services.portal.answers import Member
from services.portal.choices import Choice
from services.portal.forms import Form
from services.portal.ids import read_id
from services.portal.people.answers import Person
from shared.addresses import NotAnAddress, kept_address, shown_address
from shared.language import gettext as _

PARTS = ("name", "role", "email", "phone")
MOST = 50
LONGEST_ROLE = 80
_ROW = re.compile(rf"team-(\d{{1,4}})-(?:{'|'.join(PARTS)}|person)")
_PHONE = re.compile(r"[0-9+()/ .-]{3,40}")


def inputs(team: Sequence[Member]) -> dict[str, object]:
    """The rows of a stored team."""
    return {
        f"team-{row}-{part}": text
        for row, member in enumerate(team)
        for part, text in (_chosen(member) if member.person_id else _typed(member)).items()
    }


def _chosen(member: Member) -> dict[str, object]:
    return {"person": member.person_id, "name": member.name, "role": member.role}


def _typed(member: Member) -> dict[str, object]:
    return {
        "name": member.name,
        "role": member.role,
        "email": shown_address(member.email or ""),
        "phone": member.phone or "",
    }


def rows(form: Form) -> list[int]:
    """The numbers of the rows on the form, in their order."""
    return sorted({int(found[1]) for name in form.values if (found := _ROW.fullmatch(name))})


def arrange(form: Form, wanted: str) -> None:
    """Do what a row's button says: "add" or "remove-2"."""
    if wanted == "add":
        _add(form, name="")
    for part in (*PARTS, "person"):
        form.values.pop(f"team-{wanted.removeprefix('remove-')}-{part}", None)


def choose(form: Form, colleagues: Choice[Person]) -> None:
    """Take whoever is chosen into the team: in the row where their address was typed, or in a new one."""
    chosen = next((each for each in colleagues.items if str(each.id) == form.values[colleagues.field]), None)
    if chosen is None:
        form.errors[colleagues.field] = _("This person is no longer active. Choose somebody else.")
    elif str(chosen.id) not in _present(form):
        _take(form, chosen)
    form.values[colleagues.field] = ""


def to_choose(form: Form, colleagues: Choice[Person]) -> Choice[Person]:
    """Those who are not in the team."""
    present = _present(form)
    return colleagues.only(lambda person: str(person.id) not in present)


def _present(form: Form) -> set[str]:
    return {form.values[f"team-{row}-person"] for row in rows(form)}


def _take(form: Form, person: Person) -> None:
    typed = (row for row in rows(form) if person.email and _address(form.values[f"team-{row}-email"]) == person.email)
    row = next(typed, None)
    if row is None:
        _add(form, person=str(person.id), name=person.name, role=person.title[:LONGEST_ROLE])
        return
    form.values |= {f"team-{row}-person": str(person.id), f"team-{row}-name": person.name}
    for part in ("email", "phone"):
        form.values.pop(f"team-{row}-{part}", None)


def _add(form: Form, **parts: str) -> None:
    present = rows(form)
    if len(present) < MOST:
        form.values.update({f"team-{max(present, default=-1) + 1}-{part}": text for part, text in parts.items()})


def members(form: Form) -> list[dict[str, str | None]]:
    """Everybody on the form; empty rows are nobody. What is wrong is marked in its row."""
    found: list[dict[str, str | None]] = []
    for row in rows(form):
        typed = {part: form.values[f"team-{row}-{part}"] for part in PARTS}
        if not any(typed.values()):
            continue
        form.require(**{f"team-{row}-name": _("Who is it?"), f"team-{row}-role": _("What do they do?")})
        if person := read_id(form.values[f"team-{row}-person"]):
            found.append({"name": typed["name"], "role": typed["role"], "person_id": str(person)})
            continue
        _check(form, row, typed)
        found.append({part: value or None for part, value in typed.items()})
    return found


def _check(form: Form, row: int, typed: dict[str, str]) -> None:
    if typed["email"]:
        typed["email"] = _address(typed["email"])
        if not typed["email"]:
            form.errors[f"team-{row}-email"] = _("Such as name@company.com.")
    if typed["phone"] and not _PHONE.fullmatch(typed["phone"]):
        form.errors[f"team-{row}-phone"] = _("Write digits, spaces and + ( ) / . - or leave it empty.")


def _address(typed: str) -> str:
    """A mail address as services keep it; "" for what is none."""
    try:
        return kept_address(typed)
    except NotAnAddress:
        return ""
