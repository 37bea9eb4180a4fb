"""What a request meets on its way: who is let in, as whom, and what comes back."""

import re

import httpx2
import pytest

from gateway.routes import API, NOT_FOUND, ROUTES, Route
from tests.gateway.raw import Wire, request
from tests.gateway.rig import ORIGIN, Rig, answer

PROJECTS = f"{API}/projects"
CHECKED = [route for route in ROUTES if route.access != "public"]


def cookie(rig: Rig, **different: object) -> dict[str, str]:
    return {"Cookie": f"portal_session={rig.identity.sign_in(**different)[0]}"}


def staff(rig: Rig) -> dict[str, str]:
    return cookie(rig, kind="staff", client_id=None)


@pytest.mark.parametrize("route", CHECKED, ids=lambda route: route.prefix)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_nobody_is_asked_to_sign_in(rig: Rig, http: httpx2.AsyncClient, route: Route, method: str) -> None:
    seen = len(rig.service.seen) + len(rig.identity.echo.seen)
    refused = await http.request(method, f"{route.prefix}/x")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(rig.service.seen) + len(rig.identity.echo.seen) == seen


@pytest.mark.parametrize("route", CHECKED, ids=lambda route: route.prefix)
async def test_coarse_right_is_checked_here(rig: Rig, http: httpx2.AsyncClient, route: Route) -> None:
    as_client = (await http.get(f"{route.prefix}/x", headers=cookie(rig))).status_code
    as_staff = (await http.get(f"{route.prefix}/x", headers=staff(rig))).status_code
    assert (as_client, as_staff) == (403 if route.access == "staff" else 200, 200)


