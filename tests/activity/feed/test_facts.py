"""Entries stored in words before facts were: the revision makes their facts from the audit log."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec

from shared.clock import uuid7
from shared.contracts.projects import MilestoneUpdated, ProjectShared, ProjectStatusChanged, ProjectUpdated
from shared.contracts.words.telling import keep, say
from shared.events import EventData
from tests.activity.build import milestone_created
from tests.conftest import Cluster
from tests.revisions import database_at, upgrade

CLIENT, PROJECT = uuid7(), uuid7()
UPDATED: dict[str, Any] = {"name": "Shop", "status": "on_track", "version": 2}
MOVED = msgspec.structs.asdict(milestone_created(PROJECT)) | {"fields": ["target_on", "phase"], "hidden": ["phase"]}
STORED: Mapping[int, EventData] = {
    1: ProjectUpdated(**UPDATED, fields=["ends_on", "name", "scope"], hidden=["scope"]),
    2: ProjectUpdated(**UPDATED, fields=["ends_on", "scope"], hidden=["scope"]),
    3: ProjectUpdated(**UPDATED, fields=["scope"], hidden=["scope"]),
    4: ProjectStatusChanged(name="Shop", old="on_track", new="at_risk", version=3),
    5: ProjectShared(name="Shop", status="on_track", version=4),
    6: MilestoneUpdated(**MOVED),
}
UNLOGGED = 4
"""An entry whose event is not in the log: it is read as it is stored."""


async def store(connection: asyncpg.Connection, position: int, data: EventData) -> None:
    """As the version before did."""
    tells = [*getattr(data, "fields", [])] if isinstance(data, ProjectUpdated) else []
    await connection.execute(
        "insert into feed (position, client_id, id, type, title, description, actor_name, project_id, target_type,"
        " target_id, at, private, team_only, tells) values ($1, $2, $3, $4, 'once', 'said', '', $5, 'project', $5, now(),"
        " false, false, $6)",
        position, CLIENT, uuid7(), data.type, PROJECT, tells,
    )  # fmt: skip
    if position != UNLOGGED:
        await connection.execute(
            "insert into audit (client_id, seq, position, event_id, type, subject, actor_kind, trace_id, at, detail,"
            " security, financial, hash) values ($1, $2, $2, $3, $4, $5, 'staff', '', now(), $6, false, false, '')",
            CLIENT, position, uuid7(), data.type, PROJECT, msgspec.json.encode(data).decode(),
        )  # fmt: skip


async def test_entries_stored_in_words_have_the_facts_of_their_events(cluster: Cluster) -> None:
    url = await database_at(cluster, "activity", "0013")
    connection = await asyncpg.connect(url, server_settings={"search_path": "activity"})
    await connection.execute(
        "insert into known_projects (client_id, id, version, name, since, private, hidden_fields)"
        " values ($1, $2, 1, 'Shop', now(), false, '{ends_on}')",
        CLIENT, PROJECT,
    )  # fmt: skip
    for position, data in STORED.items():
        await store(connection, position, data)
    await upgrade(url, "activity", "0014")
    rows = {row["position"]: row for row in await connection.fetch("select * from feed order by position")}
    await connection.close()
    for position, data in STORED.items():
        facts: str | None = rows[position]["facts"]
        if position == UNLOGGED:
            assert (facts, rows[position]["title"]) == (None, "once")
        else:
            assert facts is not None
            assert say(data.type, facts) == say(data.type, bytes(keep(data)).decode())
    assert [rows[position]["tells"] for position in (1, 2, 3)] == [["ends_on", "name"], ["ends_on"], ["scope"]]
    assert [position for position, row in rows.items() if row["private"]] == [2]
    assert [position for position, row in rows.items() if row["team_only"]] == [5]
