"""The gateway's own pages: documentation of every service in one, keys, health, and the private port."""

from functools import partial
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.docs import merge
from gateway.routes import SERVICES
from ops.stack.backing import Backing
from ops.stack.ports import free_port
from shared.openapi import SCHEMES
from tests.gateway.rig import Rig, answer


def document(path: str, **schemas: dict[str, Any]) -> dict[str, Any]:
    operation = {"operationId": "List", "responses": {"200": {"$ref": "#/components/schemas/Item"}}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": schemas}}


ITEM = {"type": "object", "properties": {"id": {"type": "string"}}}
PAGE = {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}}


class TestMergedDocument:
    """Schemas keep their names until two services mean different things by one."""

    def test_equal_schemas_are_one(self) -> None:
        both = merge(
            {"a": document("/a", Item=ITEM, Page=PAGE), "b": document("/b", Item=ITEM, Page=PAGE)},
            bool,
            [],
            "portal_session",
        )
        assert set(both["components"]["schemas"]) == {"Item", "Page"}

    def test_different_ones_and_what_refers_to_them_are_told_apart(self) -> None:
        other = {"type": "object", "properties": {"number": {"type": "integer"}}}
        both = merge(
            {"a": document("/a", Item=ITEM, Page=PAGE), "b": document("/b", Item=other, Page=PAGE)},
            bool,
            [],
            "portal_session",
        )
        schemas = both["components"]["schemas"]
        assert (schemas["Item"], schemas["BItem"]) == (ITEM, other)
        assert schemas["Page"] == PAGE
        assert schemas["BPage"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/BItem"}
        answers = [both["paths"][path]["get"]["responses"]["200"]["$ref"] for path in ("/a", "/b")]
        assert answers == ["#/components/schemas/Item", "#/components/schemas/BItem"]

    def test_what_the_gateway_refuses_is_said_beside_what_services_refuse(self) -> None:
        one = document("/api/a", Item=ITEM, Page=PAGE)
        one["components"]["responses"] = {"404": {"description": "Not there."}}
        one["paths"]["/api/a"]["get"]["responses"]["404"] = {"$ref": "#/components/responses/404"}
        merged = merge({"a": one}, bool, [], "portal_session")
        assert set(merged["paths"]["/api/a"]["get"]["responses"]) == {"200", "400", "404", "413", "502", "504"}
        assert set(merged["components"]["responses"]) == {"400", "404", "413", "502", "504"}

    def test_partners_learn_of_every_scope_that_a_route_asks_for(self) -> None:
        one = document("/api/a", Item=ITEM)
        one["components"]["securitySchemes"] = SCHEMES
        one["paths"]["/api/a"]["get"]["security"] = [{"session": []}, {"partner": ["projects:read"]}]
        schemes = merge({"a": one}, bool, [], "__Host-portal_session")["components"]["securitySchemes"]
        assert schemes["partner"]["flows"]["clientCredentials"]["scopes"] == {"projects:read": "read projects"}
        assert schemes["session"]["name"] == "__Host-portal_session"

    def test_operations_are_told_apart(self) -> None:
        both = merge({"a": document("/a"), "b": document("/b")}, bool, [], "portal_session")
        assert [both["paths"][path]["get"]["operationId"] for path in ("/a", "/b")] == ["a_List", "b_List"]

    def test_only_what_the_routes_let_through_is_published(self) -> None:
        described = document("/a")
        described["paths"] |= document("/internal/x")["paths"]
        published = merge({"a": described}, lambda path: not path.startswith("/internal"), [], "portal_session")
        assert list(published["paths"]) == ["/a"]


async def test_the_document_knows_where_it_counts(redis: Backing) -> None:
    rig = Rig(redis.addresses.redis_url, public_url="https://portal.test")
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as http:
        servers = (await http.get("/docs/openapi.json")).json()["servers"]
    rig.end()
    assert servers == [{"url": "https://portal.test"}]


async def describe(path: str, _scope: Any, _receive: Any, send: Any) -> None:
    """A service's description of its one route."""
    await answer(send, 200, msgspec.json.encode(document(path, Item=ITEM)))


async def test_document_names_what_is_missing(redis: Backing) -> None:
    rig = Rig(redis.addresses.redis_url, upstream_activity="http://127.0.0.1:1")
    rig.service.special["/schema/openapi.json"] = partial(describe, "/api/client-portal/projects")
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as http:
        merged = (await http.get("/docs/openapi.json")).json()
        rig.service.special["/schema/openapi.json"] = partial(describe, "/api/client-portal/kpis")
        later = (await http.get("/docs/openapi.json")).json()
    rig.end()
    assert list(merged["paths"]) == ["/api/client-portal/projects"]
    assert "activity" in merged["info"]["description"]
    assert list(later["paths"]) == ["/api/client-portal/kpis"], "what is not whole is not kept"


async def test_a_whole_document_is_made_once_for_many(redis: Backing) -> None:
    rig, asked = Rig(redis.addresses.redis_url), 0

    async def count(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        await describe("/api/client-portal/projects", scope, receive, send)

    for echo in (rig.identity.echo, rig.service):
        echo.special["/schema/openapi.json"] = count
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as http:
        answers = [await http.get("/docs/openapi.json") for _ in range(3)]
    rig.end()
    assert (len({each.content for each in answers}), asked) == (1, len(SERVICES))
    assert answers[0].headers["content-type"] == "application/json"
    assert "Not answering" not in answers[0].json()["info"]["description"]


@pytest.mark.parametrize("file", ["swagger-ui.js", "swagger-ui.css", "api.js"])
async def test_docs_come_from_here_alone(http: httpx2.AsyncClient, file: str) -> None:
    page = await http.get("/docs")
    assert f"/docs/static/{file}" in page.text
    assert "http" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    served = await http.get(f"/docs/static/{file}")
    assert (served.status_code, served.headers["x-content-type-options"]) == (200, "nosniff")


@pytest.mark.parametrize(
    "path", ["/docs/static/../app.py", "/docs/static/%2e%2e/app.py", "/docs/static/vendor.mjs/x", "/docs/x"]
)
async def test_docs_serve_nothing_else(http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code in (400, 404)


async def test_health_and_keys(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"cache": "ok", "identity": "ok", "revocations": "ok"}
    keys = await http.get("/.well-known/jwks.json")
    assert keys.headers["content-type"] == "application/jwk-set+json"
    assert [key["kid"] for key in keys.json()["keys"]] == ["first"]


async def test_metrics_are_on_the_private_port_alone(redis: Backing) -> None:
    port = free_port()
    rig = Rig(redis.addresses.redis_url, private_port=port)
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as http:
        await http.get("/projects")
        assert (await http.get("/metrics")).status_code == 404
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        metrics = (await http.get("/metrics")).text
        assert 'gateway_requests_total{route="/projects",status="200"}' in metrics
        assert 'gateway_request_seconds_count{route="/projects"}' in metrics
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/.well-known/jwks.json")).json()["keys"]
        assert (await http.get("/projects")).status_code == 404
    rig.end()
