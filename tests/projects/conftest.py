"""The projects service on a database of its own, once a module, and a desk from which it is used."""

from collections.abc import AsyncIterator

import pytest

from services.projects.app import create_app
from services.projects.settings import ProjectsSettings
from tests.conftest import ServiceFactory
from tests.projects.build import Desk


@pytest.fixture(scope="module")
async def desk(run_service: ServiceFactory) -> AsyncIterator[Desk]:
    async with run_service("projects", create_app, ProjectsSettings) as api:
        desk = Desk(api)
        yield desk
        await desk.looks.close()
