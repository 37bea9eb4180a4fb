"""What a client's people are told of a thing says nothing of what was kept from them (decision 0049), and says it once."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.notifications.bell.commands import MAILS_A_DAY
from services.notifications.rules import RULES
from shared.clock import uuid7
from shared.contracts import EVENTS
from shared.contracts.entries.entry import about_of
from shared.contracts.identity import ProjectRolesChanged
from shared.contracts.notifications import MailOrdered
from shared.contracts.projects import ProjectShared, ProjectWithdrawn
from shared.events import AnyEvent, Event, EventData
from tests.activity.build import contact, project_created, status_changed
from tests.notifications.rig import Cast, Rig, introduce

GOLDEN = Path(__file__).parents[1] / "contracts/golden"
READERS = {"approver", "viewer", "primary", "let_in_again"}


def team_only(kind: type[EventData]) -> bool:
    """Whether the client's feed leaves events of the kind out."""
    golden = (GOLDEN / f"{kind.subject}.json").read_bytes()
    event: AnyEvent = msgspec.json.decode(golden, type=Event[kind])  # type: ignore[valid-type]
    about = about_of(event, event.data)
    return about is not None and about.team_only


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.type)
def test_what_the_feed_keeps_from_the_client_is_told_as_what_it_does_not(kind: type[EventData]) -> None:
    rule = RULES[kind]
    told = EVENTS[rule.type_of(kind)]
    assert not ((rule.roles or rule.primary_contacts) and team_only(told))
    assert told is kind or not rule.policy  # staff read what happened


def moved(kind: type[ProjectShared | ProjectWithdrawn], version: int, name: str = "Website relaunch") -> EventData:
    return kind(name=name, status="on_track", version=version)


async def toggled(rig: Rig, cast: Cast, versions: range) -> list[UUID]:
    """The project is shared at each even version and withdrawn at each odd one; the events of sharing."""
    return [
        await rig.publish(moved(kind, version), cast.project, client_id=cast.client)
        for version in versions
        for kind in ((ProjectWithdrawn if version % 2 else ProjectShared),)
    ][::2]


async def mails(rig: Rig, project: UUID) -> Counter[UUID]:
    """How many mails about a project are ordered for each person."""
    ordered = [
        msgspec.json.decode(event.data, type=MailOrdered)
        for event in await rig.api.published()
        if event.type == MailOrdered.type
    ]
    return Counter(UUID(str(order.person_id)) for order in ordered if order.project_id == project)


async def test_a_project_appears_once_to_each_person(rig: Rig, cast: Cast) -> None:
    first, *again = await toggled(rig, cast, range(2, 7))
    newcomer = contact(cast.client, project_roles={cast.project: "viewer"})
    await introduce(rig, [newcomer])
    assert newcomer.id
    [later] = await toggled(rig, cast, range(8, 9))
    await rig.settle()
    assert cast.names(await rig.told(first)) == READERS
    assert [await rig.told(each) for each in again] == [set(), set()]
    assert await rig.told(later) == {newcomer.id}
    assert await mails(rig, cast.project) == dict.fromkeys([*await rig.told(first), newcomer.id], 1)


async def test_a_project_that_was_kept_back_appears_like_one_that_was_not(rig: Rig, cast: Cast) -> None:
    kept, open_ = uuid7(), uuid7()
    roles = ProjectRolesChanged(roles={kept: "viewer", open_: "viewer"})
    assert cast.viewer.id
    await rig.publish(roles, cast.viewer.id, client_id=cast.client)
    await rig.publish(project_created("Shop", private=True), kept, client_id=cast.client)
    await rig.publish(moved(ProjectShared, 2, "Shop"), kept, client_id=cast.client)
    await rig.publish(project_created("Shop"), open_, client_id=cast.client)
    await rig.settle()
    reader = msgspec.structs.replace(cast.viewer, project_roles={kept: "viewer", open_: "viewer"})
    told = (await rig.get(reader))["items"]

    def said(item: dict[str, Any]) -> dict[str, Any]:
        known = ("id", "at", "project_id", "target")
        return {name: value for name, value in item.items() if name not in known}

    assert [each["target"]["id"] for each in told] == [str(open_), str(kept)]
    assert said(told[0]) == said(told[1])
    assert told[0]["title"] == "Shop is in your portal now"
    assert told[0]["actor"] == {"id": None, "name": ""}


async def test_a_thing_that_keeps_changing_is_mailed_a_few_times_a_day(rig: Rig, cast: Cast) -> None:
    changes = [
        await rig.publish(
            status_changed(("at_risk", "delayed")[number % 2], version=number + 2), cast.project, client_id=cast.client
        )
        for number in range(MAILS_A_DAY + 2)
    ]
    await rig.settle()
    told = await rig.told(changes[0])
    assert [await rig.told(each) for each in changes] == [told] * len(changes)
    assert await mails(rig, cast.project) == dict.fromkeys(told, MAILS_A_DAY)
