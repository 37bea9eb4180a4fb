"""The projects service, put together."""

from pathlib import Path

from litestar import Litestar

from services.projects import consumers
from services.projects.milestones.api import router as milestones
from services.projects.projects.api import router as projects
from services.projects.settings import ProjectsSettings
from shared.http import create_service

EXAMPLES = Path(__file__).with_name("examples.toml")


def create_app(settings: ProjectsSettings) -> Litestar:
    """Everything this service is."""
    return create_service(
        "projects", settings, routers=[projects, milestones], consumers=[consumers.clients], examples=EXAMPLES
    )
