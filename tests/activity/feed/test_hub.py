"""What waits for one reader: bounded, filtered, and nothing twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from services.activity.feed import hub as hub_module
from services.activity.feed.frames import CHANGED, RUNG, Frame
from services.activity.feed.hub import AGAIN_SECONDS, CHUNK, OVERFLOW, QUEUE, Hub, Reader
from services.activity.feed.models import Ended
from services.activity.feed.watcher import Watcher
from services.activity.tenants import COMPANY
from shared.actor import Reader as Seen
from shared.clock import now, uuid7
from shared.database import Database
from tests.activity.build import ACME, ANNA, CLARA, contact

PROJECT, OTHER = uuid7(), uuid7()


def entry(position: int, project_id: UUID | None = PROJECT, size: int = 1) -> Frame:
    text = b"%d;" % position * size
    return Frame({"hides": None}, position, project_id, False, encoded={(False, "en"): text})


async def test_one_entry_too_many_ends_the_stream_behind_the_last_that_fitted() -> None:
    reader = Reader(ANNA, ACME)
    for position in range(1, QUEUE + 1):
        reader.offer(entry(position))
    assert reader.ending is None
    reader.offer(entry(QUEUE + 1))
    reader.offer(entry(QUEUE + 2))
    assert (reader.ending, reader.head) == (OVERFLOW, QUEUE + 1)
    assert await reader.take(0) == b""


async def test_a_stream_ends_with_the_person_staff_see_it_as() -> None:
    mira = Seen(uuid7(), "Mira Sand")
    seen = msgspec.structs.replace(ANNA, read_only=True, seen_as=mira)
    assert Reader(seen, ACME).subjects == {*Reader(ANNA, ACME).subjects, mira.id}


async def test_a_reader_that_keeps_up_may_read_for_ever() -> None:
    reader = Reader(ANNA, ACME)
    for position in range(1, 3 * QUEUE):
        reader.offer(entry(position))
        assert await reader.take(0) == b"%d;" % position
    assert reader.ending is None


async def test_little_is_joined_for_one_write() -> None:
    reader = Reader(ANNA, ACME)
    for position in range(10, 60):
        reader.offer(entry(position, size=CHUNK // 10))
    taken = []
    while text := await reader.take(0):
        taken.append(text)
    assert b"".join(taken) == b"".join(b"%d;" % position * (CHUNK // 10) for position in range(10, 60))
    assert max(map(len, taken)) < 2 * CHUNK


async def test_what_the_replay_sent_is_not_sent_again() -> None:
    reader = Reader(ANNA, ACME)
    for position in (3, 4, 5):
        reader.offer(entry(position))
    reader.skip(4)
    for position in (2, 4, 6):
        reader.offer(entry(position))
    assert await reader.take(0) == b"5;6;"


async def test_only_what_may_be_seen_waits() -> None:
    viewer = Reader(contact(ACME, project_roles={PROJECT: "viewer", OTHER: "feedback_only"}), ACME)
    for position, project in enumerate([PROJECT, OTHER, None], 1):
        viewer.offer(entry(position, project))
    assert await viewer.take(0) == b"1;3;"


async def test_who_watches_all_clients_hears_of_what_they_may_see_and_not_what_it_was() -> None:
    limited = msgspec.structs.replace(CLARA, assignments={PROJECT: ACME})
    watcher = Watcher(limited)
    for position, project in enumerate([OTHER, None], 1):
        watcher.offer(entry(position, project))
    assert await watcher.take(0) == b""
    for position in range(3, 3 * QUEUE):
        watcher.offer(entry(position))
    assert (await watcher.take(0), watcher.ending) == (CHANGED, None)


async def test_who_watches_all_clients_hears_of_much_that_happens_once_and_of_the_end_at_once() -> None:
    watcher = Watcher(CLARA)
    watcher.offer(entry(1))
    assert await watcher.take(0) == CHANGED
    watcher.offer(entry(2))
    assert await watcher.take(0.01) == b""
    waiting = asyncio.create_task(watcher.take(60))
    await asyncio.sleep(0)
    watcher.end("session_ended")
    async with asyncio.timeout(10):
        assert await waiting == b""


async def test_the_first_reason_to_end_stays() -> None:
    reader = Reader(ANNA, ACME)
    reader.end("session_ended")
    reader.end("draining")
    reader.offer(entry(1))
    assert (reader.ending, await reader.take(0)) == ("session_ended", b"")


def hub_after(end: Ended) -> Hub:
    hub = Hub(Database("postgresql://activity_app@localhost/none"))
    hub.note(end)
    return hub


def ended(subject: UUID, *, final: bool, ago: float) -> Ended:
    return Ended(
        position=1, client_id=COMPANY, subject=subject, reason="over", final=final, at=now() - timedelta(seconds=ago)
    )


async def test_an_ended_session_opens_no_stream_and_a_changed_person_none_at_once() -> None:
    assert ANNA.session_id
    assert ANNA.id
    cases = [
        (ended(ANNA.session_id, final=True, ago=60), "over"),
        (ended(ANNA.id, final=False, ago=0), "over"),
        (ended(ANNA.id, final=False, ago=AGAIN_SECONDS + 1), None),
        (ended(ACME, final=False, ago=0), "over"),
        (ended(uuid7(), final=True, ago=0), None),
    ]
    for end, expected in cases:
        reader = Reader(ANNA, ACME)
        with hub_after(end).reading(reader):
            assert reader.ending == expected


async def test_staff_do_not_lose_their_streams_with_the_client() -> None:
    reader = Reader(CLARA, ACME)
    with hub_after(ended(ACME, final=False, ago=0)).reading(reader):
        assert reader.ending is None


async def test_a_draining_hub_sends_everybody_away() -> None:
    hub = Hub(Database("postgresql://activity_app@localhost/none"))
    early, late = Reader(ANNA, ACME), Reader(ANNA, ACME)
    with hub.reading(early):
        hub.drain()
        with hub.reading(late):
            assert early.ending == late.ending == "draining"


async def test_who_begins_to_watch_hears_of_what_happened_while_their_page_was_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub(Database("postgresql://activity_app@localhost/none"))
    told = {"position": 1, "client_id": ACME, "project_id": OTHER, "private": False, "turns": None, "readers": None}
    hub._hand_out(told)  # pyright: ignore[reportArgumentType]
    limited, watcher = (
        Watcher(actor) for actor in (msgspec.structs.replace(CLARA, assignments={PROJECT: ACME}), CLARA)
    )
    with hub.reading(limited), hub.reading(watcher):
        assert (await limited.take(0), await watcher.take(0)) == (b"", CHANGED)
    monkeypatch.setattr(hub_module, "LATE_SECONDS", 0.0)
    later = Watcher(CLARA)
    with hub.reading(later):
        assert await later.take(0) == b""


async def test_a_bell_rings_beside_entries_and_is_not_skipped_with_them() -> None:
    reader = Reader(ANNA, ACME)
    reader.offer(entry(1))
    reader.ring()
    reader.offer(entry(2))
    assert await reader.take(0) == RUNG + b"1;2;"
    reader.ring()
    reader.ring()
    reader.offer(entry(5))
    reader.skip(5)
    reader.offer(entry(6))
    assert await reader.take(0) == RUNG + b"6;"
    assert await reader.take(0) == b""


async def test_a_bell_that_rang_while_the_page_was_on_its_way_rings_when_it_listens() -> None:
    hub = Hub(Database("postgresql://activity_app@localhost/none"))
    hub._rung(None, 0, "", f"{uuid7()} {ANNA.id}")  # pyright: ignore[reportPrivateUsage]
    hers, his = Reader(ANNA, ACME), Reader(contact(ACME), ACME)
    with hub.reading(hers), hub.reading(his):
        assert [await each.take(0) for each in (hers, his)] == [RUNG, b""]


async def test_who_watches_all_clients_hears_the_bell_and_what_happens() -> None:
    watcher = Watcher(CLARA)
    watcher.ring()
    watcher.offer(entry(1))
    watcher.ring()
    watcher.offer(entry(2))
    assert await watcher.take(0) == RUNG + CHANGED
