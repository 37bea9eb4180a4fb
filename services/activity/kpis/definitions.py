"""The figures as configured in `kpis.toml`, read once; and the periods they are compared over."""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from shared.language import day
from shared.language import gettext as _

Format = Literal["number", "date", "days", "percent", "currency"]
PARAMETERS = {"client_id": "uuid", "projects": "uuid[]", "start": "date", "end": "date", "today": "date"}
OF_CLIENT = "client_id = :client_id"
"""How a statement names its tenant."""
_TOLD = re.compile(r"\btold\b")
_NAMED = re.compile(rf"(?<!:):({'|'.join(PARAMETERS)})\b")


def view_of(*, behind: bool) -> str:
    """What figures count: what every reader of its project sees of a thing, or what staff see `behind` that."""
    return "told_to_staff" if behind else "told"


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure; the file says what each field means."""

    key: str
    label: str
    format: Format
    sql: str
    comparison: str
    compare: bool
    better: Literal["up", "down"] | None = None
    href: str | None = None

    def statement(self, values: dict[str, Any], view: str) -> tuple[str, list[Any]]:
        """The SQL with numbered parameters, and the values in their order; names it does not use are left out. Without
        a client it counts what all of them have. `view` has what its reader reads (`view_of`).
        """
        sql = _TOLD.sub(view, self.sql)
        sql = sql if values["client_id"] else sql.replace(OF_CLIENT, "true")
        used = sorted(set(_NAMED.findall(sql)))
        statement = _NAMED.sub(lambda found: f"${used.index(found[1]) + 1}::{PARAMETERS[found[1]]}", sql)
        return statement, [values[name] for name in used]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kpi: list[Definition]


def load(path: Path) -> list[Definition]:
    """Read the definitions. Raises `msgspec.ValidationError` naming what is wrong in the file."""
    return msgspec.convert(tomllib.loads(path.read_text()), _File).kpi


class Periods(msgspec.Struct, frozen=True):
    """The month so far, and as many days of the month before; each `end` is exclusive."""

    start: date
    end: date
    previous_start: date
    previous_end: date

    def compared(self, words: str) -> str:
        """`words`, where `{days}` are the days of the period before (1–10 Feb) and `{day}` is the last of them."""
        last = self.previous_end - timedelta(days=1)
        until = day(last, "MMM")
        return _(words, day=until, days=until if last == self.previous_start else _("1–{day}", day=until))


def periods(today: date) -> Periods:
    """The two periods `today` is compared over. A month that has fewer days than this one already has counts whole."""
    start, end = today.replace(day=1), today + timedelta(days=1)
    previous_start = (start - timedelta(days=1)).replace(day=1)
    return Periods(start, end, previous_start, min(previous_start + (end - start), start))
