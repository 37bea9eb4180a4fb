"""S4: no page of another site, no trick with method or media type, makes the portal change anything."""

from collections.abc import Callable
from functools import partial
from typing import Any

import asyncpg
import httpx2

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
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


async def state(portal: Portal) -> dict[str, Any]:
    """Every business row, and who is signed in."""
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    live = await connection.fetch("select hash from identity.sessions where revoked_at is null order by 1")
    await connection.close()
    return {**await checksums(portal), "sessions": [row[0] for row in live]}


async def changing_nothing(
    portal: Portal, attacks: dict[str, Callable[[httpx2.Client, Right], httpx2.Response]]
) -> dict[str, httpx2.Response]:
    """What each unsafe route answers the administrator's browser, by attack and route; nothing may have changed."""
    http = portal.as_("admin")
    http.get("/")
    await settle(portal)
    before = await state(portal)
    answers = {f"{what}: {right.name}": attack(http, right) for right in UNSAFE for what, attack in attacks.items()}
    assert await state(portal) == before
    assert len(answers) > 40 * len(attacks)
    return answers


async def test_every_route_refuses_what_another_site_asks_for(portal: Portal, ids: dict[str, str]) -> None:
    """Also what a page may send anywhere without asking first: `text/plain` that is JSON inside."""

    def as_text(http: httpx2.Client, right: Right) -> httpx2.Response:
        path = fill(right.path, ids)
        headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
        return http.request(right.method, path, content=str(fill_body(right.body or {}, ids)), headers=headers)

    attacks = {what: partial(ask, ids=ids, headers=headers) for what, headers in FOREIGN.items()}
    answers = await changing_nothing(portal, attacks | {"JSON as text": as_text})
    let_in = {
        what: f"{answer.status_code} {answer.text[:200]}"
        for what, answer in answers.items()
        if answer.status_code != 403 or "cross_origin" not in answer.text
    }
    assert let_in == {}


async def test_a_method_is_what_the_request_line_says(portal: Portal, ids: dict[str, str]) -> None:
    """A GET stays one, whatever it says besides, by all names that something believes somewhere."""

    def attack(http: httpx2.Client, right: Right) -> httpx2.Response:
        path = fill(right.path, ids)
        return http.get(path, params={"_method": right.method}, headers=dict.fromkeys(OVERRIDES, right.method))

    answers = await changing_nothing(portal, {"GET": attack})
    assert {what: answer.text[:200] for what, answer in answers.items() if answer.status_code >= 500} == {}
