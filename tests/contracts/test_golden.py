"""Events as they were once published can be read for ever: a consumer may meet them years later, on a replay."""

from typing import Any

import msgspec
import pytest

from services.activity.overview.models import RESTATED
from shared.contracts import EVENTS, subjects_of
from shared.events import Event, EventData, RawEvent
from tests.contracts.schemas import HERE

GOLDEN = sorted((HERE / "golden").glob("*.json"))
KINDS = {subject: kind for kind in EVENTS.values() for subject in subjects_of(kind)}


def test_every_event_has_one_golden_file() -> None:
    assert [path.stem for path in GOLDEN] == sorted(KINDS)


def test_what_has_a_summary_can_be_published_again() -> None:
    """Without an event of its own for that, a projection that was lost, or is new, never hears of older things (0078)."""
    things = {kind: tuple(kind.subject.split(".")[:2]) for kind in EVENTS.values()}
    summed_up = {thing for kind, thing in things.items() if "summary" in kind.__struct_fields__}
    assert summed_up - {thing for kind, thing in things.items() if kind.type.endswith(RESTATED)} == set()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
class TestGolden:
    def test_yesterdays_json_still_means_the_same(self, path: Any) -> None:
        golden = path.read_bytes()
        event = msgspec.json.decode(golden, type=Event[KINDS[path.stem]], strict=True)
        assert event.type == event.data.type
        assert contains(msgspec.json.decode(msgspec.json.encode(event)), msgspec.json.decode(golden))

    def test_it_can_be_read_without_knowing_its_type(self, path: Any) -> None:
        raw = msgspec.json.decode(path.read_bytes(), type=RawEvent)
        assert raw.type == KINDS[path.stem].type
        assert msgspec.json.decode(raw.data, type=KINDS[path.stem])

    def test_what_a_later_version_adds_is_ignored(self, path: Any) -> None:
        golden = msgspec.json.decode(path.read_bytes())
        later = golden | {"added": 1, "data": golden["data"] | {"added_too": {"deep": [1]}}}
        kind: type[EventData] = KINDS[path.stem]
        same = msgspec.json.decode(path.read_bytes(), type=Event[kind])
        assert msgspec.json.decode(msgspec.json.encode(later), type=Event[kind]) == same

    def test_from_before_there_were_summaries_it_is_read_as_well(self, path: Any) -> None:
        golden = msgspec.json.decode(path.read_bytes())
        golden["data"].pop("summary", None)
        assert msgspec.json.decode(msgspec.json.encode(golden), type=Event[KINDS[path.stem]]).type == golden["type"]


def contains(now: Any, then: Any) -> bool:
    """Whether all that was said then is said now, with the same values."""
    if isinstance(then, dict):
        return all(name in now and contains(now[name], value) for name, value in then.items())
    return now == then
