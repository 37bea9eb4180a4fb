"""Identity on its own, with real servers."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import event

from ops.stack.backing import Backing
from services.identity.app import create_app
from services.identity.mails import mailer
from services.identity.mails.models import Mail
from services.identity.settings import IdentitySettings
from shared import cache, database
from tests.conftest import Cluster, ServiceFactory
from tests.identity.rig import ORDERS_KEY, PUBLIC_URL, Identity, elsewhere


@pytest.fixture(autouse=True)
def network() -> None:
    """The browsers of a test are neighbours, and nobody else's."""
    elsewhere()


@pytest.fixture(scope="session")
def password_memory() -> int:
    """KiB of a hash: the least that Argon2 takes. Half of identity's tests was working out hashes."""
    return 8


@pytest.fixture(scope="package")
def patience() -> Iterator[None]:
    """On a busy machine the service waits for Redis and for a connection to its database as long as that takes: else it
    counts attempts by itself, or turns a caller away, because it runs beside everything else.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cache, "TIMEOUT", 10.0)
        patched.setattr(database, "CONNECT_TIMEOUT", 20)
        yield


@pytest.fixture(scope="package")
def haste() -> Iterator[None]:
    """Mails leave at once: the mailer gets its word soon, and looks by itself a little later."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mailer, "ANSWER_SECONDS", 0.02)
        patched.setattr(mailer, "POLL_SECONDS", 0.25)
        yield


@pytest.fixture(scope="package")
async def identity(
    run_service: ServiceFactory, servers: Backing, cluster: Cluster, password_memory: int, patience: None, haste: None
) -> AsyncIterator[Identity]:
    """The service with a database of its own, for all tests of identity: each makes its own clients and people.

    It ends where a file of other tests is next: they empty the stream, and its relay would tell everything again.
    """
    settings = {
        "public_url": PUBLIC_URL,
        "company_name": "Northwind <Studio>",
        "mail_from": "Northwind <n@n.example>",
        "private_issuers": True,
        "password_memory": password_memory,
        "orders_key": ORDERS_KEY,
    }
    async with run_service("identity", create_app, IdentitySettings, **settings) as api:
        running = Identity(api, servers, cluster.admin_of(api.database_url))
        sending = await api.app.dependencies["mailer"]()

        def asked(*_: object) -> None:
            """Also what a test asks for past the requests that give the word."""
            sending.wake()

        event.listen(Mail, "after_insert", asked)
        yield running
        event.remove(Mail, "after_insert", asked)
        await running.close()
