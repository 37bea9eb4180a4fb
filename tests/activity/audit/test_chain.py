"""The audit chain: every tampering shows, and what a chain cannot show itself, heads kept outside do."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.activity.audit.chain import START, Head, canonical, digest, extend
from services.activity.audit.models import Record
from services.activity.audit.verify import Break, Heads, check, verify
from services.activity.tenants import COMPANY
from shared.clock import now, uuid7
from shared.contracts.identity import SignedIn, SignInFailed
from tests.activity.build import ACME, BIRCH, milestone_created, project_created
from tests.activity.rig import Rig

PROJECT = uuid7()
Tamper = Callable[[asyncpg.Connection, random.Random], Awaitable[int]]


def record(client_id: UUID, position: int) -> Record:
    return Record(
        client_id=client_id, position=position, event_id=uuid7(), type="view_project", subject=PROJECT, actor_id=None,
        actor_kind="client", session_id=None, trace_id="", at=now(), detail="{}", security=False, financial=False,
    )  # fmt: skip


def test_each_client_has_a_chain_of_its_own() -> None:
    records = [record(client, position) for position, client in enumerate([ACME, BIRCH, ACME, COMPANY, BIRCH])]
    links = extend({BIRCH: Head(7, b"7" * 32)}, records)
    assert [(link.record.client_id, link.seq) for link in links] == [
        (ACME, 1), (BIRCH, 8), (ACME, 2), (COMPANY, 1), (BIRCH, 9),
    ]  # fmt: skip
    assert links[0].hash == digest(START, 1, records[0])
    assert links[2].hash == digest(links[0].hash, 2, records[2])


def test_the_canonical_form_covers_the_number_and_every_field() -> None:
    one = record(ACME, 3)
    other: dict[str, object] = {
        "client_id": BIRCH, "position": 4, "event_id": uuid7(), "type": "x", "subject": uuid7(), "actor_id": uuid7(),
        "actor_kind": "staff", "session_id": uuid7(), "trace_id": "x", "at": now(), "detail": "[]", "security": True,
        "financial": True,
    }  # fmt: skip
    assert set(other) == set(Record.__struct_fields__)
    forms = {canonical(1, msgspec.structs.replace(one, **{name: value})) for name, value in other.items()}
    assert len(forms | {canonical(1, one), canonical(2, one)}) == len(other) + 2


@pytest.fixture(scope="module", autouse=True)
async def history(rig: Rig) -> None:
    """Three chains: Acme's of 30 records, Birch's of 12, the company's of 8."""
    await rig.publish_all([(milestone_created(PROJECT, f"Step {number}"), uuid7()) for number in range(30)])
    await rig.publish_all([(project_created(f"P{number}"), uuid7()) for number in range(12)], client_id=BIRCH)
    failed = SignInFailed(method="password", reason="unknown", ip="203.0.113.9", user_agent="")
    await rig.publish_all([(failed, uuid7()) for _ in range(8)], client_id=None)
    await rig.settle()
    await age(rig)


async def age(rig: Rig) -> None:
    """Let what was published have been published long enough ago to be in the log."""
    async with outbox(rig) as connection:
        await connection.execute("update outbox set published_at = published_at - interval '1 hour'")


@asynccontextmanager
async def outbox(rig: Rig) -> AsyncGenerator[asyncpg.Connection]:
    """Connected to the publisher's tables, as `portal audit verify` is to each service's."""
    connection = await asyncpg.connect(rig.source_admin_url, server_settings={"search_path": "source"})
    try:
        yield connection
    finally:
        await connection.close()


async def test_an_untouched_log_is_whole(rig: Rig) -> None:
    rows = await rig.sql("select client_id, count(*), max(seq) from audit group by 1 order by 2")
    assert [tuple(row) for row in rows] == [(COMPANY, 8, 8), (BIRCH, 12, 12), (ACME, 30, 30)]
    assert await verify(rig.admin_url) == []
    assert await verify(rig.api.database_url) == []
    async with outbox(rig) as told:
        assert await verify(rig.admin_url, outboxes=[told]) == []


