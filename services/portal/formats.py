"""How values are written in the language of the page: dates, relative times, figures, lists, initials. Jinja filters,
so that templates stay words.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.core import get_global
from babel.dates import format_date, get_timezone_location
from babel.numbers import format_decimal

from shared import language
from shared.clock import now
from shared.language import SOURCE, current, marked, ngettext
from shared.language import gettext as _
from shared.texts import isolated

DASH = "—"
LANGUAGES = (("en", marked("English")), ("de", marked("German")))
"""The languages that somebody can choose, as every form calls them."""
ZONES = sorted(
    {"UTC"}.union(
        name
        for name in available_timezones() - get_global("zone_aliases").keys()
        if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )
)
"""The time zones to choose from, by the names of the IANA's database: each under its newest name alone, and UTC."""
MINUTE, HOUR, DAY = 60, 3600, 86400
GREETINGS = (
    (5, marked("Good evening"), marked("Good evening, {name}")),
    (12, marked("Good morning"), marked("Good morning, {name}")),
    (18, marked("Good afternoon"), marked("Good afternoon, {name}")),
    (24, marked("Good evening"), marked("Good evening, {name}")),
)
"""Until which hour each is said, without a name and with one."""


def languages() -> list[tuple[str, str]]:
    """The languages to choose from, for a form."""
    return [(key, _(name)) for key, name in LANGUAGES]


def zones(chosen: str = "") -> list[tuple[str, str]]:
    """The time zones to choose from, for a form: each by its city and what it is ahead of UTC today, from west to east.
    One that was chosen by an older name comes last.
    """
    known = _zones(current(), now().date())
    return known if chosen in ("", *ZONES) else [*known, (chosen, chosen)]


@lru_cache(8)
def _zones(_language: str, today: date) -> list[tuple[str, str]]:
    noon, found = datetime(today.year, today.month, today.day, 12), list[tuple[timedelta, str, str]]()  # noqa: DTZ001
    for name in ZONES:
        where = ZoneInfo(name)
        city = get_timezone_location(where, locale=_locale(), return_city=True)
        found.append((where.utcoffset(noon) or timedelta(), city, name))
    return [(name, f"{_ahead(offset)} {city}") for offset, city, name in sorted(found)]


def _ahead(offset: timedelta) -> str:
    """UTC+05:30"""
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}"


