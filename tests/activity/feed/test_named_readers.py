"""A thing that is for some of the client's people only is told to nobody else: in pages, replays and open streams."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.actor import Actor
from shared.clock import today, uuid7
from shared.contracts.identity import ClientCreated
from shared.contracts.projects import MilestoneRestated
from shared.contracts.summary import Readers, Summary
from tests.activity.build import milestone_created, project_created
from tests.activity.overview.test_overview import ROLES, House
from tests.activity.rig import Rig
from tests.activity.sse import Browser, EventSource


@pytest.fixture
async def house(rig: Rig) -> House:
    made = House(rig)
    await made.tell((ClientCreated(name="Cedar"), made.id), (project_created("Website"), made.project))
    return made


def step(house: House, name: str, **readers: Any) -> Any:
    """The event of a milestone that is for these readers."""
    summary = Summary(
        kind="milestone", title=name, status="open", version=1, made_on=today(), project_id=house.project,
        readers=Readers(**readers),
    )  # fmt: skip
    return msgspec.structs.replace(milestone_created(house.project, name), summary=summary)


async def pages(house: House, actor: Actor, **params: str) -> list[str]:
    named = {"client_id": str(house.id)} if actor.kind == "staff" else {}
    answer = await house.rig.api(actor, "GET", "activity", params=named | params)
    return [each["title"].rpartition(" ")[2] for each in answer.json()["items"]]


async def heard(stream: EventSource) -> list[str]:
    """What the stream says up to the entry that everybody reads."""
    names: list[str] = []
    while "Open" not in names:
        names.append((await stream.next()).data["title"].rpartition(" ")[2])
    return names


async def test_only_who_may_read_a_thing_reads_of_it(house: House, browser: Browser) -> None:
    assert house.viewer.id
    readers = {"Approvers": {"roles": ["approver"]}, "Viola": {"people": [house.viewer.id]}, "Nobody": {}}
    everything = ["Approvers", "Viola", "Nobody", "Open"]
    expected = {
        **dict.fromkeys(("primary", "clara", "viewing"), everything),
        "approver": ["Approvers", "Open"],
        "viewer": ["Viola", "Open"],
        "ralf": ["Open"],
    }
    async with asyncio.TaskGroup() as group:
        begun = {role: asyncio.Event() for role in expected}

        async def listen(role: str) -> list[str]:
            async with browser.open(getattr(house, role), house.id) as stream:
                await stream.begun()
                begun[role].set()
                return await heard(stream)

        live = {role: group.create_task(listen(role)) for role in expected}
        for each in begun.values():
            await each.wait()
        for name, who in readers.items():
            await house.tell((step(house, name, **who), uuid7()))
        await house.tell((milestone_created(house.project, "Open"), uuid7()))
    assert {role: task.result() for role, task in live.items()} == expected
    for role, names in expected.items():
        actor = getattr(house, role)
        for params in ({}, {"project_id": str(house.project)}):
            assert await pages(house, actor, **params) == [*reversed(names), "Website"], (role, params)
        async with browser.open(actor, house.id, last_id="0") as again:
            assert await heard(again) == ["Website", *names], role
    assert {role for role in ROLES if role not in expected} == {"feedback"}
    assert await pages(house, house.feedback) == []


async def test_what_is_deleted_is_read_by_who_could_read_it_before(house: House) -> None:
    """Whatever its last event says of that."""
    secret, kept = uuid7(), uuid7()
    private = msgspec.structs.replace(
        step(house, "Secret"),
        private=True,
        summary=msgspec.structs.replace(step(house, "Secret").summary, private=True),
    )
    await house.tell((private, secret), (step(house, "Approvers", roles=["approver"]), kept))
    for thing in (secret, kept):
        gone = Summary(
            kind="milestone", title="", status="", version=2, made_on=today(), project_id=house.project, deleted=True
        )
        await house.tell((msgspec.structs.replace(milestone_created(house.project, "Gone"), summary=gone), thing))
    assert await pages(house, house.viewer) == ["Website"]
    assert [row["deleted"] for row in await house.rig.sql("select deleted from overview where id = $1", secret)] == [
        True
    ]


async def test_where_a_stream_resumes_says_nothing_of_what_its_reader_may_not_read(
    house: House, browser: Browser
) -> None:
    """Neither by the id that it begins with, nor by which ids it knows."""
    await house.tell((step(house, "Approvers", roles=["approver"]), uuid7()))
    [last] = await house.rig.sql("select max(position) as position from feed where client_id = $1", house.id)
    for actor, known in ((house.feedback, False), (house.viewer, False), (house.approver, True)):
        async with browser.open(actor, house.id) as stream:
            await stream.begun()
            assert (stream.last_id == str(last["position"])) is known, actor.project_roles
        async with browser.open(actor, house.id, last_id=str(last["position"])) as stream:
            begun = await stream.read_block()
            assert (begun is None, bool(begun and begun.event == "reset")) == (known, not known), actor.project_roles


async def test_what_belongs_to_no_project_takes_its_entries_with_it(house: House) -> None:
    """No service tells of such a thing yet, so an entry is made one of it."""
    thing = uuid7()
    await house.tell((milestone_created(house.project, "Open"), thing))
    await house.rig.sql("update feed set project_id = null where target_id = $1", thing)
    await house.rig.sql("update overview set project_id = null where id = $1", thing)
    seen = []
    for version, private in ((2, True), (3, False)):
        summary = Summary(kind="milestone", title="Open", status="", version=version, made_on=today(), private=private)
        again = MilestoneRestated(
            project_id=house.project, project_name="", name="Open", target_on=today(), version=version, summary=summary
        )
        await house.tell((again, thing))
        seen.append(await pages(house, house.primary))
    assert seen == [["Website"], ["Open", "Website"]]
