"""Recorded sessions as staff read them: which there are, what happened in one, in order, and who may read it."""

from typing import Any

import pytest

from services.activity.audit.verify import verify
from shared.actor import Actor
from shared.clock import uuid7
from shared.contracts.identity import SessionRevoked, SignedIn, SignedOut
from shared.contracts.projects import ProjectViewed
from shared.contracts.recordings import SessionVisited
from tests.activity.build import ACME, ANNA, BIRCH, CLARA, JONAS, OLIVER, contact, status_changed
from tests.activity.rig import Rig

PROJECT = uuid7()
BEN = contact(ACME, name="Ben Adler")
VIEWING = Actor(
    id=CLARA.id, name=CLARA.name, kind="client", client_id=ACME, session_id=CLARA.session_id, read_only=True
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WALK = [
    ("GET", "/", "page"),
    ("GET", "/widgets/dashboard/kpis", "refresh"),
    ("GET", f"/projects/{PROJECT}", "page"),
    ("GET", f"/api/events/{ACME}", "stream"),
    ("POST", f"/projects/{PROJECT}/status", "action"),
]


async def visit(rig: Rig, actor: Actor, method: str, path: str, kind: str) -> None:
    assert actor.session_id
    event = SessionVisited(method=method, path=path, kind=kind, request_id="ab" * 16)
    await rig.publish(event, actor.session_id, client_id=actor.client_id, actor=actor)


@pytest.fixture(scope="module", autouse=True)
async def history(rig: Rig) -> None:
    """Anna's session with other people's between, Oliver's of another client, and one of staff viewing as Acme."""
    signed_in = SignedIn(method="password", ip="203.0.113.7", user_agent=FIREFOX)
    await rig.publish(signed_in, ANNA.id, actor=ANNA)
    for number, each in enumerate(WALK):
        await visit(rig, ANNA, *each)
        await visit(rig, BEN, "GET", f"/projects/{number}", "page")
        if each[1] == f"/projects/{PROJECT}":
            await rig.publish(ProjectViewed(name="Website relaunch"), PROJECT, actor=ANNA)
    await rig.publish(status_changed("at_risk"), PROJECT, actor=ANNA)
    await visit(rig, OLIVER, "GET", "/security", "page")
    await visit(rig, VIEWING, "GET", "/team", "page")
    await visit(rig, ANNA, "POST", "/sign-out", "action")
    await rig.publish(SessionRevoked(session_hash="00", reason="signed_out"), ANNA.session_id, actor=ANNA)
    await rig.publish(SignedOut(), ANNA.id, actor=ANNA)
    await rig.settle()


async def read(rig: Rig, path: str, who: Actor = CLARA, **params: Any) -> dict[str, Any]:
    answer = await rig.api(who, "GET", path, params={key: str(value) for key, value in params.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lines(rig: Rig, **params: Any) -> list[str]:
    """What Anna did, as addresses and types."""
    found = await read(rig, "audit", session_id=ANNA.session_id, oldest_first="true", **params)
    return [each["detail"].get("path", each["type"]) for each in found["items"]]


ALL = [
    "login", "/", "/widgets/dashboard/kpis", f"/projects/{PROJECT}", "view_project", f"/api/events/{ACME}",
    f"/projects/{PROJECT}/status", "project_status_changed", "/sign-out", "session_revoked", "logout",
]  # fmt: skip


async def test_a_session_reads_from_sign_in_to_sign_out(rig: Rig) -> None:
    assert await lines(rig, client_id=ACME) == ALL
    assert await lines(rig) == ALL
    newest = await read(rig, "audit", session_id=ANNA.session_id, limit=2)
    assert [each["type"] for each in newest["items"]] == ["logout", "session_revoked"]


async def test_it_can_be_narrowed_to_what_was_asked_for_and_to_what_was_done(rig: Rig) -> None:
    opened = [each for each in ALL if not each.startswith(("/widgets", "/api/events"))]
    assert await lines(rig, visits="opened") == opened
    assert await lines(rig, visits="actions") == [
        "login", f"/projects/{PROJECT}/status", "project_status_changed", "/sign-out", "session_revoked", "logout",
    ]  # fmt: skip
    answer = await rig.api(CLARA, "GET", "audit", params={"visits": "none"})
    assert answer.status_code == 422


@pytest.mark.parametrize("oldest_first", ["true", "false"])
async def test_pages_give_every_line_once(rig: Rig, oldest_first: str) -> None:
    params: dict[str, Any] = {"session_id": ANNA.session_id, "oldest_first": oldest_first, "limit": 3}
    seen: list[int] = []
    page = await read(rig, "audit", **params)
    while True:
        seen += [each["seq"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await read(rig, "audit", **params, cursor=page["next_cursor"])
    assert len(seen) == len(ALL)
    assert seen == sorted(seen, reverse=oldest_first == "false")


async def test_a_page_of_one_session_is_no_page_of_another_list(rig: Rig) -> None:
    cursor = (await read(rig, "audit", session_id=ANNA.session_id, limit=1))["next_cursor"]
    for other in ({}, {"session_id": BEN.session_id}, {"session_id": ANNA.session_id, "oldest_first": "true"}):
        params = {key: str(value) for key, value in other.items()}
        answer = await rig.api(CLARA, "GET", "audit", params=params | {"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


async def test_the_list_says_who_from_where_how_long_and_how_much(rig: Rig) -> None:
    found = (await read(rig, "audit/recordings", client_id=ACME))["items"]
    assert [(each["actor"]["name"], each["actor"]["kind"], each["visits"]) for each in found] == [
        ("Clara Hoffmann", "viewing", 1), ("Ben Adler", "client", 5), ("Anna Keller", "client", 6),
    ]  # fmt: skip
    anna = found[-1]
    visited = await rig.sql(
        "select min(at), max(at) from audit where session_id = $1 and type = 'session_visited'", ANNA.session_id
    )
    assert [anna["began_at"], anna["last_at"]] == [each.isoformat().replace("+00:00", "Z") for each in visited[0]]
    assert anna["ended_at"] > anna["last_at"]
    assert anna["session"] == {
        "id": str(ANNA.session_id), "ip": "203.0.113.7", "user_agent": FIREFOX, "device_type": "desktop",
        "browser": "Firefox 140", "platform": "Linux",
    }  # fmt: skip
    assert found[1]["ended_at"] is None


async def test_the_list_has_pages_and_one_can_be_asked_for(rig: Rig) -> None:
    first = await read(rig, "audit/recordings", client_id=ACME, limit=2)
    rest = await read(rig, "audit/recordings", client_id=ACME, cursor=first["next_cursor"])
    assert [each["actor"]["name"] for each in rest["items"]] == ["Anna Keller"]
    [only] = (await read(rig, "audit/recordings", client_id=ACME, session_id=BEN.session_id))["items"]
    assert only["actor"]["name"] == "Ben Adler"
    assert (await read(rig, "audit/recordings", client_id=BIRCH, session_id=BEN.session_id))["items"] == []
    answer = await rig.api(
        CLARA, "GET", "audit/recordings", params={"client_id": str(BIRCH), "cursor": first["next_cursor"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")
    assert (await rig.api(CLARA, "GET", "audit/recordings")).json()["code"] == "client.not_named"


async def test_a_session_at_another_client_is_not_in_this_one_s(rig: Rig) -> None:
    """Staff have one session, whomever they view as: named with the client, it shows what was seen of that client."""
    theirs = await read(rig, "audit", session_id=OLIVER.session_id, client_id=ACME)
    assert theirs["items"] == []
    seen = await read(rig, "audit", session_id=CLARA.session_id, client_id=ACME, visits="opened")
    assert [each["detail"].get("path") for each in seen["items"]] == ["/team"]


@pytest.mark.parametrize("who", [ANNA, OLIVER, BEN, JONAS, VIEWING])
async def test_it_is_for_staff_who_may_read_the_audit_log(rig: Rig, who: Actor) -> None:
    params = {"client_id": str(ACME), "session_id": str(ANNA.session_id)}
    for path in ("audit", "audit/recordings"):
        answer = await rig.api(who, "GET", path, params=params)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_clients_are_told_nothing_of_it(rig: Rig) -> None:
    assert await rig.sql("select 1 from feed where type like 'session%'") == []


async def test_visits_are_part_of_the_chain(rig: Rig) -> None:
    assert await verify(rig.admin_url) == []
    change = "update audit set detail = '{}' where session_id = $1 and detail->>'path' = '/sign-out' returning seq"
    [[changed]] = await rig.sql(change, ANNA.session_id)
    assert [(each.client_id, each.seq) for each in await verify(rig.admin_url)] == [(ACME, changed)]
