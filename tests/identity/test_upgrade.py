"""Who has an account, or every right, before an update has it after it."""

import asyncpg

from services.identity.policies.models import ADMIN_POLICIES
from shared.clock import now, uuid7
from tests.conftest import Cluster
from tests.revisions import database_at, upgrade

_PERSON = """
insert into people (id, kind, email, first_name, last_name, active, is_primary_contact, policies, version, created_at,
    updated_at, last_sign_in_at)
values ($1, 'staff', $2, 'Jonas', 'Weber', true, false, '{}', 1, $3, $3, $4)
"""


async def test_who_has_signed_in_owns_the_account(cluster: Cluster) -> None:
    url = await database_at(cluster, "identity", "0031")
    seen, at = uuid7(), now()
    admin = await asyncpg.connect(url, server_settings={"search_path": "identity"})
    await admin.execute(_PERSON, seen, "jonas@northwind.example", at, at)
    await admin.execute(_PERSON, uuid7(), "clara@northwind.example", at, None)
    await upgrade(url, "identity", "0032")
    owners = await admin.fetch("select id, owned_since from people where owned_since is not null")
    assert [tuple(row) for row in owners] == [(seen, at)]
    await admin.close()


async def test_who_holds_every_policy_holds_the_one_of_the_brand_as_well(cluster: Cluster) -> None:
    url = await database_at(cluster, "identity", "0032")
    admin = await asyncpg.connect(url, server_settings={"search_path": "identity"})
    people = {"clara@northwind.example": list(ADMIN_POLICIES[:-1]), "jonas@northwind.example": ["managePeople"]}
    for email, policies in people.items():
        await admin.execute(_PERSON, uuid7(), email, now(), None)
        await admin.execute("update people set policies = $1 where email = $2", policies, email)
    await upgrade(url, "identity", "0033")
    found = dict(await admin.fetch("select email, policies from people"))
    assert set(found["clara@northwind.example"]) == set(ADMIN_POLICIES)
    assert found["jonas@northwind.example"] == ["managePeople"]
    await admin.close()