async def test_the_runtime_can_add_and_never_change(rig: Rig) -> None:
    connection = await asyncpg.connect(rig.api.database_url)
    for role in ("activity_app", "activity_staff"):
        await connection.execute(f"set role {role}")
        for statement in ("update audit set type = 'x'", "delete from audit", "truncate audit", "drop table audit"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    await connection.close()


async def pick(connection: asyncpg.Connection, rng: random.Random, *, last: int = 0) -> tuple[UUID, int]:
    """A record of some chain; `last` leaves out so many at the end."""
    chains = await connection.fetch("select client_id, max(seq) as length from audit group by client_id order by 1")
    chain = rng.choice(chains)
    return chain["client_id"], rng.randint(1, chain["length"] - last)


COLUMNS = {
    "type": "'approve_quote'", "subject": "gen_random_uuid()", "actor_id": "gen_random_uuid()",
    "actor_kind": "'staff' || actor_kind", "session_id": "gen_random_uuid()", "trace_id": "'x'",
    "at": "at - interval '1 microsecond'", "detail": """'{"name":"x"}'::json""", "security": "not security",
    "financial": "not financial", "position": "position + 1000", "event_id": "gen_random_uuid()",
    "hash": "sha256(hash)",
}  # fmt: skip


async def edit(connection: asyncpg.Connection, rng: random.Random) -> int:
    client, seq = await pick(connection, rng)
    column = rng.choice(list(COLUMNS))
    await connection.execute(
        f"update audit set {column} = {COLUMNS[column]} where client_id = $1 and seq = $2", client, seq
    )
    return seq


async def reseal(connection: asyncpg.Connection, rng: random.Random) -> int:
    """An edit with the record's own hash made to match: it is the one behind it that does not."""
    client, seq = await pick(connection, rng, last=1)
    await connection.execute("update audit set type = 'nothing' where client_id = $1 and seq = $2", client, seq)
    rows = await connection.fetch(
        "select * from audit where client_id = $1 and seq in ($2 - 1, $2) order by seq desc", client, seq
    )
    before = rows[1]["hash"] if len(rows) > 1 else START
    changed = Record(**{name: rows[0][name] for name in Record.__struct_fields__})
    await connection.execute(
        "update audit set hash = $3 where client_id = $1 and seq = $2", client, seq, digest(before, seq, changed)
    )
    return seq + 1


async def delete(connection: asyncpg.Connection, rng: random.Random) -> int:
    """One record, with or without closing the gap behind it."""
    client, seq = await pick(connection, rng, last=1)
    await connection.execute("delete from audit where client_id = $1 and seq = $2", client, seq)
    if rng.random() < 0.5:
        await connection.execute("update audit set seq = -seq where client_id = $1 and seq > $2", client, seq)
        await connection.execute("update audit set seq = -seq - 1 where client_id = $1 and seq < 0", client)
    return seq


async def swap(connection: asyncpg.Connection, rng: random.Random) -> int:
    client, seq = await pick(connection, rng, last=1)
    for before, after in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
        await connection.execute("update audit set seq = $3 where client_id = $1 and seq = $2", client, before, after)
    return seq


async def insert(connection: asyncpg.Connection, rng: random.Random) -> int:
    """A copy of one record, put in behind it."""
    client, seq = await pick(connection, rng)
    await connection.execute("update audit set seq = -seq where client_id = $1 and seq > $2", client, seq)
    await connection.execute("update audit set seq = -seq + 1 where client_id = $1 and seq < 0", client)
    await connection.execute(
        "insert into audit select client_id, $2 + 1, (select max(position) + 1 from audit), gen_random_uuid(), type,"
        " subject, actor_id, actor_kind, session_id, trace_id, at, detail, security, financial, hash"
        " from audit where client_id = $1 and seq = $2",
        client,
        seq,
    )
    return seq + 1


async def move(connection: asyncpg.Connection, rng: random.Random) -> int:
    """The last record of Acme's chain becomes the last of Birch's."""
    await connection.execute("update audit set client_id = $2, seq = 13 where client_id = $1 and seq = 30", ACME, BIRCH)
    return 13


async def rewrite(connection: asyncpg.Connection, rng: random.Random) -> int:
    """Change one record and compute every hash from there on, as somebody would who can read this code."""
    client, seq = await pick(connection, rng)
    await connection.execute("update audit set type = 'nothing' where client_id = $1 and seq = $2", client, seq)
    fields = Record.__struct_fields__
    rows = await connection.fetch("select * from audit where client_id = $1 order by seq", client)
    head = {client: Head(0, START)}
    links = extend(head, [Record(**{name: row[name] for name in fields}) for row in rows])
    await connection.executemany(
        "update audit set hash = $3 where client_id = $1 and seq = $2",
        [(client, link.seq, link.hash) for link in links],
    )
    return seq


async def cut(connection: asyncpg.Connection, rng: random.Random) -> int:
    client, seq = await pick(connection, rng)
    await connection.execute("delete from audit where client_id = $1 and seq >= $2", client, seq)
    return seq


async def empty(connection: asyncpg.Connection, _rng: random.Random) -> int:
    await connection.execute("delete from audit")
    return 1


async def forge(connection: asyncpg.Connection, rng: random.Random) -> int:
    """One more record at the end of a chain, chained as it has to be; it may be dated back or repeat another's event."""
    client, _ = await pick(connection, rng)
    fields = Record.__struct_fields__
    last = await connection.fetchrow("select * from audit where client_id = $1 order by seq desc limit 1", client)
    again: dict[str, object] = {name: last[name] for name in fields} | {"position": last["position"] + 1000}
    new = again | rng.choice([{}, {"event_id": uuid7()}, {"event_id": uuid7(), "at": last["at"] - timedelta(days=30)}])
    [link] = extend({client: Head(last["seq"], last["hash"])}, [msgspec.convert(new, Record)])
    columns = {**new, "seq": link.seq, "hash": link.hash}
    await connection.execute(
        f"insert into audit ({', '.join(columns)}) values ({', '.join(f'${n + 1}' for n in range(len(columns)))})",
        *columns.values(),
    )
    return link.seq


async def hollow(connection: asyncpg.Connection, rng: random.Random) -> int:
    """The newest record of a chain says less than it did, and is chained as it has to be: no head knows it yet."""
    client, _ = await pick(connection, rng)
    rows = await connection.fetch("select * from audit where client_id = $1 order by seq desc limit 2", client)
    less = Record(**{name: rows[0][name] for name in Record.__struct_fields__} | {"detail": "{}"})
    await connection.execute(
        "update audit set detail = '{}', hash = $3 where client_id = $1 and seq = $2",
        client,
        rows[0]["seq"],
        digest(rows[1]["hash"], rows[0]["seq"], less),
    )
    return rows[0]["seq"]


@pytest.fixture(scope="module")
async def admin(rig: Rig) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(rig.admin_url, server_settings={"search_path": "activity"})
    yield connection
    await connection.close()


async def found(
    admin: asyncpg.Connection,
    tamper: Tamper,
    rng: random.Random,
    heads: Heads | None = None,
    outboxes: Sequence[asyncpg.Connection] = (),
) -> tuple[int, list[Break]]:
    """Tamper with the log as an administrator, in a transaction that never happened; where, and what shows."""
    transaction = admin.transaction()
    await transaction.start()
    seq = await tamper(admin, rng)
    breaks, _ = await check(admin, heads or Heads({}), outboxes)
    await transaction.rollback()
    return seq, breaks


async def heads_of(rig: Rig) -> Heads:
    rows = await rig.sql("select distinct on (client_id) client_id, seq, hash from audit order by client_id, seq desc")
    return Heads({row["client_id"]: Head(row["seq"], row["hash"]) for row in rows}, now())


@pytest.mark.parametrize("tamper", [edit, reseal, delete, swap, insert, move])
async def test_tampering_shows_at_the_first_record_it_touched(admin: asyncpg.Connection, tamper: Tamper) -> None:
    rng = random.Random(40)
    for _ in range(40):
        seq, breaks = await found(admin, tamper, rng)
        assert breaks, seq
        assert min(each.seq for each in breaks) == seq


@pytest.mark.parametrize(("tamper", "reason"), [(cut, "cut off"), (rewrite, "rewritten")])
async def test_a_cut_end_and_a_new_chain_show_against_heads_kept_outside(
    rig: Rig, admin: asyncpg.Connection, tamper: Tamper, reason: str
) -> None:
    rng = random.Random(41)
    heads = await heads_of(rig)
    for _ in range(40):
        assert (await found(admin, tamper, rng))[1] == []
        _, [only] = await found(admin, tamper, rng, heads)
        assert only.reason.startswith(reason)


async def test_a_chain_that_is_gone_altogether_shows_against_its_head(rig: Rig, admin: asyncpg.Connection) -> None:
    async def drop(connection: asyncpg.Connection, _rng: random.Random) -> int:
        await connection.execute("delete from audit where client_id = $1", BIRCH)
        return 1

    assert (await found(admin, drop, random.Random(), await heads_of(rig)))[1] == [
        Break(BIRCH, 1, "cut off: there were 12 records")
    ]


@pytest.mark.parametrize("tamper", [edit, reseal, delete, swap, insert, move, rewrite, cut, empty, forge, hollow])
async def test_any_tampering_shows_against_what_was_told_also_at_the_first_run(
    rig: Rig, admin: asyncpg.Connection, tamper: Tamper
) -> None:
    """With the outboxes alone, and with heads as well: only a record dated back needs both."""
    rng = random.Random(42)
    heads = await heads_of(rig)
    async with outbox(rig) as told:
        for _ in range(10):
            assert (await found(admin, tamper, rng, heads, [told]))[1]
            if tamper is not forge:
                assert (await found(admin, tamper, rng, outboxes=[told]))[1]


async def test_what_was_published_and_never_folded_is_named(rig: Rig, admin: asyncpg.Connection) -> None:
    lost = uuid7()
    async with outbox(rig) as told:
        await told.execute(
            "insert into outbox (id, client_id, subject, event, published_at)"
            " values ($1, $2, 'portal.x', '{\"type\": \"milestone_created\"}', now() - interval '1 hour')",
            lost,
            ACME,
        )
        [missing], _ = await check_in_passing(admin, told)
        assert (missing.client_id, missing.seq) == (ACME, None)
        assert missing.reason.startswith(f"missing: milestone_created {lost}, published 20")
        await told.execute("update outbox set published_at = now() where id = $1", lost)
        assert (await check_in_passing(admin, told))[0] == []
        await told.execute("delete from outbox where id = $1", lost)


async def check_in_passing(
    admin: asyncpg.Connection, told: asyncpg.Connection
) -> tuple[list[Break], Mapping[UUID, Head]]:
    async with admin.transaction():
        return await check(admin, Heads({}), [told])


async def test_the_heads_file_grows_with_the_log_and_only_with_a_whole_one(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    assert await verify(rig.admin_url, file) == []
    first = msgspec.json.decode(file.read_bytes(), type=dict[UUID, Head])
    assert first == (await heads_of(rig)).links
    signed_in = SignedIn(method="password", ip="203.0.113.9", user_agent="")
    await rig.publish(signed_in, client_id=None)
    await rig.settle()
    assert await verify(rig.admin_url, file) == []
    second = msgspec.json.decode(file.read_bytes(), type=dict[UUID, Head])
    assert (first[COMPANY].seq, second[COMPANY].seq) == (8, 9)
    await rig.sql("update audit set type = 'x' where client_id = $1 and seq = 3", COMPANY)
    [broken] = await verify(rig.admin_url, file)
    assert (broken.client_id, broken.seq) == (None, 3)
    assert msgspec.json.decode(file.read_bytes(), type=dict[UUID, Head]) == second
    await rig.sql("update audit set type = 'failed_login' where client_id = $1 and seq = 3", COMPANY)


async def test_erasing_a_person_leaves_the_chain_whole(rig: Rig) -> None:
    await rig.sql("delete from known_actors")
    await rig.sql("delete from known_sessions")
    assert await verify(rig.admin_url) == []
