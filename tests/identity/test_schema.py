"""What the revisions make is what the models believe."""

import services.identity.app  # noqa: F401  (imports every model)
from tests.conftest import Cluster
from tests.schema import differences, tables_of


async def test_tables_and_models_are_the_same(cluster: Cluster) -> None:
    assert {"people", "clients", "bulk_invitations", "bulk_invitation_items", "mails"} <= tables_of("identity")
    url = cluster.admin_of(await cluster.create("identity"))
    assert await differences(url, "identity", tables_of("identity")) == []