@pytest.mark.parametrize("path", ["/", "/projects", "/sign-in", "/static/app.css", f"{API}/auth/login"])
async def test_public_route_serves_nobody_and_everybody(rig: Rig, http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 200
    assert (await http.get(path, headers=cookie(rig))).status_code == 200
    assert (await http.get(path, headers={"Cookie": "portal_session=" + "a" * 43})).status_code == 200


async def test_session_cookie_goes_no_further_and_the_others_do(rig: Rig, http: httpx2.AsyncClient) -> None:
    mine = cookie(rig)["Cookie"]
    await http.get("/", headers={"Cookie": f"portal_theme=dark; {mine}; portal_form_2=1"})
    assert rig.service.seen[-1].all("cookie") == ["portal_theme=dark; portal_form_2=1"]
    strange = b"theirs=1; portal_theme=\xff; portal_Theme=1; portal-theme=1; portal_the.me=1; portal_; x_portal_theme=1"
    for others in (b"", strange):
        await http.get("/", headers=[(b"Cookie", others + b"; " + mine.encode())])
        assert rig.service.seen[-1].all("cookie") == []


async def test_what_a_service_needs_passes_unchanged(rig: Rig, http: httpx2.AsyncClient) -> None:
    sent = {
        "accept": "application/json", "accept-language": "de", "content-type": "application/json; charset=utf-8",
        "idempotency-key": "k-1", "if-match": 'W/"1"', "if-none-match": '"a", "b"', "last-event-id": "42",
        "range": "bytes=0-1", "user-agent": "Browser/1", "hx-request": "true", "hx-target": "list",
    }  # fmt: skip
    await http.post(PROJECTS, headers=cookie(rig) | sent, content=b'{"a": 1}')
    seen = rig.service.seen[-1]
    assert {name: seen.all(name) for name in sent} == {name: [value] for name, value in sent.items()}
    assert (seen.method, seen.body, seen.all("content-length")) == ("POST", b'{"a": 1}', ["8"])


async def test_lists_sent_in_lines_arrive_as_one(rig: Rig, http: httpx2.AsyncClient) -> None:
    mine = cookie(rig)["Cookie"]
    lines = [
        ("Accept", "text/html"),
        ("Accept", "text/plain"),
        ("Cookie", "portal_a=1"),
        ("Cookie", mine),
        ("Cookie", "portal_b=2"),
    ]
    await http.get(PROJECTS, headers=lines)
    seen = rig.service.seen[-1]
    assert (seen.all("accept"), seen.all("cookie")) == (["text/html, text/plain"], ["portal_a=1; portal_b=2"])


async def test_header_listed_as_hop_by_hop_stays_here(rig: Rig) -> None:
    wire = await Wire.open(rig.server.port)
    lines = [b"Connection: keep-alive, Idempotency-Key, authorization, x-request-id", b"Idempotency-Key: 1"]
    await wire.send(request(*lines, f"Cookie: {cookie(rig)['Cookie']}".encode()))
    assert (await wire.read()).status == 200
    seen = rig.service.seen[-1]
    assert seen.all("idempotency-key") == []
    assert len(seen.all("authorization")) == len(seen.all("x-request-id")) == 1
    wire.close()


async def test_host_is_the_services_own(rig: Rig, http: httpx2.AsyncClient) -> None:
    await http.get("/", headers={"Host": "evil.test"})
    assert rig.service.seen[-1].all("host") == [f"127.0.0.1:{rig.service.server.port}"]


async def test_request_id_is_the_gateways_and_the_same_everywhere(rig: Rig, http: httpx2.AsyncClient) -> None:
    answered = await http.get("/", headers={"X-Request-Id": "mine"})
    [given] = rig.service.seen[-1].all("x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert answered.headers.get_list("x-request-id") == [given]


VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("inbound", "continued"),
    [(VALID, True), (VALID.upper(), False), (VALID + "-x", False), ("01" + VALID[2:], False), ("00-" + "0" * 32 + VALID[35:], False),
     (VALID[:36] + "0" * 16 + "-01", False), ("x", False), ("", False)],
)  # fmt: skip
async def test_valid_trace_goes_on(rig: Rig, http: httpx2.AsyncClient, inbound: str, continued: bool) -> None:
    await http.get("/", headers={"traceparent": inbound})
    [sent] = rig.service.seen[-1].all("traceparent")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", sent)
    assert (sent[3:35] == VALID[3:35]) == continued
    assert sent[36:52] != VALID[36:52]


class TestAnswers:
    """What comes back, made by a service that does not behave."""

    async def ask(self, rig: Rig, http: httpx2.AsyncClient, status: int, body: bytes, *headers: tuple[bytes, bytes], method: str = "GET") -> httpx2.Response:  # fmt: skip
        async def special(_scope: object, _receive: object, send: object) -> None:
            await answer(send, status, body, *headers)

        rig.service.special["/projects/special"] = special
        return await http.request(method, "/projects/special")

    async def test_hop_by_hop_and_the_gateways_own_headers_are_dropped(
        self, rig: Rig, http: httpx2.AsyncClient
    ) -> None:
        names = [b"keep-alive", b"proxy-authenticate", b"te", b"trailer", b"upgrade", b"server", b"authorization",
                 b"x-request-id", b"traceparent", b"x-listed"]  # fmt: skip
        got = await self.ask(rig, http, 200, b"x", (b"connection", b"X-Listed"), *[(name, b"forged") for name in names])
        assert "forged" not in got.headers.values()

    async def test_every_cookie_arrives(self, rig: Rig, http: httpx2.AsyncClient) -> None:
        got = await self.ask(rig, http, 200, b"x", (b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; HttpOnly"))
        assert got.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]

    async def test_security_headers_fill_gaps_only(self, rig: Rig, http: httpx2.AsyncClient) -> None:
        bare = await self.ask(rig, http, 200, b"x")
        assert bare.headers["x-content-type-options"] == "nosniff"
        assert (bare.headers["cache-control"], bare.headers["referrer-policy"]) == ("no-store", "same-origin")
        own = await self.ask(
            rig, http, 200, b"x", (b"cache-control", b"public, max-age=9"), (b"referrer-policy", b"no-referrer")
        )
        assert own.headers.get_list("cache-control") == ["public, max-age=9"]
        assert own.headers.get_list("referrer-policy") == ["no-referrer"]

    @pytest.mark.parametrize("status", [201, 302, 400, 404, 409, 422, 500, 503])
    async def test_status_and_body_are_the_services(self, rig: Rig, http: httpx2.AsyncClient, status: int) -> None:
        got = await self.ask(rig, http, status, b"its own words", (b"location", b"/x"))
        assert (got.status_code, got.text, got.headers["location"]) == (status, "its own words", "/x")

    async def test_not_modified_has_no_body(self, rig: Rig, http: httpx2.AsyncClient) -> None:
        async def special(_scope: object, _receive: object, send: object) -> None:
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"1"')]})
            await send({"type": "http.response.body", "body": b""})

        rig.service.special["/projects/304"] = special
        for _ in range(3):
            got = await http.get("/projects/304")
            assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", '"1"')

    async def test_head_has_the_headers_alone(self, rig: Rig, http: httpx2.AsyncClient) -> None:
        for _ in range(3):
            got = await self.ask(rig, http, 200, b"12345", method="HEAD")
            assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "5")


class TestRefusalsForPeople:
    """A browser is shown a page, a program a problem."""

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("path", ["/nothing", "/metrics", "/docs/nothing", "/.well-known/nothing"])
    async def test_address_without_a_route_has_the_page_of_the_portal(
        self, rig: Rig, http: httpx2.AsyncClient, method: str, path: str
    ) -> None:
        """And no path reaches the portal that the routes do not name."""
        await http.request(method, path, headers={"Accept": "text/html"})
        assert (rig.service.seen[-1].method, rig.service.seen[-1].target) == (method, NOT_FOUND)

    @pytest.mark.parametrize(("method", "path"), [("POST", "/nothing"), ("GET", "/projects/%2e%2e")])
    async def test_page(self, http: httpx2.AsyncClient, method: str, path: str) -> None:
        got = await http.request(method, path, headers={"Accept": "text/html,application/xhtml+xml", "Origin": ORIGIN})
        assert got.headers["content-type"] == "text/html; charset=utf-8"
        assert 'href="/"' in got.text
        assert got.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("path", ["/nothing", f"{API}/nothing"])
    async def test_problem(self, http: httpx2.AsyncClient, path: str) -> None:
        accept = "text/html" if path.startswith("/api") else "*/*"
        got = await http.get(path, headers={"Accept": accept})
        assert got.json() == {
            "type": "urn:portal:problem:not_found", "title": "Not Found", "status": 404, "code": "not_found",
            "detail": "There is nothing here, or it is not yours to see.",
        }  # fmt: skip
