"""What this service listens to: which clients there are."""

from services.projects.projects import commands
from shared.contracts.identity import ClientCreated, ClientUpdated
from shared.contracts.restated import ClientRestated
from shared.database import Db
from shared.inbox import Consumer, Delivery


async def on_client(db: Db, delivery: Delivery) -> None:
    """A client appeared or changed; the event carries all that is kept."""
    client: ClientCreated | ClientRestated | ClientUpdated = delivery.event.data
    await commands.learn_client(db, delivery.event.subject, client.name, active=client.active)


clients = Consumer("projects-identity", dict.fromkeys((ClientCreated, ClientRestated, ClientUpdated), on_client))
