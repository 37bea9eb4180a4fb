"""The lists by name with 50,000 people: how long a page takes, at the front, behind a cursor, and when searching.

python -m tests.bench.names --database-url postgresql://... makes its rows in a schema of identity that was migrated and
is empty of people, and reads through the same functions as the service does.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import quantiles

import asyncpg

from services.identity.clients.queries import ClientFilter, list_clients
from services.identity.contacts.queries import ContactFilter, list_contacts
from services.identity.people.queries import PeopleFilter, list_people
from services.identity.team.queries import list_team
from shared.actor import Actor
from shared.clock import now, uuid7
from shared.pagination import Page

PEOPLE, CLIENTS, ROUNDS = 50_000, 2_000, 60
STAFF = Actor(id=uuid7(), name="Bench", kind="staff", policies=frozenset(), proven_at=now())
_CLIENTS = """
    insert into clients (id, name, variant, language, active, portal_enabled, created_at, updated_at)
    select gen_random_uuid(), (array['Änderung','Bau','Größl','Øst','Zabel'])[1 + n % 5] || ' ' || md5(n::text),
           'delivery', 'en', true, true, now(), now()
    from generate_series(1, $1) n
"""
_PEOPLE = """
    insert into people (id, client_id, kind, email, first_name, last_name, active, is_primary_contact, policies, version,
                        portal_access, created_at, updated_at)
    select gen_random_uuid(), case when n % 2 = 0 then $2 else all_clients.ids[1 + n % 2000] end, 'client', 'p' || n || '@acme.example',
           (array['Jürgen','Anna','Zoë','Łukasz','Ayşe'])[1 + n % 5], initcap(md5(n::text)), true, false, '{}', 1, false,
           now(), now()
    from generate_series(1, $1) n, (select array_agg(id) as ids from clients) all_clients
"""
Read = Callable[[str | None], Awaitable[Page[object]]]


async def main(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("set search_path = identity")
    await connection.execute(_CLIENTS, CLIENTS)
    largest = await connection.fetchval("select id from clients order by id desc limit 1")
    await connection.execute(_PEOPLE, PEOPLE, largest)
    await connection.execute("analyze people; analyze clients")

    def people(q: str) -> Read:
        return lambda cursor: list_people(connection, STAFF, PeopleFilter(q=q), sort="name", limit=50, cursor=cursor)  # type: ignore[return-value]

    def contacts(q: str) -> Read:
        return lambda cursor: list_contacts(
            connection, STAFF, largest, ContactFilter(q), sort="name", limit=50, cursor=cursor
        )  # type: ignore[return-value]

    def clients(q: str) -> Read:
        return lambda cursor: list_clients(connection, STAFF, ClientFilter(q), sort="name", limit=50, cursor=cursor)  # type: ignore[return-value]

    def team(q: str, sort: str = "name") -> Read:
        lead = Actor(id=uuid7(), name="Bench", kind="client", client_id=largest, is_primary_contact=True)
        return lambda cursor: list_team(connection, lead, q=q, sort=sort, limit=50, cursor=cursor)  # type: ignore[return-value]

    await _measure("team, by last sign-in", team("", "-last_sign_in_at"))
    for name, read in (("people", people), ("contacts", contacts), ("team", team), ("clients", clients)):
        await _measure(f"{name}, page after page", read(""))
        await _measure(f"{name}, found", read("juergen ab" if name != "clients" else "groessl a"))
        await _measure(f"{name}, nobody found", read("nobody at all"))
    await connection.close()


async def _measure(name: str, read: Read) -> None:
    cursor: str | None = None
    seconds: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        cursor = (await read(cursor)).next_cursor
        seconds.append(time.perf_counter() - began)
    p50, p95 = quantiles(seconds, n=20)[9], quantiles(seconds, n=20)[18]
    print(f"{name:32} p50 {p50 * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--database-url", required=True, help="an administrator's, of the database with identity's schema"
    )
    asyncio.run(main(parser.parse_args().database_url))
