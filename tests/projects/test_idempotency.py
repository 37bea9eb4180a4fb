"""`Idempotency-Key`: the same POST twice makes one thing and is answered alike."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest
from msgspec.structs import replace

from shared.clock import uuid7
from tests.projects.build import READER, STAFF, Desk, refused


@pytest.fixture
async def asked(desk: Desk) -> dict[str, Any]:
    return {"client_id": str(await desk.client("Acme GmbH")), "name": "Shop"}


async def post(desk: Desk, body: Any, key: str, actor: Any = STAFF, path: str = "projects") -> httpx2.Response:
    return await desk(actor, "POST", path, json=body, headers={"Idempotency-Key": key})


async def test_the_same_request_makes_one_thing_and_has_one_answer(desk: Desk, asked: dict[str, Any]) -> None:
    key = str(uuid7())
    first, second = await post(desk, asked, key), await post(desk, asked, key)
    assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
    assert (second.headers["etag"], second.headers["content-type"]) == ('"1"', first.headers["content-type"])
    assert (first.headers.get("idempotency-replayed"), second.headers["idempotency-replayed"]) == (None, "true")
    assert len(await desk.told(first.json())) == 1
    refused(await post(desk, asked | {"name": "Other"}, key), 422, "idempotency.key_reused")


async def test_another_caller_path_or_key_is_another_request(desk: Desk, asked: dict[str, Any]) -> None:
    key = str(uuid7())
    one = await post(desk, asked, key)
    others = [await post(desk, asked, key, replace(STAFF, id=uuid7())), await post(desk, asked, str(uuid7()))]
    milestones = f"projects/{one.json()['id']}/milestones"
    others.append(await post(desk, {"name": "Shop", "target_on": "2031-01-01"}, key, path=milestones))
    assert [answer.status_code for answer in others] == [201] * 3
    assert len({answer.json()["id"] for answer in (one, *others)}) == 4


async def test_a_refused_request_leaves_the_key_as_good_as_new(desk: Desk, asked: dict[str, Any]) -> None:
    key = str(uuid7())
    before = await desk.rows()
    assert (await post(desk, asked | {"name": ""}, key)).status_code == 422
    assert (await post(desk, asked, key, READER)).status_code == 403
    assert (await post(desk, asked | {"client_id": str(uuid7())}, key)).status_code == 404
    assert await desk.rows() == before
    assert (await post(desk, asked, key)).status_code == 201


async def test_who_may_no_longer_is_not_answered_from_before(desk: Desk, asked: dict[str, Any]) -> None:
    key = str(uuid7())
    assert (await post(desk, asked, key)).status_code == 201
    refused(await post(desk, asked, key, replace(STAFF, policies=frozenset())), 403, "forbidden")


async def test_at_once_one_runs_and_the_others_get_its_answer(desk: Desk, asked: dict[str, Any]) -> None:
    key = str(uuid7())
    answers = await asyncio.gather(*(post(desk, asked, key) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert (await post(desk, asked, key)).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a b"])
async def test_what_is_no_key_is_refused(desk: Desk, asked: dict[str, Any], key: str) -> None:
    assert (await post(desk, asked, key)).status_code == 422


async def test_answers_are_kept_for_a_day(desk: Desk, asked: dict[str, Any]) -> None:
    connection = await asyncpg.connect(desk.api.database_url)
    await connection.execute(
        "insert into idempotency_keys values ('old', 'x', null, now() - interval '25 hours'), ('new', 'x', null, now())"
    )
    await post(desk, asked, str(uuid7()))
    left = {row["id"] for row in await connection.fetch("select id from idempotency_keys")}
    await connection.close()
    assert b"old" not in left
    assert b"new" in left
