"""S4: no page of another site, no trick with method or media type, makes the portal change anything."""

from collections.abc import Callable
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.isolation.matrix import ask, checksums, fill, fill_body, settle
from tests.isolation.routes import Right, declared
from tests.portal_stack import Portal

UNSAFE = [
    right for right in declared() if right.method not in ("GET", "HEAD") and not right.path.startswith("/internal")
]
FOREIGN: dict[str, dict[str, str]] = {
    "another site's origin": {"Origin": "https://evil.example"},
    "no origin a browser would tell": {"Origin": "null"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "a sibling host": {"Sec-Fetch-Site": "same-site"},
}
OVERRIDES = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE"}


async def state(portal: Portal) -> dict[str, Any]:
    """Every business row, and who is signed in."""
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    live = await connection.fetch("select hash from identity.sessions where revoked_at is null order by 1")
    await connection.close()
    return {**await checksums(portal), "sessions": [row[0] for row in live]}


def send(http: httpx2.Client, right: Right, ids: dict[str, str], **headers: str) -> httpx2.Response:
    return ask(http, right, ids, headers=headers)


async def refused(
    portal: Portal, ids: dict[str, str], attack: Callable[[httpx2.Client, Right], httpx2.Response]
) -> list[tuple[str, int, str]]:
    """What each unsafe route answers the administrator's browser; nothing may have changed."""
    http = portal.as_("admin")
    http.get("/")
    await settle(portal)
    before = await state(portal)
    answers = [
        (right.name, answer.status_code, answer.text[:200]) for right in UNSAFE for answer in [attack(http, right)]
    ]
    assert await state(portal) == before
    assert len(answers) > 40
    return answers


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_every_route_refuses_what_another_site_asks_for(
    portal: Portal, ids: dict[str, str], foreign: str
) -> None:
    answers = await refused(portal, ids, lambda http, right: send(http, right, ids, **FOREIGN[foreign]))
    assert [each for each in answers if each[1] != 403 or "cross_origin" not in each[2]] == []


async def test_a_forms_media_type_carries_no_json(portal: Portal, ids: dict[str, str]) -> None:
    """What a page may send anywhere without asking first: `text/plain` that is JSON inside."""

    def attack(http: httpx2.Client, right: Right) -> httpx2.Response:
        path = fill(right.path, ids)
        headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
        return http.request(right.method, path, content=str(fill_body(right.body or {}, ids)), headers=headers)

    assert {status for _, status, _ in await refused(portal, ids, attack)} == {403}


@pytest.mark.parametrize("header", OVERRIDES)
async def test_a_method_is_what_the_request_line_says(portal: Portal, ids: dict[str, str], header: str) -> None:
    """A GET stays one, whatever it says besides."""

    def attack(http: httpx2.Client, right: Right) -> httpx2.Response:
        path = fill(right.path, ids)
        return http.get(path, params={"_method": right.method}, headers={header: right.method})

    answers = await refused(portal, ids, attack)
    assert [each for each in answers if each[1] >= 500] == []
