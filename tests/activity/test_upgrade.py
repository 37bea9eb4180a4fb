"""What a portal knew before an update it knows afterwards, where a later version has another place for it."""

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


async def test_which_clients_are_active_is_learnt_from_what_was_heard_of_them(cluster: Cluster) -> None:
    url = await database_at(cluster, "activity", "0018")
    admin = await asyncpg.connect(url, server_settings={"search_path": "activity"})
    known = "insert into known_clients (client_id, name, created_at, changed) values ($1, $2, now(), 1)"
    record = """
        insert into audit (client_id, seq, position, event_id, type, subject, actor_kind, trace_id, at, detail, security,
            financial, hash)
        values ($1, $2, $3, $4, $5, $1, 'staff', '', now(), $6, false, false, '')
    """
    heard = {
        "closed": ["client_created", "client_updated false"],
        "open again": ["client_created", "client_updated false", "client_updated true", "project_updated"],
        "new": [],
    }
    position = 0
    for name, events in heard.items():
        client = uuid7()
        await admin.execute(known, client, name)
        for each in events:
            position += 1
            kind, _, active = each.partition(" ")
            detail = f'{{"name": "{name}", "active": {active or "true"}}}'
            await admin.execute(record, client, position, position, uuid7(), kind, detail)
    await upgrade(url, "activity", "0019")
    rows = await admin.fetch("select name, active from known_clients")
    assert dict(rows) == {"closed": False, "open again": True, "new": None}
    await admin.close()
