"""A projection that was lost is there again, and nobody hears of it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from ops.migrate import plain_url
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
    assert overview(portal, "approver")["due"] == []
    done = republish(portal, repository, "projects")
    assert done.returncode == 0, done.stderr
    assert "published again" in done.stdout
    portal.until(lambda: {who: overview(portal, who) for who in readers} == before)
    assert (on_database(portal, counts), on_database(portal, types)[0][0]) == (counted, 0)


def test_a_service_that_has_nothing_to_tell_is_refused_in_a_sentence(portal: Portal, repository: Path) -> None:
    refused = republish(portal, repository, "gateway")
    assert refused.returncode == 1
    assert "gateway has nothing to publish again. Choose of ['projects']" in refused.stderr
