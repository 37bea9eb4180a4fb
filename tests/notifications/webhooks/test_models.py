"""The rules of a webhook and of a delivery, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from services.notifications.webhooks.models import PATIENCE, PING, WAITS, Delivery, Outcome, Subscriber, Webhook
from shared.clock import moved_to, now, uuid7
from shared.contracts.entries.entry import Entry
from tests.activity.build import ACME, BIRCH

AT = datetime(2026, 3, 9, 10, 30, tzinfo=UTC)
DONE, BUSY, GONE, AWAY = Outcome(200), Outcome(503), Outcome(410), Outcome(error="unreachable")


def entry(kind: str, client_id: UUID, **more: bool) -> Entry:
    return Entry(
        position=1, client_id=client_id, id=uuid7(), type=kind, facts=msgspec.Raw(b"{}"), actor_id=None, actor_name="",
        project_id=None, target_type="project", target_id=uuid7(), at=AT, **more,
    )  # fmt: skip


def webhook(**more: object) -> Webhook:
    known = {
        "name": "ERP",
        "url": "https://erp.example/",
        "client_id": None,
        "types": [],
        "created_by": uuid7(),
        "created_by_name": "",
    }
    return Webhook(**known | more)  # type: ignore[arg-type]


def delivery(kind: str = "project_created") -> Delivery:
    return Delivery(webhook_id=uuid7(), client_id=ACME, type=kind)


@pytest.mark.parametrize(
    ("client_id", "types", "wanted"),
    [
        (None, [], {("project_created", ACME), ("project_created", BIRCH), ("milestone_completed", ACME)}),
        (ACME, [], {("project_created", ACME), ("milestone_completed", ACME)}),
        (BIRCH, ["project_created"], {("project_created", BIRCH)}),
        (None, ["milestone_completed"], {("milestone_completed", ACME)}),
    ],
)
def test_whom_and_what_a_webhook_wants(client_id: UUID | None, types: list[str], wanted: set[tuple[str, UUID]]) -> None:
    subscriber = Subscriber(uuid7(), client_id, frozenset(types))
    told = [("project_created", ACME), ("project_created", BIRCH), ("milestone_completed", ACME)]
    assert {each for each in told if subscriber.wants(entry(*each))} == wanted


@pytest.mark.parametrize("kept", ["private", "team_only"])
def test_one_that_is_bound_to_a_client_is_told_no_more_than_the_client(kept: str) -> None:
    told = entry("project_created", ACME, **{kept: True})
    assert not Subscriber(uuid7(), ACME, frozenset()).wants(told)
    assert Subscriber(uuid7(), None, frozenset()).wants(told)


def test_what_was_withdrawn_is_not_tried_again_and_proves_nothing_of_the_receiver() -> None:
    told, on = delivery(), webhook()
    told.tries = 1
    withdrawn = Outcome(error="withdrawn")
    assert on.heard(withdrawn, is_ping=False) is None
    told.record(withdrawn)
    assert (told.due_at, told.failed_at is not None, on.failing_since) == (None, True, None)


def test_a_delivery_is_tried_for_about_a_day() -> None:
    told = delivery()
    waited: list[timedelta] = []
    with moved_to(AT):
        while told.due_at:
            told.tries += 1
            told.record(BUSY)
            waited += [told.due_at - told.last_tried_at] if told.due_at and told.last_tried_at else []
    assert len(waited) == len(WAITS) == 8
    assert [round(each.total_seconds()) for each in waited] == [5, 30, 120, 600, 3600, 10800, 21600, 43200]
    assert told.failed_at
    assert told.last_status == 503


@pytest.mark.parametrize(
    ("outcome", "delivered"), [(DONE, True), (Outcome(204), True), (Outcome(302), False), (AWAY, False)]
)
def test_only_what_was_taken_is_delivered(outcome: Outcome, delivered: bool) -> None:
    told = delivery()
    told.tries = 1
    told.record(outcome)
    assert (told.delivered_at is not None, told.due_at is None) == (delivered, delivered)


def test_a_ping_is_tried_once() -> None:
    told = delivery(PING)
    told.tries = 1
    told.record(BUSY)
    assert told.failed_at
    assert told.due_at is None


def test_what_is_sent_again_by_hand_after_its_last_try_is_tried_once() -> None:
    told = delivery()
    told.tries = len(WAITS) + 1
    told.record(BUSY)
    assert told.failed_at
    told.again()
    assert told.due_at
    assert told.failed_at is None
    told.tries += 1
    told.record(BUSY)
    assert told.failed_at


def test_nothing_but_failures_for_three_days_switch_it_off() -> None:
    told = webhook()
    start = now()
    with moved_to(start):
        assert told.heard(AWAY, is_ping=False) is None
    with moved_to(start + PATIENCE - timedelta(minutes=1)):
        assert told.heard(BUSY, is_ping=False) is None
    with moved_to(start + PATIENCE + timedelta(minutes=1)):
        event = told.heard(BUSY, is_ping=False)
    assert event is not None
    assert (event.reason, told.active, told.disabled_reason) == ("failing", False, "failing")


def test_one_that_arrives_begins_the_count_anew() -> None:
    told = webhook()
    start = now()
    with moved_to(start):
        told.heard(AWAY, is_ping=False)
    with moved_to(start + PATIENCE - timedelta(minutes=1)):
        told.heard(DONE, is_ping=False)
    with moved_to(start + PATIENCE + timedelta(minutes=1)):
        assert told.heard(AWAY, is_ping=False) is None
    assert told.active


def test_gone_is_gone_at_once_and_a_failed_ping_is_nothing() -> None:
    told = webhook()
    assert told.heard(BUSY, is_ping=True) is None
    assert told.failing_since is None
    event = told.heard(GONE, is_ping=False)
    assert event is not None
    assert event.reason == "gone"
    assert told.heard(GONE, is_ping=False) is None  # of several that were in hand, the first says it


def test_a_change_says_which_fields_and_never_the_whole_address() -> None:
    told = webhook(failing_since=AT)
    event = told.change({"name": "ERP", "url": "https://new.example/hook?key=1"}, private=False)
    assert event is not None
    assert (event.fields, event.host, event.active) == (["url"], "new.example", True)
    assert told.failing_since is None
    assert told.change({"url": "https://new.example/hook?key=1"}, private=False) is None


def test_one_that_could_not_be_made_today_can_still_be_switched_off() -> None:
    told = webhook(url="http://10.0.0.1/")
    assert told.change({"active": False}, private=False) is not None
    assert told.disabled_at
    assert told.change({"active": True}, private=False) is not None
    assert told.disabled_at is None
