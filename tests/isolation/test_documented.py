"""What is published is documented: each service can describe itself, and leaves no public route out."""

import msgspec
import pytest

from tests.isolation.routes import application, real_routes, shape
from tests.portal_stack import Portal

API = "/api/"


@pytest.mark.parametrize("service", ["identity", "projects", "activity"])
def test_a_service_describes_its_routes(service: str) -> None:
    described = msgspec.json.decode(msgspec.json.encode(application(service).openapi_schema.to_schema()))
    paths = {shape(f"{method.upper()} {path}") for path, methods in described["paths"].items() for method in methods}
    public = {shape(route) for route in real_routes(service) if route.split()[-1].startswith(API)}
    assert public
    assert public - paths == set()


def test_the_merged_documentation_misses_no_service(portal: Portal) -> None:
    merged = portal.client().get("/docs/openapi.json").json()
    assert "missing" not in merged["info"].get("description", "")
    assert {"/api/client-portal/kpis", "/api/client-portal/projects", "/api/client-portal/auth/me"} <= set(
        merged["paths"]
    )
    assert "code" in merged["components"]["schemas"]["Problem"]["required"]


def test_refusals_are_described_as_what_they_are(portal: Portal) -> None:
    merged = portal.client().get("/docs/openapi.json").json()
    told = {path: item for path, item in merged["paths"].items() if path.startswith(API)}
    assert len(told) > 60
    for path, item in told.items():
        for operation in item.values():
            assert "400" not in operation["responses"], path
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
    assert "default" not in merged["paths"]["/oauth/token"]["post"]["responses"]
