"""The gateway's own pages: documentation of every service in one, keys, health, and the private port."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.docs import merge
from ops.stack.backing import Backing
from ops.stack.ports import free_port
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
        assert set(both["components"]["schemas"]) == {"Item", "Page", "Problem"}

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

    def test_what_is_refused_is_a_problem_and_no_400_of_the_frameworks(self) -> None:
        api, oauth = document("/api/a", Item=ITEM, Page=PAGE), document("/oauth/token", Item=ITEM, Page=PAGE)
        for each, path in ((api, "/api/a"), (oauth, "/oauth/token")):
            each["paths"][path]["get"]["responses"]["400"] = {"description": "Validation Exception"}
        paths = merge({"a": api, "b": oauth}, bool, [], "portal_session")["paths"]
        assert set(paths["/api/a"]["get"]["responses"]) == {"200", "default"}
        assert set(paths["/oauth/token"]["get"]["responses"]) == {"200", "400"}

    def test_operations_are_told_apart_and_tagged(self) -> None:
        both = merge({"a": document("/a"), "b": document("/b")}, bool, [], "portal_session")
        assert [both["paths"][path]["get"]["operationId"] for path in ("/a", "/b")] == ["a_List", "b_List"]
        assert both["paths"]["/b"]["get"]["tags"] == ["b"]

    def test_only_what_the_routes_let_through_is_published(self) -> None:
        described = document("/a")
        described["paths"] |= document("/internal/x")["paths"]
        published = merge({"a": described}, lambda path: not path.startswith("/internal"), [], "portal_session")
        assert list(published["paths"]) == ["/a"]


@pytest.mark.parametrize(("scheme", "name"), [("http", "portal_session"), ("https", "__Host-portal_session")])
async def test_document_names_the_cookie_that_browsers_send(redis: Backing, scheme: str, name: str) -> None:
    rig = Rig(redis.addresses.redis_url, public_url=f"{scheme}://portal.test")
    async with httpx2.AsyncClient(base_url=rig.server.url) as http:
        schemes = (await http.get("/docs/openapi.json")).json()["components"]["securitySchemes"]
    await asyncio.to_thread(rig.stop)
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", name)


async def test_document_names_what_is_missing(redis: Backing) -> None:
    async def projects(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, 200, msgspec.json.encode(document("/api/client-portal/projects", Item=ITEM)))

    rig = Rig(redis.addresses.redis_url, upstream_activity="http://127.0.0.1:1")
    rig.service.special["/schema/openapi.json"] = projects
    async with httpx2.AsyncClient(base_url=rig.server.url) as http:
        merged = (await http.get("/docs/openapi.json")).json()
    await asyncio.to_thread(rig.stop)
    assert list(merged["paths"]) == ["/api/client-portal/projects"]
    assert "activity" in merged["info"]["description"]
    assert merged["security"] == [{"session": []}, {"partner": []}]


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
    async with httpx2.AsyncClient(base_url=rig.server.url) as http:
        await http.get("/projects")
        assert (await http.get("/metrics")).status_code == 404
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        metrics = (await http.get("/metrics")).text
        assert 'gateway_requests_total{route="/projects",status="200"}' in metrics
        assert 'gateway_request_seconds_count{route="/projects"}' in metrics
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/.well-known/jwks.json")).json()["keys"]
        assert (await http.get("/projects")).status_code == 404
    await asyncio.to_thread(rig.stop)
