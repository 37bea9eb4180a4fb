"""The queries keep tenants apart by themselves: the same questions with row-level security switched off.

Two locks are two only if each holds alone. The other way round, `test_catalogue.py` shows that the policies hold
without any query's help.
"""

from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from tests.conftest import NewPortal
from tests.isolation.matrix import FOREIGN, ask, comparable, ids_of, is_told_nothing
from tests.isolation.routes import Right, declared
from tests.isolation.test_private import ABOUT_WORK, NAMES, WORK, keep
from tests.portal_stack import API, Portal


@pytest.fixture(scope="module")
async def unlocked(portal_without_help: Portal) -> Portal:
    await open_the_second_lock(portal_without_help)
    return portal_without_help


@pytest.fixture(scope="module")
def portal_without_help(new_portal: NewPortal) -> Iterator[Portal]:
    """A portal of its own: what follows must not happen to the others'."""
    with new_portal("unlocked") as portal:
        yield portal


async def open_the_second_lock(portal: Portal) -> None:
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    tables = await connection.fetch("select schemaname, tablename from pg_tables where rowsecurity")
    assert len(tables) > 10
    for schema, table in tables:
        await connection.execute(f"alter table {schema}.{table} disable row level security")
    await connection.close()


async def test_without_policies_the_queries_still_know_whose_rows_they_are(unlocked: Portal) -> None:
    ids = ids_of(unlocked)
    strangers = {name: str(uuid4()) for name in ids}
    wrong: list[str] = []
    for right in FOREIGN:
        if right.service == "portal":
            continue
        headers = unlocked.signer().headers(unlocked.actor("birch"), right.service)
        base = unlocked.run.services[right.service]
        with httpx2.Client(timeout=30) as http:
            foreign, random = (ask(http, right, each, base, headers=headers) for each in (ids, strangers))
        if not is_told_nothing(foreign) or comparable(foreign, ids) != comparable(random, strangers):
            wrong.append(f"{right.name}: {foreign.status_code} and {random.status_code}")
    assert wrong == []


async def test_without_policies_a_partner_bound_to_one_client_finds_no_other(unlocked: Portal) -> None:
    ids = ids_of(unlocked)
    strangers = {name: str(uuid4()) for name in ids}
    http = unlocked.as_("partner")
    wrong: list[str] = []
    for right in [each for each in FOREIGN if each.service != "portal"]:
        base = unlocked.run.services[right.service]
        foreign, random = (ask(http, right, each, base) for each in (ids, strangers))
        if not is_told_nothing(foreign) or comparable(foreign, ids) != comparable(random, strangers):
            wrong.append(f"{right.name}: {foreign.status_code} and {random.status_code}")
    assert wrong == []


@pytest.mark.parametrize("who", ["birch", "partner"])
async def test_without_policies_lists_still_hold_only_ones_own(unlocked: Portal, who: str) -> None:
    acme, own = (unlocked.me(each)["client_id"] for each in ("approver", "birch"))
    found: list[str] = []
    for right in declared():
        if right.method == "GET" and "{" not in right.path and right.service != "portal":
            named = {"client_id": own} if right.path.endswith(("kpis", "overview")) else {}
            answer = unlocked.as_(who).get(right.path, params=named)
            found += [right.name] if acme in answer.text or "Acme" in answer.text else []
    assert found == []
    listed = unlocked.as_(who).get(f"{API}/projects").json()["items"]
    assert {each["client_id"] for each in listed} == {own}


@pytest.mark.parametrize("who", ["approver", "viewing", "partner"])
async def test_without_policies_what_is_private_still_does_not_exist(unlocked: Portal, who: str) -> None:
    ids = ids_of(unlocked) | {"client_id": unlocked.me("birch" if who == "partner" else "approver")["client_id"]}
    kept = keep(unlocked, ids)
    own, random = {name: kept[name] for name in WORK}, {name: str(uuid4()) for name in WORK}
    http = unlocked.as_(who)
    wrong: list[str] = []
    for right in [each for each in ABOUT_WORK if each.service != "portal"]:
        private, nobodys = ask(http, right, kept), ask(http, right, kept | random)
        if comparable(private, own) != comparable(nobodys, random):
            wrong.append(f"{right.name}: {private.status_code} and {nobodys.status_code}")
    assert wrong == []
    asked = ids_of(unlocked) | ids
    gets = [right for right in declared() if right.method == "GET" and lists(right)]
    texts = [(right.name, answer.text) for right in gets for answer in (ask(http, right, asked), http.get(right.path))]
    assert [name for name, text in texts if any(canary in text for canary in (*NAMES, *own.values()))] == []
    assert any('"type":"milestone_' in text for name, text in texts if name.endswith("/activity"))


def lists(right: Right) -> bool:
    return right.service != "portal" and "{" not in right.path
