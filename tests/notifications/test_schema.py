"""What the revisions make is what the models believe."""

import services.notifications.app  # noqa: F401  (imports every model)
from tests.conftest import Cluster
from tests.schema import differences, tables_of


async def test_tables_and_models_are_the_same(cluster: Cluster) -> None:
    assert tables_of("notifications") == {"choices", "webhooks", "webhook_secrets", "webhook_deliveries"}
    url = cluster.admin_of(await cluster.create("notifications"))
    assert await differences(url, "notifications", tables_of("notifications")) == []
