"""Events change only by adding. The snapshot is what others were promised."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from tests.contracts.schemas import SNAPSHOT, breaks, present

PROMISED = msgspec.json.decode(SNAPSHOT.read_bytes())
SUBJECT = "projects.milestone.completed.v1"


def test_nothing_that_was_promised_is_broken() -> None:
    assert breaks(PROMISED, present()) == []


def test_what_was_added_is_promised_too() -> None:
    """If this fails alone: `python -m tests.contracts.schemas`."""
    assert present() == PROMISED


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda events: events.pop(SUBJECT), [f"{SUBJECT}: is gone"]),
        (lambda events: events[SUBJECT].update(type="milestone_done"), [f"{SUBJECT}: is called milestone_done now"]),
        (lambda events: events[SUBJECT]["fields"].pop("project_name"), [f"{SUBJECT}: project_name is gone"]),
        (
            lambda events: events[SUBJECT]["fields"].update(name={"type": "integer"}),
            [f"{SUBJECT}: name has another shape"],
        ),
        (lambda events: events[SUBJECT]["required"].append("by"), [f"{SUBJECT}: by is required now"]),
        (lambda events: events[SUBJECT]["fields"].update(by={"type": "string"}), []),
        (lambda events: events[SUBJECT]["required"].remove("name"), []),
        (lambda events: events.update({"projects.cycle.started.v1": {}}), []),
    ],
)
def test_adding_is_fine_and_everything_else_is_noticed(change: Any, found: list[str]) -> None:
    changed = deepcopy(PROMISED)
    change(changed)
    assert breaks(PROMISED, changed) == found
