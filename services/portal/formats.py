"""How values are written: dates, relative times, figures, initials. Jinja filters, so that templates stay words."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from shared.clock import now
from shared.texts import isolated

DASH = "—"
LANGUAGES = (("en", "English"), ("de", "German"))
ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
"""The time zones to choose from, by the names of the IANA's database."""
"""In which language somebody reads our mails, as every form calls it."""
MINUTE, HOUR, DAY = 60, 3600, 86400


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
    return f"{value.day} {value:%b %Y}" if value else DASH


def short_day(value: date | None) -> str:
    """12 Mar, with the year only when it is not this one."""
    if value is None:
        return DASH
    return f"{value.day} {value:%b}" if value.year == now().year else day(value)


def moment(value: datetime, where: ZoneInfo | None = None) -> str:
    """12 Mar 2026, 14:05 (UTC is named when we do not know the reader's zone)."""
    here = local(value, where)
    return f"{day(here)}, {here:%H:%M}" + ("" if where else " UTC")


def to_the_second(value: datetime, where: ZoneInfo | None = None) -> str:
    """12 Mar 2026, 14:05:09 (UTC is named when we do not know the reader's zone)."""
    here = local(value, where)
    return f"{day(here)}, {here:%H:%M:%S}" + ("" if where else " UTC")


def ago(value: datetime, where: ZoneInfo | None = None) -> str:
    """2 hours ago, yesterday, 12 Mar: `shell.js` keeps it true while the page stays open."""
    seconds = max(0, int((now() - value).total_seconds()))
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return _count(seconds // MINUTE, "minute")
    if seconds < DAY:
        return _count(seconds // HOUR, "hour")
    days = (local(now(), where).date() - local(value, where).date()).days
    if days <= 1:
        return "yesterday"
    return f"{days} days ago" if days < 7 else short_day(local(value, where).date())


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def day_heading(value: date, today: date) -> str:
    """Today, Yesterday, Monday 9 March, 9 March 2025."""
    if value == today:
        return "Today"
    if value == today - timedelta(days=1):
        return "Yesterday"
    if value.year == today.year:
        return f"{value:%A} {value.day} {value:%B}"
    return f"{value.day} {value:%B %Y}"


def until(target: date, today: date) -> str:
    """How far away a day is: in 12 days, tomorrow, today, 3 days ago."""
    days = (target - today).days
    named = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if days in named:
        return named[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def initials(name: str | None) -> str:
    """Two letters for an avatar: first and last word."""
    words = (name or "").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def greeting(name: str, where: ZoneInfo | None) -> str:
    """Good morning, Anna. Without the reader's zone the time of day is not known and not guessed."""
    first = name.split(" ", 1)[0] if name else ""
    hour = local(now(), where).hour
    part = "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
    words = f"Good {part}" if where else "Welcome"
    return f"{words}, {isolated(first)}" if first else words


def figure(value: float | str | None, kind: str) -> str:
    """A KPI's value: 1,204, 68 %, 12 days, today, 2 days overdue, 12 Mar 2026,
    and a dash where nothing could be computed.
    """
    if value is None:
        return DASH
    if kind == "date":
        return day(date.fromisoformat(str(value)[:10]))
    number = Decimal(value)
    if kind == "days" and number <= 0:
        return _span(-number) + " overdue" if number else "today"
    return _span(number) if kind == "days" else _count_of(number) + (" %" if kind == "percent" else "")


def change(value: float | str | None, kind: str) -> str:
    """A KPI's difference to the period before, with its sign: +2, −5 %, +3 days, ±0."""
    if value is None:
        return ""
    number = Decimal(value)
    sign = "+" if number > 0 else "−" if number < 0 else "±"
    size = abs(number)
    return sign + (_span(size) if kind == "days" else figure(str(size), kind))


def _count_of(number: Decimal) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _span(days: Decimal) -> str:
    return f"{_count_of(days)} day{'' if days == 1 else 's'}"
