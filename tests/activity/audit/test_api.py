"""The audit log over HTTP: who did what from where; filters, pages, and who may read it."""

from typing import Any

import pytest

from shared.actor import Actor
from shared.clock import uuid7
from shared.contracts.identity import ClientCreated, PersonUpdated, SignedIn, SignedOut, SignInFailed
from shared.contracts.projects import ProjectViewed
from tests.activity.build import ACME, ANNA, BIRCH, CLARA, JONAS, OLIVER, milestone_created, project_created
from tests.activity.rig import Rig

PROJECT = uuid7()
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
ATTEMPT = Actor(session_id=uuid7(), ip="198.51.100.4")


@pytest.fixture(scope="module", autouse=True)
async def history(rig: Rig) -> None:
    await rig.publish(ClientCreated(name="Acme GmbH"), ACME)
    await rig.publish(SignedIn(method="password", ip="203.0.113.7", user_agent=PIXEL), ANNA.id, actor=ANNA)
    await rig.publish(ProjectViewed(name="Website relaunch"), PROJECT, actor=ANNA)
    await rig.publish(SignedOut(), ANNA.id, actor=ANNA)
    await rig.publish(
        SignInFailed(method="password", reason="unknown", ip="198.51.100.4", user_agent="curl/8.5.0"),
        ATTEMPT.session_id,
        client_id=None,
        actor=ATTEMPT,
    )
    await rig.publish(project_created("Brand refresh"), client_id=BIRCH, actor=OLIVER)
    for number in range(25):
        await rig.publish(milestone_created(PROJECT, f"Step {number}"))
    await rig.settle()


async def read(rig: Rig, **params: Any) -> list[dict[str, Any]]:
    answer = await rig.api(
        CLARA, "GET", "audit", params={"limit": 100} | {key: str(value) for key, value in params.items()}
    )
    assert answer.status_code == 200
    return answer.json()["items"]


async def test_a_record_says_who_did_what_from_where(rig: Rig) -> None:
    [viewed] = await read(rig, type="view_project")
    assert viewed == {
        "id": viewed["id"],
        "client_id": str(ACME),
        "seq": 3,
        "type": "view_project",
        "subject": str(PROJECT),
        "actor": {"id": str(ANNA.id), "name": "Anna Keller", "kind": "client"},
        "session": {
            "id": str(ANNA.session_id),
            "ip": "203.0.113.7",
            "user_agent": PIXEL,
            "device_type": "mobile",
            "browser": "Chrome Mobile 126",
            "platform": "Android 14",
        },
        "trace_id": "",
        "at": viewed["at"],
        "detail": {"name": "Website relaunch"},
        "security": False,
        "financial": False,
    }


async def test_a_failed_sign_in_is_kept_with_where_it_came_from(rig: Rig) -> None:
    [failed] = await read(rig, type="failed_login")
    assert (failed["client_id"], failed["security"]) == (None, True)
    assert failed["actor"] == {"id": None, "name": None, "kind": "anonymous"}
    assert (failed["session"]["ip"], failed["session"]["device_type"]) == ("198.51.100.4", "desktop")
    assert failed["detail"] == {"method": "password", "reason": "unknown"}


async def test_security_events_can_be_read_alone(rig: Rig) -> None:
    assert [each["type"] for each in await read(rig, security="true")] == ["failed_login", "logout", "login"]
    assert len(await read(rig, security="false")) == 28


async def test_one_client_s_log_or_one_person_s(rig: Rig) -> None:
    [only] = await read(rig, client_id=BIRCH)
    assert (only["type"], only["seq"], only["detail"]["name"]) == ("project_created", 1, "Brand refresh")
    assert {each["actor"]["name"] for each in await read(rig, actor_id=ANNA.id)} == {"Anna Keller"}
    assert len(await read(rig, client_id=ACME, actor_id=ANNA.id, security="true")) == 2


@pytest.mark.parametrize("params", [{}, {"client_id": str(ACME)}])
async def test_pages_give_every_record_once(rig: Rig, params: dict[str, str]) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await rig.api(CLARA, "GET", "audit", params=params | ({"cursor": cursor} if cursor else {}))).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == (29 if params else 31)
    assert seen == [each["id"] for each in await read(rig, **params)]


async def test_a_page_of_one_list_is_no_page_of_another(rig: Rig) -> None:
    cursor = (await rig.api(CLARA, "GET", "audit", params={"limit": 1})).json()["next_cursor"]
    answer = await rig.api(CLARA, "GET", "audit", params={"cursor": cursor, "client_id": str(ACME)})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


async def test_a_name_is_the_one_last_heard(rig: Rig) -> None:
    married = Actor(**{name: getattr(ANNA, name) for name in ANNA.__struct_fields__} | {"name": "Anna Berg"})
    await rig.publish(PersonUpdated(fields=["last_name"]), ANNA.id, actor=married)
    await rig.settle()
    assert {each["actor"]["name"] for each in await read(rig, actor_id=ANNA.id)} == {"Anna Berg"}


@pytest.mark.parametrize("who", [ANNA, OLIVER, JONAS])
async def test_only_staff_who_may_read_the_audit_log_do(rig: Rig, who: Actor) -> None:
    answer = await rig.api(who, "GET", "audit", params={"client_id": str(ACME)})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_nobody_reads_without_signing_in(rig: Rig) -> None:
    assert (await rig.api(None, "GET", "audit")).status_code == 401
