"""The live stream through a real server: order, resuming, filters, and every way a stream ends (L1, L5)."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import aiohttp
import msgspec
import pytest

from services.activity.settings import ActivitySettings
from shared.actor import Actor
from shared.clock import now, uuid7
from shared.contracts.identity import ClientCreated, ClientUpdated, ProjectRolesChanged, SessionRevoked, SignedOut
from tests.activity.build import (
    ACME,
    ANNA,
    BIRCH,
    CLARA,
    OLIVER,
    contact,
    milestone_completed,
    milestone_created,
    project_created,
)
from tests.activity.rig import Rig
from tests.activity.sse import Browser, EventSource

RELAUNCH, SHOP = uuid7(), uuid7()


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
        async with asyncio.timeout(10):
            while source.comments < 3:
                await source.read_block()


async def test_a_new_stream_begins_with_what_happens_next(rig: Rig, browser: Browser) -> None:
    await rig.publish(milestone_created(RELAUNCH, "Before"))
    await rig.settle()
    async with browser.open(ANNA) as source:
        await source.begun()
        await rig.publish(milestone_created(RELAUNCH, "After"))
        assert (await source.next()).data["description"].startswith("After")


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
                    got.append(message.data["description"].partition(" ")[0])
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
        assert (await source.next()).data["description"].startswith("Missed")


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
            assert (await source.next()).data["description"].startswith("Afterwards")
        async with browser.open(ANNA, last_id=message.id) as source:
            assert (await source.next()).data["description"].startswith("Afterwards")


async def test_an_id_with_too_much_behind_it_starts_afresh(rig: Rig, browser: Browser, limits: "Limits") -> None:
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
        assert (await source.next()).data["description"] == "First"


async def test_each_reader_gets_the_projects_of_its_roles(rig: Rig, browser: Browser) -> None:
    viewer = contact(ACME, project_roles={RELAUNCH: "viewer", SHOP: "feedback_only"})
    mia = contact(ACME, project_roles={RELAUNCH: "feedback_only"})
    async with browser.open(viewer) as felix, browser.open(mia) as feedback, browser.open(CLARA, ACME) as staff:
        for source in (felix, feedback, staff):
            await source.begun()
        await rig.publish(milestone_created(SHOP, "Hidden"))
        await rig.publish(milestone_created(RELAUNCH, "Shown"))
        await rig.settle()
        await rig.sql(
            "insert into feed values (1000000, $1, $2, 'news', 'Closed on Friday', '', null, '', null, 'client', $1,"
            " now())",
            ACME,
            uuid7(),
        )
        assert [message.data["title"] for message in await felix.take(2)] == ["Milestone added", "Closed on Friday"]
        assert (await feedback.next()).data["title"] == "Closed on Friday"
        assert len(await staff.take(3)) == 3
    await rig.sql("delete from feed where position = 1000000")
    rig.api.app.state.hub.head = await newest(rig, ACME)


async def test_a_replay_gives_the_projects_of_the_reader_s_roles(rig: Rig, browser: Browser) -> None:
    start = str(await newest(rig, ACME))
    await rig.publish(milestone_created(SHOP, "Hidden"))
    await rig.publish(milestone_created(RELAUNCH, "Shown"))
    await rig.settle()
    viewer = contact(ACME, project_roles={RELAUNCH: "viewer"})
    async with browser.open(viewer, last_id=start) as source:
        assert (await source.next()).data["description"].startswith("Shown")


async def test_no_reader_gets_another_client_s_entries(rig: Rig, browser: Browser) -> None:
    async with browser.open(OLIVER) as birch, browser.open(CLARA, BIRCH) as staff:
        await birch.begun()
        await staff.begun()
        await rig.publish(milestone_created(RELAUNCH, "Of Acme"))
        await rig.publish(milestone_created(SHOP, "Of Birch"), client_id=BIRCH)
        for source in (birch, staff):
            assert (await source.next()).data["description"].startswith("Of Birch")


async def answer(browser: Browser, actor: Actor, client_id: object) -> tuple[int, bytes]:
    async with browser.open(actor, client_id) as source:  # type: ignore[arg-type]
        return source.response.status, await source.response.read()


async def test_another_client_s_stream_is_answered_as_one_that_does_not_exist(browser: Browser) -> None:
    foreign = await answer(browser, OLIVER, ACME)
    assert foreign[0] == 404
    assert foreign == await answer(browser, OLIVER, uuid7()) == await answer(browser, OLIVER, "acme")


async def test_staff_follow_clients_that_exist(browser: Browser) -> None:
    assert (await answer(browser, CLARA, uuid7()))[0] == 404


async def test_nobody_listens_without_signing_in(browser: Browser) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{browser.url}/api/events/{ACME}") as response:
        assert response.status == 401


async def closed(source: EventSource) -> str:
    """The reason of the farewell, which is the last thing said, properly."""
    async with asyncio.timeout(10):
        while (message := await source.next()).event != "closed":
            pass
        with pytest.raises(EOFError):
            await source.next()
    assert not source.torn
    return message.data["reason"]


async def test_a_revoked_session_s_stream_is_closed_and_stays_so(rig: Rig, browser: Browser) -> None:
    anna = contact(ACME, primary=True)
    elsewhere = msgspec.structs.replace(anna, session_id=uuid7())
    async with browser.open(anna) as source, browser.open(elsewhere) as other:
        await source.begun()
        await other.begun()
        await rig.publish(SessionRevoked(session_hash="00", reason="revoked"), anna.session_id, actor=elsewhere)
        assert await closed(source) == "session_ended"
        await rig.publish(milestone_created(RELAUNCH, "Still there"))
        assert (await other.next()).event == "milestone_created"
    async with browser.open(anna) as source:
        assert await closed(source) == "session_ended"


async def test_signing_out_closes_the_stream(rig: Rig, browser: Browser) -> None:
    anna = contact(ACME, primary=True)
    async with browser.open(anna) as source:
        await source.begun()
        await rig.publish(SignedOut(), anna.id, actor=anna)
        assert await closed(source) == "session_ended"


async def test_another_role_closes_the_person_s_streams_everywhere(rig: Rig, browser: Browser) -> None:
    anna = contact(ACME, project_roles={RELAUNCH: "approver"})
    with_new_role = msgspec.structs.replace(anna, session_id=uuid7())
    async with browser.open(anna) as one, browser.open(with_new_role) as two, browser.open(ANNA) as bystander:
        for source in (one, two, bystander):
            await source.begun()
        await rig.publish(ProjectRolesChanged(roles={RELAUNCH: "feedback_only"}), anna.id)
        assert await closed(one) == await closed(two) == "access_changed"
        await rig.publish(milestone_created(RELAUNCH, "For the others"))
        assert (await bystander.next()).event == "milestone_created"


async def test_a_client_without_portal_loses_its_streams_and_staff_do_not(rig: Rig, browser: Browser) -> None:
    client = uuid7()
    person = contact(client, primary=True)
    await rig.publish(ClientCreated(name="Cedar"), client, client_id=client)
    await rig.settle()
    async with browser.open(person) as source, browser.open(CLARA, client) as staff:
        await source.begun()
        await staff.begun()
        await rig.publish(ClientUpdated(name="Cedar", active=True, portal_enabled=False), client, client_id=client)
        assert await closed(source) == "portal_disabled"
        await rig.publish(milestone_created(SHOP, "For staff"), client_id=client)
        assert (await staff.next()).event == "milestone_created"


async def test_a_stream_does_not_outlive_its_session(browser: Browser) -> None:
    anna = msgspec.structs.replace(contact(ACME, primary=True), session_ends=now() + timedelta(seconds=2))
    async with browser.open(anna) as source:
        await source.begun()
        assert await closed(source) == "session_expired"


async def test_a_stream_ends_quietly_at_the_end_of_its_life(browser: Browser, limits: "Limits") -> None:
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
            "insert into feed values ($1, $2, $3, 'news', 'Quiet', '', null, '', null, 'client', $2, now())",
            position,
            ACME,
            uuid7(),
        )
        assert (await source.next()).data["title"] == "Quiet"
        await rig.sql("delete from feed where position = $1", position)
        rig.api.app.state.hub.head = await newest(rig, ACME)


async def test_streams_survive_the_loss_of_every_database_connection(rig: Rig, browser: Browser) -> None:
    async with browser.open(ANNA) as source:
        await source.begun()
        await rig.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await rig.publish(milestone_created(RELAUNCH, "After the crash"))
        assert (await source.next()).data["description"].startswith("After the crash")


async def test_readiness_covers_the_hub(rig: Rig) -> None:
    await rig.settle()
    parts = (await rig.api(None, "GET", "/readyz")).json()
    assert parts == {"stream": "ok", "broker": "ok", "database": "ok"}


class Limits:
    def __init__(self, rig: Rig) -> None:
        self._state = rig.api.app.state
        self._before: ActivitySettings = self._state.settings

    def __call__(self, **limits: float) -> None:
        self._state.settings = msgspec.structs.replace(self._before, **limits)

    def restore(self) -> None:
        self._state.settings = self._before


@pytest.fixture
def limits(rig: Rig) -> "Limits":
    """Sets other limits for one test."""
    chosen = Limits(rig)
    yield chosen  # type: ignore[misc]
    chosen.restore()
