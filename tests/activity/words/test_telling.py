"""Every told event has words, and they say what they are made of and nothing else."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.activity.words.telling import LINES, keep, say, who
from shared.contracts import EVENTS, TOLD
from shared.contracts.projects import ProjectUpdated
from shared.events import EventData

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"


def sample(kind: type[EventData]) -> EventData:
    data: dict[str, Any] = msgspec.json.decode((GOLDEN / f"{kind.subject}.json").read_bytes())["data"]
    return msgspec.convert(data, kind)


def told(data: EventData, *hidden: str) -> tuple[str, ...]:
    return say(data.type, bytes(keep(data)).decode(), hidden)


def test_what_is_told_has_a_line_and_nothing_else_has() -> None:
    assert set(LINES) == {kind.type for kind in TOLD}


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.type)
def test_an_event_is_told_by_the_name_of_what_it_happened_to(kind: type[EventData]) -> None:
    """A line of which a word is missing raises, and one that tells of nothing by name is none."""
    data = sample(kind)
    words = say(kind.type, bytes(keep(data)).decode())
    assert data.name in words.title  # type: ignore[attr-defined]
    assert LINES[kind.type].occasion
    assert not {"{", "}"} & {*words.title, *words.description}
    assert words.many == "" or words.many.count("{count}") == 1


def test_a_field_that_is_hidden_by_now_is_not_named() -> None:
    data = ProjectUpdated(
        name="Shop", status="on_track", version=2, fields=["ends_on", "name", "scope"], hidden=["scope"]
    )
    assert told(data)[:2] == ("changed Shop", "Planned end, name")
    assert told(data, "ends_on", "scope")[:2] == ("changed Shop", "Name")


def test_an_event_of_a_newer_version_is_told_by_its_type() -> None:
    assert "milestone_postponed" not in EVENTS
    assert say("milestone_postponed", "{}") == ("milestone postponed", "", "")


def test_what_nobody_did_was_the_portal() -> None:
    assert (who(""), who("Jonas Weber"), who("דנה")) == ("The portal", "Jonas Weber", "\u2068דנה\u2069")
