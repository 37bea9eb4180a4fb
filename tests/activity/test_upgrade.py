"""What a portal knew of projects and milestones before there was an overview is in it after the update."""

from datetime import date

import asyncpg

from shared.clock import uuid7
from tests.conftest import Cluster
from tests.revisions import database_at, upgrade


async def test_projects_and_milestones_move_into_the_overview(cluster: Cluster) -> None:
    url = await database_at(cluster, "activity", "0014")
    client, shown, secret, step, lost = (uuid7() for _ in range(5))
    admin = await asyncpg.connect(url, server_settings={"search_path": "activity"})
    project = "insert into known_projects values ($1, $2, 3, $3, '2026-01-05', $4, $5, $6)"
    await admin.execute(project, client, shown, "Shown", None, False, ["completion"])
    await admin.execute(project, client, secret, "Secret", date(2026, 3, 1), True, [])
    milestone = "insert into known_milestones values ($1, $2, 4, $3, $4, '2026-04-01', $5, $6)"
    await admin.execute(milestone, client, step, shown, "Step", date(2026, 2, 3), False)
    await admin.execute(milestone, client, lost, secret, "In it", None, False)
    await upgrade(url, "activity", "0015")
    told = await admin.fetch("select id, title, made_on, due_on, done_on, over, project_title from told order by title")
    assert [tuple(row) for row in told] == [
        (shown, "Shown", date(2026, 1, 5), None, None, False, "Shown"),
        (step, "Step", date(2026, 1, 5), date(2026, 4, 1), None, True, "Shown"),
    ]
    kept = await admin.fetch("select title, kind, version, done_on from things where kept order by kind")
    assert [tuple(row) for row in kept] == [
        ("In it", "milestone", 4, None),
        ("Secret", "project", 3, date(2026, 3, 1)),
    ]
    # A process of before goes on until the update is through, bound as it was.
    await admin.execute("set role activity_relay")
    assert await admin.execute("update known_projects set version = 4") == "UPDATE 2"
    assert await admin.execute("update known_milestones set version = 5") == "UPDATE 2"
    await admin.execute("set role activity_owner")
    assert await admin.fetch("select from known_projects union all select from known_milestones") == []
    await admin.close()
