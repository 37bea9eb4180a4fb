"""What is published is documented: each service can describe itself, and leaves no public route out."""

from typing import Any

import pytest

from gateway import routes as gateway
from tests.contracts.test_descriptions import operations
from tests.isolation.routes import real_routes, shape
from tests.portal_stack import Portal

API = "/api/"


@pytest.mark.parametrize("service", gateway.SERVICES)
def test_a_service_describes_its_routes(service: str) -> None:
    paths = {shape(each.route) for each in operations() if each.whole["info"]["title"].endswith(service)}
    public = {shape(route) for route in real_routes(service) if route.split()[-1].startswith(API)}
    assert public
    assert public - paths == set()


@pytest.fixture(scope="module")
def merged(portal: Portal) -> dict[str, Any]:
    """The documentation of all services: one that is busy for a moment is missing in it until somebody asks again."""

    def whole() -> dict[str, Any] | None:
        document = portal.client().get("/docs/openapi.json").json()
        return None if "missing" in document["info"].get("description", "") else document

    return portal.until(whole)


def test_the_merged_documentation_misses_no_service(merged: dict[str, Any]) -> None:
    assert {"/api/client-portal/kpis", "/api/client-portal/projects", "/api/client-portal/auth/me"} <= set(
        merged["paths"]
    )
    assert "code" in merged["components"]["schemas"]["Problem"]["required"]


def test_every_operation_of_the_merged_documentation_has_a_name_of_its_own(
    portal: Portal, merged: dict[str, Any]
) -> None:
    operations = [operation for item in merged["paths"].values() for operation in item.values()]
    assert len(operations) > 100
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert merged["servers"] == [{"url": portal.gateway}]
    said = {scheme for each in operations for way in each["security"] for scheme in way}
    assert said == merged["components"]["securitySchemes"].keys() == {"session", "partner", "api_client"}
