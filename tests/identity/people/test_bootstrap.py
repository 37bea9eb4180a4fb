"""The first administrator of a new installation."""

import asyncio

import asyncpg
import msgspec
import pytest

from services.identity.app import create_app
from services.identity.people.bootstrap import create_first_admin
from services.identity.people.models import AdminExists
from services.identity.policies.models import ADMIN_POLICIES
from services.identity.settings import IdentitySettings
from tests.conftest import Cluster, ServiceFactory
from tests.identity.rig import PASSWORD, somewhere

CLARA = {"email": "Admin@Northwind.example", "first_name": "Clara", "last_name": "Hoffmann", "password": PASSWORD}


async def test_the_first_administrator_can_do_everything_and_sign_in(run_service: ServiceFactory) -> None:
    async with run_service("identity", create_app, IdentitySettings) as api:
        admin_id = await create_first_admin(api.database_url, **CLARA)
        answer = await api(somewhere(), "POST", "auth/login", json={"email": CLARA["email"], "password": PASSWORD})
        me = answer.json()["person"]
        assert (me["id"], me["kind"], me["client_id"]) == (str(admin_id), "staff", None)
        assert set(me["policies"]) == set(ADMIN_POLICIES)
        created = next(event for event in await api.published() if event.type == "person_created")
        assert (created.subject, created.actorkind, created.clientid) == (admin_id, "system", None)


async def test_there_is_only_one_first(cluster: Cluster) -> None:
    url = await cluster.create("identity")
    attempts = (create_first_admin(url, **CLARA | {"email": f"admin{number}@northwind.example"}) for number in range(4))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(AdminExists) == 3
    connection = await asyncpg.connect(cluster.admin_of(url))
    assert await connection.fetchval("select count(*) from identity.people") == 1
    await connection.close()


async def test_what_makes_no_administrator_says_why(cluster: Cluster) -> None:
    url = await cluster.create("identity")
    for field, value in (("email", "admin"), ("first_name", " "), ("password", "short")):
        with pytest.raises(msgspec.ValidationError, match=field):
            await create_first_admin(url, **CLARA | {field: value})