def zone(name: str | None) -> ZoneInfo | None:
    """The reader's time zone, as they chose it or their browser named it; None for a name that we do not know."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def local(moment: datetime, where: ZoneInfo | None) -> datetime:
    return moment.astimezone(where or UTC)


def day(value: date | None) -> str:
    """12 Mar 2026."""
    return _day(value.toordinal(), "MMM y", current()) if value else DASH


def short_day(value: date | None) -> str:
    """12 Mar, with the year only when it is not this one."""
    if value is None:
        return DASH
    return _day(value.toordinal(), "MMM", current()) if value.year == now().year else day(value)


def moment(value: datetime, where: ZoneInfo | None = None) -> str:
    """12 Mar 2026, 14:05 (UTC is named when we do not know the reader's zone)."""
    here = local(value, where)
    return f"{day(here)}, {here.hour:02}:{here.minute:02}" + ("" if where else " UTC")


def to_the_second(value: datetime, where: ZoneInfo | None = None) -> str:
    """12 Mar 2026, 14:05:09 (UTC is named when we do not know the reader's zone)."""
    here = local(value, where)
    return f"{day(here)}, {here:%H:%M:%S}" + ("" if where else " UTC")


def ago(value: datetime, where: ZoneInfo | None = None) -> str:
    """2 hours ago, yesterday, 12 Mar: `shell.js` keeps it true while the page stays open."""
    seconds = max(0, int((now() - value).total_seconds()))
    if seconds < MINUTE:
        return _("just now")
    if seconds < HOUR:
        return ngettext("{count} minute ago", "{count} minutes ago", seconds // MINUTE)
    if seconds < DAY:
        return ngettext("{count} hour ago", "{count} hours ago", seconds // HOUR)
    days = (local(now(), where).date() - local(value, where).date()).days
    if days <= 1:
        return _("yesterday")
    return _days_ago(days) if days < 7 else short_day(local(value, where).date())


def day_heading(value: date, today: date) -> str:
    """Today, Yesterday, Monday 9 March, 9 March 2025."""
    if value == today:
        return _("Today")
    if value == today - timedelta(days=1):
        return _("Yesterday")
    if value.year == today.year:
        weekday = format_date(value, "EEEE", locale=_locale())
        return _("{weekday} {day}", weekday=weekday, day=language.day(value, "MMMM"))
    return language.day(value, "MMMM y")


def until(target: date, today: date) -> str:
    """How far away a day is: in 12 days, tomorrow, today, 3 days ago."""
    days = (target - today).days
    if days > 1:
        return ngettext("in {count} day", "in {count} days", days)
    if days < -1:
        return _days_ago(-days)
    return _("yesterday") if days < 0 else _("tomorrow") if days else _("today")


def _days_ago(days: int) -> str:
    return ngettext("{count} day ago", "{count} days ago", days)


def initials(name: str | None) -> str:
    """Two letters for an avatar: first and last word."""
    words = (name or "").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def greeting(name: str, where: ZoneInfo | None) -> str:
    """Good morning, Anna. Without the reader's zone the time of day is not known and not guessed."""
    first = isolated(name.split(" ", 1)[0]) if name else ""
    alone, named = marked("Welcome"), marked("Welcome, {name}")
    if where:
        hour = local(now(), where).hour
        alone, named = next(words for end, *words in GREETINGS if hour < end)
    return _(named, name=first) if first else _(alone)


def figure(value: float | str | None, kind: str) -> str:
    """A KPI's value: 1,204, 68 %, 12 days, today, 2 days overdue, 12 Mar 2026,
    and a dash where nothing could be computed.
    """
    if value is None:
        return DASH
    if kind == "date":
        return day(date.fromisoformat(str(value)[:10]))
    counted = Decimal(value)
    if kind == "days" and counted < 0:
        return ngettext(
            "{number} day overdue", "{number} days overdue", _grammatical(-counted), number=number(-counted)
        )
    if kind == "days":
        return _span(counted) if counted else _("today")
    return number(counted) + (" %" if kind == "percent" else "")


def change(value: float | str | None, kind: str) -> str:
    """A KPI's difference to the period before, with its sign: +2, −5 %, +3 days, ±0."""
    if value is None:
        return ""
    counted = Decimal(value)
    sign = "+" if counted > 0 else "−" if counted < 0 else "±"
    size = abs(counted)
    return sign + (_span(size) if kind == "days" else figure(str(size), kind))


def number(value: Decimal | int) -> str:
    """1,204 or 67.5: one place after the point at most."""
    return _number(value, _locale())


@lru_cache(4096)
def _number(value: Decimal | int, locale: str) -> str:
    return format_decimal(value, "#,##0.#", locale=locale)


def decimal(value: Decimal | float) -> str:
    """2.87 or 3.0: one place after the point at least, two at most."""
    return format_decimal(value, "#,##0.0#", locale=_locale())


def listed(names: Sequence[str]) -> str:
    """Anna, Ben and Clara: each isolated, as a sentence has it."""
    *others, last = [isolated(name) for name in names] or [""]
    return _("{names} and {name}", names=", ".join(others), name=last) if others else last


def _span(days: Decimal) -> str:
    return ngettext("{number} day", "{number} days", _grammatical(days), number=number(days))


def _grammatical(value: Decimal) -> int:
    """The number whose form a text takes: 1.5 is no single one."""
    return 1 if value == 1 else 2


def _locale() -> str:
    """The one by which Babel writes; a language that is none of ours is written as the code's."""
    return current() if current() in dict(LANGUAGES) else SOURCE


@lru_cache(4096)
def _day(ordinal: int, rest: str, _language: str) -> str:
    """Kept by language: Babel takes 24 µs for a date, and a page has dozens of them."""
    return language.day(date.fromordinal(ordinal), rest)
