"""A projection that was lost is there again, and nobody hears of it."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from ops.databases import plain_url
from ops.stack.addresses import ADMIN_VARIABLE
from tests.clocks import DAY, let_none_end
from tests.isolation.matrix import settle
from tests.portal_stack import API, Portal


def republish(portal: Portal, repository: Path, service: str) -> subprocess.CompletedProcess[str]:
    """Run `portal republish` as the operator of this portal does."""
    return subprocess.run(
        [sys.executable, "-m", "ops", "republish", service],
        cwd=repository,
        env={**os.environ, "PORTAL_DATA": str(portal.folder)},
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def on_database(portal: Portal, statement: str) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(plain_url(portal.run.addresses[ADMIN_VARIABLE]))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def overview(portal: Portal, who: str) -> dict[str, Any]:
    """Figures and what is due, without when things happened last and when it was computed."""
    found = portal.as_(who).get(f"{API}/overview", params={"client_id": portal.me("approver")["client_id"]}).json()
    return {"kpis": found["kpis"]["items"], "due": [{**each, "at": None} for each in found["due"]]}


def test_a_lost_overview_is_there_again_and_nothing_else_happened(portal: Portal, repository: Path) -> None:
    counts = "select (select count(*) from activity.feed), (select max(position) from activity.feed)"
    readers = ("approver", "viewer", "admin")
    let_none_end(DAY)  # what is due is so many days away
    asyncio.run(settle(portal))
    before = {who: overview(portal, who) for who in readers}
    assert before["approver"]["due"]
    counted = on_database(portal, counts)
    types = "select count(*) from activity.audit where type like '%restated'"
    on_database(portal, "delete from activity.overview")
    on_database(portal, "update activity.known_clients set changed = -1")  # what was answered before counts no more
    assert overview(portal, "approver")["due"] == []
    done = republish(portal, repository, "projects")
    assert done.returncode == 0, done.stderr
    assert "published again" in done.stdout
    portal.until(lambda: {who: overview(portal, who) for who in readers} == before)
    assert (on_database(portal, counts), on_database(portal, types)[0][0]) == (counted, 0)


def test_clients_and_people_told_again_change_nothing_for_anybody(portal: Portal, repository: Path) -> None:
    """Activity and projects had lost who is a client; what each person may do is as it was."""
    counts = "select (select count(*) from activity.feed), (select max(position) from activity.feed)"
    clients = "select client_id, name from activity.known_clients order by 1"
    since = "select client_id, created_at from activity.known_clients"
    known = "select id, name, active from projects.known_clients order by 1"
    readers = ("approver", "viewer", "admin")
    before = {who: overview(portal, who) for who in readers}
    rights = {who: portal.as_(who).get(f"{API}/auth/me").json() for who in readers}
    kept = [on_database(portal, each) for each in (counts, clients, known)]
    began = dict(on_database(portal, since))
    on_database(portal, "delete from activity.known_clients")
    done = republish(portal, repository, "identity")
    assert done.returncode == 0, done.stderr
    portal.until(lambda: on_database(portal, clients) == kept[1])
    portal.until(lambda: {who: overview(portal, who) for who in readers} == before)
    assert {who: portal.as_(who).get(f"{API}/auth/me").json() for who in readers} == rights
    assert [on_database(portal, each) for each in (counts, clients, known)] == kept
    assert max(abs(at - began[client]) for client, at in on_database(portal, since)) < timedelta(minutes=1)
    assert on_database(portal, "select count(*) from activity.audit where type like '%restated'")[0][0] == 0


def test_a_service_that_has_nothing_to_tell_is_refused_in_a_sentence(portal: Portal, repository: Path) -> None:
    refused = republish(portal, repository, "gateway")
    assert refused.returncode == 1
    assert "gateway has nothing to publish again. Choose of ['identity', 'projects']" in refused.stderr
