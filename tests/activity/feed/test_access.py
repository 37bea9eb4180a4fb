"""Who may read the live stream, and how it ends when they no longer may."""

import asyncio
from datetime import timedelta
from uuid import UUID

import aiohttp
import msgspec
import pytest

from shared.actor import Actor
from shared.clock import now, uuid7
from shared.contracts.identity import (
    AssignmentsChanged,
    ClientCreated,
    ClientUpdated,
    ProjectRolesChanged,
    SessionRevoked,
    SignedOut,
)
from tests.activity.build import ACME, ANNA, BIRCH, CLARA, OLIVER, contact, milestone_created, project_created
from tests.activity.rig import Rig
from tests.activity.sse import Browser, EventSource

RELAUNCH, SHOP = uuid7(), uuid7()


@pytest.fixture(scope="module", autouse=True)
async def clients(rig: Rig) -> None:
    await rig.publish(ClientCreated(name="Acme GmbH"), ACME)
    await rig.publish(ClientCreated(name="Birch Ltd"), BIRCH, client_id=BIRCH)
    await rig.publish(project_created(), RELAUNCH)
    await rig.settle()


async def newest(rig: Rig, client_id: UUID) -> int:
    return (await rig.sql("select max(position) from feed where client_id = $1", client_id))[0][0]


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
            "insert into feed values (1000000, $1, $2, 'news', 'closed on Friday', '', null, '', null, 'client', $1,"
            " now(), false, false)",
            ACME,
            uuid7(),
        )
        assert [message.data["title"] for message in await felix.take(2)] == [
            "Clara Hoffmann added Shown",
            "The portal closed on Friday",
        ]
        assert (await feedback.next()).data["title"] == "The portal closed on Friday"
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
        assert "Shown" in (await source.next()).data["title"]


def subcontractor() -> Actor:
    """Somebody of staff who is limited to the relaunch."""
    return Actor(id=uuid7(), kind="staff", name="Emil Sand", session_id=uuid7(), assignments={RELAUNCH: ACME})


async def test_a_subcontractor_follows_named_projects_and_nothing_around_them(rig: Rig, browser: Browser) -> None:
    live, late = subcontractor(), subcontractor()
    start = str(await newest(rig, ACME))
    async with browser.open(live, ACME) as source, browser.open(CLARA, ACME) as staff:
        for each in (source, staff):
            await each.begun()
        await rig.publish(milestone_created(SHOP, "Hidden"))
        await rig.publish(milestone_created(RELAUNCH, "Shown"))
        await rig.settle()
        await rig.sql(
            "insert into feed values (1000000, $1, $2, 'news', 'closed on Friday', '', null, '', null, 'client', $1,"
            " now(), false, false)",
            ACME,
            uuid7(),
        )
        assert len(await staff.take(3)) == 3
        async with browser.open(late, ACME, last_id=start) as replay:
            for actor, stream in ((live, source), (late, replay)):
                assert "Shown" in (await stream.next()).data["title"]
                await rig.publish(AssignmentsChanged(limited=True, project_ids=[]), actor.id, client_id=None)
                assert (await stream.next()).event == "closed"
    page = (await rig.api(subcontractor(), "GET", "activity", params={"limit": 100})).json()["items"]
    assert {entry["project_id"] for entry in page} == {str(RELAUNCH)}
    of_project = await rig.api(subcontractor(), "GET", "activity", params={"project_id": str(RELAUNCH)})
    assert page == of_project.json()["items"]
    await rig.sql("delete from feed where position = 1000000")
    rig.api.app.state.hub.head = await newest(rig, ACME)


async def test_to_a_subcontractor_everything_else_does_not_exist(rig: Rig, browser: Browser) -> None:
    everything = frozenset({"viewAudit", "manageClients", "manageProjects"})
    emil = Actor(id=uuid7(), kind="staff", session_id=uuid7(), policies=everything, assignments={RELAUNCH: ACME})
    assert (await answer(browser, emil, BIRCH)) == (await answer(browser, emil, uuid7()))
    for path, query in (
        ("activity", {"client_id": str(BIRCH)}),
        ("activity", {"project_id": str(SHOP)}),
        ("kpis", {"client_id": str(BIRCH)}),
    ):
        assert (await rig.api(emil, "GET", path, params=query)).status_code == 404
    assert (await rig.api(emil, "GET", "audit")).status_code == 403
    figures = (await rig.api(emil, "GET", "kpis", params={"client_id": str(ACME)})).json()["items"]
    assert figures


async def test_no_reader_gets_another_client_s_entries(rig: Rig, browser: Browser) -> None:
    async with browser.open(OLIVER) as birch, browser.open(CLARA, BIRCH) as staff:
        await birch.begun()
        await staff.begun()
        await rig.publish(milestone_created(RELAUNCH, "Of Acme"))
        await rig.publish(milestone_created(SHOP, "Of Birch"), client_id=BIRCH)
        for source in (birch, staff):
            assert "Of Birch" in (await source.next()).data["title"]


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
    async with asyncio.timeout(30):
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
