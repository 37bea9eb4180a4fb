"""The notifications service, put together: who is notified of what happens in the other services."""

from pathlib import Path

from litestar import Litestar

from services.notifications.bell.api import router as bell
from services.notifications.consumers import consumer
from services.notifications.settings import NotificationsSettings
from shared.http import create_service

EXAMPLES = Path(__file__).with_name("examples.toml")


def create_app(settings: NotificationsSettings) -> Litestar:
    """Everything this service is."""
    return create_service("notifications", settings, routers=[bell], consumers=[consumer()], examples=EXAMPLES)
