"""The table decides what exists at all."""

import pytest

from gateway.routes import API, ROUTES, Route, RouteTable
from tests.isolation.routes import SERVICES, real_routes

TABLE = RouteTable(ROUTES)


def prefix(path: str) -> str | None:
    route = TABLE.find(path.encode())
    return route.prefix if route else None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/"),
        ("/projects", "/projects"),
        ("/projects/", "/projects"),
        ("/projects/1/milestones/2/complete", "/projects"),
        (f"{API}/projects/1", f"{API}/projects"),
        (f"{API}/people", f"{API}/people"),
        (f"{API}/people/me", f"{API}/people"),
        (f"{API}/auth/me2", f"{API}/auth"),
        (f"{API}/auth/login", f"{API}/auth"),
        (f"{API}/auth/me", f"{API}/auth/me"),
        ("/api/events/1", "/api/events"),
        ("/docs/static/api.js", "/docs/static"),
    ],
)
def test_longest_prefix_of_whole_segments_wins(path: str, found: str) -> None:
    assert prefix(path) == found


@pytest.mark.parametrize(
    "path",
    ["/internal/sessions/resolve", "/schema", "/schema/openapi.json", "/metrics", "/api", API, f"{API}/", "/x", "/readyz/x",
     "/.well-known", "/.well-known/jwks.json/x", f"{API}/internal", f"{API}/schema", "/api/eventsx/1", "/" + "a/" * 2000],
)  # fmt: skip
def test_what_is_not_in_the_table_does_not_exist(path: str) -> None:
    assert prefix(path) is None


def test_new_route_lets_nobody_in_unless_it_says_so() -> None:
    route = Route(prefix="/new", upstream="projects")
    assert (route.access, route.audience) == ("signed_in", ())


def test_only_these_api_routes_are_open_to_nobody() -> None:
    public = {route.prefix for route in ROUTES if route.access == "public" and route.prefix.startswith("/api/")}
    assert public == {f"{API}/auth", f"{API}/auth/logout", f"{API}/brand"}


def test_claims_are_signed_for_whom_they_are_sent_to() -> None:
    for route in ROUTES:
        assert (route.upstream == "gateway") == (route.audience == ()), route.prefix
        assert route.upstream == "gateway" or route.audience[0] == route.upstream, route.prefix


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_has_its_line_here(service: str) -> None:
    """And none of what a service keeps for itself."""
    paths = {route.partition(" ")[2].replace("{}", "0") for route in real_routes(service)}
    internal = {path for path in paths if path.startswith("/internal/")}
    upstreams = {path: (found.upstream if (found := TABLE.find(path.encode())) else None) for path in paths}
    assert upstreams == {path: None if path in internal else service for path in paths}


@pytest.mark.parametrize("service", SERVICES)
def test_every_line_leads_to_a_route(service: str) -> None:
    paths = [route.partition(" ")[2].replace("{}", "0") for route in real_routes(service)]
    found = {route.prefix for path in [*paths, "/static/x"] if (route := TABLE.find(path.encode()))}
    assert {route.prefix for route in ROUTES if route.upstream == service} - found == set()


def test_prefixes_are_canonical_and_unique() -> None:
    prefixes = [route.prefix for route in ROUTES]
    assert len(set(prefixes)) == len(prefixes)
    assert all(each == "/" or each == each.rstrip("/") for each in prefixes)
