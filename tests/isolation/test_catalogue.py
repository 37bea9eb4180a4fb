"""What PostgreSQL itself says of every schema."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy.engine import make_url

from shared.clock import uuid7
from shared.migrations.runner import CONNECTIONS, prepare
from tests.conftest import PASSWORD, Cluster
from tests.isolation.routes import SERVICES

OWN, THEIRS = uuid7(), uuid7()
SCHEMAS = [service for service in SERVICES if service != "portal"]
DELIVERY = ("outbox", "outbox_stream", "inbox", "inbox_positions", "dead_letters")
EXEMPT = {"idempotency_keys"}
"""Whose rows are found by who has their key, and by nobody else (`idempotency_table`)."""
RUNTIME = ("app", "staff", "relay")
"""What the role that a service signs in as can be."""


@pytest.fixture(scope="module", params=SCHEMAS)
async def schema(
    request: pytest.FixtureRequest, cluster: Cluster
) -> AsyncIterator[tuple[str, asyncpg.Connection, str]]:
    """A service's name, an administrator's connection to its migrated database, and the runtime role's URL."""
    url = await cluster.create(request.param)
    connection = await asyncpg.connect(cluster.admin_of(url))
    yield request.param, connection, url
    await connection.close()


Schema = tuple[str, asyncpg.Connection, str]


async def tables(schema: Schema) -> list[asyncpg.Record]:
    service, connection, _ = schema
    return await connection.fetch(
        """select c.oid, c.relname, c.relkind::text, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, r.rolname as owner
           from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
           where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')""",
        service,
    )


async def reachable(
    schema: Schema, rights: str = "select, insert, update, delete", kinds: tuple[str, ...] = RUNTIME
) -> list[asyncpg.Record]:
    """The tables on which one of these roles has one of these rights, if only for some columns. Views are none: they read
    with the rights of who asks, and so through the policies of the tables below them.
    """
    service, connection, _ = schema
    of_columns = ", ".join(right for right in rights.split(", ") if right != "delete")
    question = "select has_table_privilege($1, $2::oid, $3) or has_any_column_privilege($1, $2::oid, $4)"
    return [
        table
        for table in await tables(schema)
        if table["relname"] not in EXEMPT
        and table["relkind"] != "v"
        and any(
            [
                await connection.fetchval(question, f"{service}_{kind}", table["oid"], rights, of_columns)
                for kind in kinds
            ]
        )
    ]


async def test_every_table_is_closed_that_the_runtime_has_a_right_on(schema: Schema) -> None:
    service, connection, _ = schema
    for table in await tables(schema):
        if table["relkind"] == "v":
            assert table["reloptions"] == ["security_invoker=true"], table["relname"]
        else:
            assert table["relkind"] in ("r", "p"), f"{table['relname']}: this kind needs a decision"
        assert table["owner"] == f"{service}_owner"
    found = await reachable(schema)
    assert {table["relname"] for table in found} > set(DELIVERY)
    for table in found:
        assert table["relrowsecurity"], table["relname"]
        assert table["relforcerowsecurity"], table["relname"]
        policies = await connection.fetch(
            "select * from pg_policies where schemaname = $1 and tablename = $2", service, table["relname"]
        )
        roles = {role for policy in policies for role in policy["roles"]}
        known = ("relay", "owner", "app", "staff") if table["relname"] in DELIVERY else ("app", "staff")
        assert roles <= {f"{service}_{kind}" for kind in known}, f"{table['relname']}: {roles}"
        for policy in policies:
            assert policy["permissive"] == "PERMISSIVE"
            if f"{service}_app" in policy["roles"]:
                assert "app.client_id" in policy["with_check"], f"{table['relname']}: {policy['with_check']}"
                if policy["cmd"] != "INSERT":
                    assert policy["qual"] == policy["with_check"], table["relname"]


