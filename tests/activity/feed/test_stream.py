"""The live stream through a real server: order, resuming, and what it survives."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from services.activity.feed import queries, stream
from services.activity.feed.hub import CATCHING_UP
from shared.clock import uuid7
from shared.contracts.identity import ClientCreated
from shared.contracts.notifications import BellChanged
from tests.activity.build import (
    ACME,
    ANNA,
    BIRCH,
    contact,
    milestone_completed,
    milestone_created,
    project_created,
)
from tests.activity.rig import Limits, Rig
from tests.activity.sse import Browser

RELAUNCH, SHOP = uuid7(), uuid7()
CARGO = uuid7()


@pytest.fixture(scope="module", autouse=True)
async def clients(rig: Rig) -> None:
    await rig.publish(ClientCreated(name="Acme GmbH"), ACME)
    await rig.publish(ClientCreated(name="Birch Ltd"), BIRCH, client_id=BIRCH)
    await rig.publish(project_created(), RELAUNCH)
    await rig.settle()


async def test_an_event_is_the_entry_of_the_feed(rig: Rig, browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        await source.begun()
        await rig.publish(milestone_completed(RELAUNCH))
        message = await source.next()
        entry = (await rig.api(ANNA, "GET", "activity")).json()["items"][0]
        assert (message.event, message.id, message.data) == ("milestone_completed", str(entry["seq"]), entry)
        assert source.retry == 2000


async def test_a_bell_rings_in_the_streams_of_those_whose_it_is_and_leaves_no_trace(rig: Rig, browser: Browser) -> None:
    vera, mia = (contact(ACME, primary=True, name=name) for name in ("Vera Lund", "Mia Sand"))
    assert vera.id
    async with browser.open(vera) as hers, browser.open(mia) as theirs:
        for source in (hers, theirs):
            await source.begun()
        rung = await rig.publish(BellChanged(people=[uuid7(), vera.id]))
        message = await hers.next()
        assert (message.event, message.data) == ("bell_changed", {})
        await rig.publish(milestone_completed(RELAUNCH))
        assert (await theirs.next()).event == "milestone_completed"
    assert await rig.sql("select from audit where event_id = $1", rung) == []


async def test_a_stream_is_not_kept_buffered_or_compressed(browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        headers = source.response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in headers


async def test_an_idle_stream_says_that_it_is_alive(browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        await source.begun()
        async with asyncio.timeout(30):
            while source.comments < 3:
                await source.read_block()


async def test_a_new_stream_begins_with_what_happens_next(rig: Rig, browser: Browser) -> None:
    await rig.publish(milestone_created(RELAUNCH, "Before"))
    await rig.settle()
    async with browser.open(ANNA) as source:
        await source.begun()
        await rig.publish(milestone_created(RELAUNCH, "After"))
        assert "After" in (await source.next()).data["title"]


async def test_a_stream_cut_anywhere_resumes_without_gap_or_repeat(rig: Rig, browser: Browser) -> None:
    """L1: 40 cuts at random points while entries of two clients keep coming."""
    rng = random.Random(5)
    expected = 300
    got: list[str] = []

    async def write() -> None:
        for number in range(expected):
            await rig.publish(milestone_created(RELAUNCH, f"L1-{number}"))
            if number % 3 == 0:
                await rig.publish(milestone_created(SHOP, "Elsewhere"), client_id=BIRCH)

    async def listen() -> None:
        last_id: str | None = None
        writing: asyncio.Task[None] | None = None
        cuts = sorted(rng.sample(range(expected), 40))
        while len(got) < expected:
            stop = cuts.pop(0) if cuts else expected
            async with browser.open(ANNA, last_id=last_id) as source:
                if writing is None:
                    await source.begun()
                    writing = asyncio.create_task(write())
                while len(got) < max(stop, 1):
                    message = await source.next()
                    assert message.event != "reset"
                    got.append(message.data["title"].split(" added ")[1].partition(" ")[0])
                last_id = source.last_id
                if rng.random() < 0.5:
                    source.tear()
        assert writing
        await writing

    async with asyncio.timeout(60):
        await listen()
    assert got == [f"L1-{number}" for number in range(expected)]


async def test_a_stream_cut_before_its_first_entry_resumes(rig: Rig, browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        await source.begun()
        last_id = source.last_id
    await rig.publish(milestone_created(RELAUNCH, "Missed"))
    await rig.settle()
    async with browser.open(ANNA, last_id=last_id) as source:
        assert "Missed" in (await source.next()).data["title"]


async def newest(rig: Rig, client_id: UUID) -> int:
    return (await rig.sql("select max(position) from feed where client_id = $1", client_id))[0][0]


async def garbage_ids(rig: Rig) -> list[str]:
    foreign = await newest(rig, BIRCH)
    return ["", "x", "-1", "1.5", "²", "9" * 400, str(2**63), "999999999", str(foreign), "0; drop table feed"]


async def test_an_id_that_is_not_one_of_the_client_s_starts_afresh(rig: Rig, browser: Browser) -> None:
    await rig.publish(milestone_created(SHOP, "Of Birch"), client_id=BIRCH)
    await rig.settle()
    for last_id in await garbage_ids(rig):
        async with browser.open(ANNA, last_id=last_id) as source:
            message = await source.next()
            head = await newest(rig, ACME)
            assert (last_id, message.event, message.data) == (last_id, "reset", {"head": head})
            await rig.publish(milestone_created(RELAUNCH, "Afterwards"))
            assert "Afterwards" in (await source.next()).data["title"]
        async with browser.open(ANNA, last_id=message.id) as source:
            assert "Afterwards" in (await source.next()).data["title"]


async def test_an_id_with_too_much_behind_it_starts_afresh(rig: Rig, browser: Browser, limits: Limits) -> None:
    limits(stream_replay=3)
    await rig.publish_all([(milestone_created(RELAUNCH, str(number)), uuid7()) for number in range(5)])
    await rig.settle()
    seqs = [entry["seq"] for entry in (await rig.api(ANNA, "GET", "activity", params={"limit": 5})).json()["items"]]
    async with browser.open(ANNA, last_id=str(seqs[3])) as source:
        assert [message.data["seq"] for message in await source.take(3)] == seqs[2::-1]
    async with browser.open(ANNA, last_id=str(seqs[4])) as source:
        assert (await source.next()).event == "reset"


async def test_the_whole_feed_of_a_client_that_had_none_is_replayed(rig: Rig, browser: Browser) -> None:
    newcomer = uuid7()
    person = contact(newcomer, primary=True)
    async with browser.open(person) as source:
        await source.begun()
        assert source.last_id == "0"
    await rig.publish(project_created("First"), client_id=newcomer)
    await rig.settle()
    async with browser.open(person, last_id="0") as source:
        assert (await source.next()).data["title"].endswith(" started First")


async def test_a_stream_ends_quietly_at_the_end_of_its_life(browser: Browser, limits: Limits) -> None:
    limits(stream_life=0.2)
    async with browser.open(ANNA) as source:
        with pytest.raises(EOFError):
            await source.next()
        assert not source.torn
        assert source.retry != 2000


async def test_what_no_notification_told_is_found_by_the_poll(rig: Rig, browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        await source.begun()
        position = await newest(rig, ACME) + 10
        await rig.sql(
            "insert into feed values ($1, $2, $3, 'news', 'kept quiet', '', null, '', null, 'client', $2, now(), false, false)",
            position,
            ACME,
            uuid7(),
        )
        assert (await source.next()).data["title"] == "The portal kept quiet"
        await rig.sql("delete from feed where position = $1", position)
        rig.api.app.state.hub.head = await newest(rig, ACME)


async def test_streams_survive_the_loss_of_every_database_connection(rig: Rig, browser: Browser) -> None:
    """What was rung meanwhile is lost, so everybody is rung."""
    async with browser.open(ANNA) as source, browser.open(contact(ACME, primary=True, name="Mia Sand")) as other:
        for each in (source, other):
            await each.begun()
        await rig.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert [(await each.next()).event for each in (source, other)] == ["bell_changed"] * 2
        await rig.publish(milestone_created(RELAUNCH, "After the crash"))
        while (message := await source.next()).event == "bell_changed":
            pass
        assert "After the crash" in message.data["title"]


async def test_readiness_covers_the_hub(rig: Rig) -> None:
    await rig.settle()
    work = ("broker", "relay", "consumer activity", "backlog", "stream")
    names = (*work, "database", "outbox", "inbox activity")
    async with asyncio.timeout(30):  # the test before cut every connection
        while (await rig.api(None, "GET", "/readyz")).json() != dict.fromkeys(names, "ok"):
            await asyncio.sleep(0.1)


async def test_many_streams_that_missed_much_catch_up_in_turn_and_nobody_waits_for_them(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than there are connections, each with several portions to read, and reading takes its time."""
    list_missed = queries.list_missed
    reading, under_way, most = list[int](), set[object](), 0

    async def slowly(*place: Any) -> Any:
        nonlocal most
        under_way.add(one := object())
        most = max(most, len(under_way))
        entries = await list_missed(*place)
        reading.append(len(entries))
        await asyncio.sleep(0.05)
        under_way.remove(one)
        return entries

    monkeypatch.setattr(queries, "list_missed", slowly)
    monkeypatch.setattr(stream, "PORTION", 10)
    carol = contact(CARGO, primary=True, name="Carol Cargo")
    await rig.publish(ClientCreated(name="Cargo Ltd"), CARGO, client_id=CARGO)
    await rig.publish_all([(project_created(f"P{number}"), uuid7()) for number in range(25)], client_id=CARGO)
    await rig.settle()
    listed = (await rig.api(carol, "GET", "activity", params={"limit": 100})).json()["items"]
    expected = [entry["seq"] for entry in reversed(listed)]

    async def catch_up() -> list[int]:
        async with browser.open(carol, last_id="0") as source:
            return [int(message.id) for message in await source.take(25)]

    streams = asyncio.gather(*(catch_up() for _ in range(40)))
    await asyncio.sleep(0.5)
    assert (await rig.api(carol, "GET", "activity")).status_code == 200
    assert await streams == [expected] * 40
    assert set(reading) == {10, 5}
    assert most == CATCHING_UP