async def test_what_a_role_says_about_itself_is_undone_at_the_next_start(schema: Schema, cluster: Cluster) -> None:
    """PostgreSQL lets every role change its own settings and its own password; not how much of the server it may take."""
    service, _, url = schema
    await prepare(cluster.admin_of(url), service, PASSWORD)  # a clone has not the template's own rights
    runtime = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    database = await runtime.fetchval("select current_database()")
    for scope in ("", f'in database "{database}"'):
        await runtime.execute(f"alter role current_user {scope} set statement_timeout = 0")
        await runtime.execute(f"alter role current_user {scope} set search_path = elsewhere")
    await runtime.execute("alter role current_user password 'mine'")
    for refused in (
        "alter role current_user connection limit -1",
        "alter role current_user set temp_file_limit = -1",
        "set temp_file_limit = -1",
        "create temporary table mine (what text)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(refused)
    await runtime.close()
    await prepare(cluster.admin_of(url), service, PASSWORD)
    again = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    assert await again.fetchval("show statement_timeout") == "5s"
    assert await again.fetchval("show search_path") == service
    assert await again.fetchval("show temp_file_limit") == "1GB"
    assert await again.fetchval("select rolconnlimit from pg_roles where rolname = current_user") == CONNECTIONS
    await again.close()


async def test_a_runtime_role_connects_to_no_database_that_comes_with_the_server(
    schema: Schema, cluster: Cluster
) -> None:
    """PostgreSQL opens `postgres` and `template1` to every role: a place for temporary tables and for locks."""
    service, administrator, url = schema
    for name in ("postgres", "template1"):
        await administrator.execute(f"grant connect, temporary on database {name} to public")
    await prepare(cluster.admin_of(url), service, PASSWORD)
    for name in ("postgres", "template1"):
        elsewhere = make_url(url).set(drivername="postgresql", database=name)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(elsewhere.render_as_string(hide_password=False))


async def test_runtime_roles_can_do_no_more_than_they_need(schema: Schema) -> None:
    service, connection, _ = schema
    for role in (f"{service}_{kind}" for kind in RUNTIME):
        row = await connection.fetchrow("select * from pg_roles where rolname = $1", role)
        assert row is not None
        for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
            assert not row[power], f"{role} {power}"
        assert not await connection.fetchval("select has_schema_privilege($1, $2, 'create')", role, service)
        for table in await tables(schema):
            for right in ("truncate", "references", "trigger"):
                assert not await connection.fetchval(
                    "select has_table_privilege($1, $2::oid, $3)", role, table["oid"], right
                )
    owner = await connection.fetchrow(
        "select rolcanlogin, rolsuper from pg_roles where rolname = $1", f"{service}_owner"
    )
    assert owner is not None
    assert (owner["rolcanlogin"], owner["rolsuper"]) == (False, False)
    inherits = "select inherit_option from pg_auth_members where roleid = $1::regrole and member = $2::regrole"
    for kind in ("staff", "relay"):
        assert await connection.fetchval(inherits, f"{service}_{kind}", f"{service}_app") is False


async def test_no_role_reaches_another_schema(schema: Schema) -> None:
    service, connection, _ = schema
    others = await connection.fetch("select rolname from pg_roles where rolname ~ '_(app|staff|relay)$'")
    strangers = [row["rolname"] for row in others if not row["rolname"].startswith(f"{service}_")]
    for stranger in strangers:
        assert not await connection.fetchval("select has_schema_privilege($1, $2, 'usage')", stranger, service)


async def test_no_function_runs_with_its_owners_rights(schema: Schema) -> None:
    service, connection, _ = schema
    definers = """select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                  where n.nspname in ($1, 'public') and prosecdef"""
    assert await connection.fetch(definers, service) == []


async def test_without_a_tenant_there_are_no_rows_and_no_way_to_add_any(schema: Schema) -> None:
    _, _connection, url = schema
    runtime = await asyncpg.connect(url)
    try:
        for _ in range(2):  # the second time the setting reads '' and no longer NULL
            for table in await reachable(schema, "select", ("app",)):
                assert await runtime.fetchval(f'select count(*) from "{table["relname"]}"') == 0
            async with runtime.transaction():
                await runtime.execute("select set_config('app.client_id', gen_random_uuid()::text, true)")
        with pytest.raises(asyncpg.PostgresError):
            async with runtime.transaction():
                await runtime.execute("select set_config('app.client_id', 'not an id', true)")
                for table in await reachable(schema, "select", ("app",)):
                    await runtime.fetchval(f'select count(*) from "{table["relname"]}"')
    finally:
        await runtime.close()


@asynccontextmanager
async def acting(schema: Schema, kind: str, client_id: UUID | None) -> AsyncGenerator[asyncpg.Connection]:
    """A transaction of the runtime's that never commits, as one of its roles, with a tenant or without."""
    service, _, url = schema
    runtime = await asyncpg.connect(url)
    await runtime.transaction().start()
    await runtime.execute("select set_config('app.client_id', $1, true)", str(client_id or ""))
    await runtime.execute(f"set local role {service}_{kind}")
    try:
        yield runtime
    finally:
        await runtime.close()


async def add(runtime: asyncpg.Connection, client_id: UUID | None, said: UUID | None) -> None:
    """An event of `client_id`'s into the outbox, which itself says that it is of `said`."""
    body = msgspec.json.encode({"clientid": said}).decode()
    insert = "insert into outbox (id, client_id, subject, event) values ($1, $2, 'portal.x.y.z.v1', $3)"
    async with runtime.transaction():
        await runtime.execute(insert, uuid7(), client_id, body)


@pytest.mark.parametrize("kind", ["app", "staff"])
@pytest.mark.parametrize("tenant", [None, OWN, THEIRS], ids=["none", "own", "theirs"])
async def test_what_is_delivered_is_out_of_the_runtimes_reach(schema: Schema, kind: str, tenant: UUID | None) -> None:
    """Not even a tenant's own: who serves a request has nothing to read or to change there."""
    columns = dict.fromkeys(DELIVERY, "consumer") | {"outbox": "published_at", "outbox_stream": "created"}
    async with acting(schema, kind, tenant) as runtime:
        for table, column in columns.items():
            for statement in (
                f"select {column} from {table}",
                f"select count(*) from {table}",
                f"update {table} set {column} = {column}",
                f"update {table} set {column} = default",
                f"delete from {table}",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with runtime.transaction():
                        await runtime.execute(statement)
        for statement in (
            "insert into outbox (id, subject, event, published_at) values (gen_random_uuid(), 'x', '{}', now())",
            "insert into outbox_stream (created) values (now())",
            "insert into inbox (consumer, event_id) values ('x', gen_random_uuid())",
            "insert into inbox_positions values ('x', 1, 1, now())",
            "insert into dead_letters (consumer, subject, event, reason) values ('x', 'x', '', '')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with runtime.transaction():
                    await runtime.execute(statement)


async def test_an_event_is_told_by_the_client_whose_it_is_or_by_the_portal(schema: Schema) -> None:
    """The event has to say the same as its row: consumers believe the event."""
    places = list(product((None, OWN, THEIRS), repeat=2))
    for tenant in (None, OWN):
        async with acting(schema, "app", tenant) as runtime:
            for place in places:
                if place == (tenant, tenant) and tenant:
                    await add(runtime, *place)
                    continue
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await add(runtime, *place)
    async with acting(schema, "staff", None) as runtime:
        for client_id in (None, OWN, THEIRS):
            await add(runtime, client_id, client_id)


async def test_who_delivers_reads_all_of_it_and_takes_no_letter_back(schema: Schema) -> None:
    async with acting(schema, "staff", None) as runtime:
        await add(runtime, OWN, OWN)
        await runtime.execute(f"set local role {schema[0]}_relay")
        assert await runtime.fetchval("select count(*) from outbox where client_id = $1", OWN) == 1
        assert await runtime.execute("update outbox set published_at = now() where client_id = $1", OWN) == "UPDATE 1"
        for statement in ("select from dead_letters", "delete from dead_letters", "update outbox set event = '{}'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with runtime.transaction():
                    await runtime.execute(statement)


async def test_references_between_tenants_tables_carry_the_tenant(schema: Schema) -> None:
    """A foreign key checks as its table's owner and not as the caller: only with the tenant in the key is it no leak.

    Where no tenant may write there is nobody to learn anything from such a check.
    """
    service, connection, _ = schema
    keys = await connection.fetch(
        """select con.conname, con.conrelid::regclass::text as child, con.confrelid::regclass::text as parent,
                  has_table_privilege($1 || '_app', con.conrelid, 'insert')
                  or has_any_column_privilege($1 || '_app', con.conrelid, 'update') as writable,
                  array(select attname::text from pg_attribute where attrelid = con.conrelid and attnum = any(con.conkey)) as columns
           from pg_constraint con join pg_namespace n on n.oid = con.connamespace where con.contype = 'f' and n.nspname = $1""",
        service,
    )
    tenants = {
        row["relname"]
        for row in await connection.fetch(
            """select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = $1 and a.attname = 'client_id' and c.relkind = 'r'""",
            service,
        )
    }
    for key in keys:
        child, parent = (key[name].rpartition(".")[2] for name in ("child", "parent"))
        if child in tenants and parent in tenants and key["writable"]:
            assert "client_id" in key["columns"], f"{key['conname']}: {key['columns']}"


async def test_the_runtime_role_signs_in_with_its_own_password_only(schema: Schema) -> None:
    _, _, url = schema
    assert make_url(url).password == PASSWORD
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(PASSWORD, "guess"))
