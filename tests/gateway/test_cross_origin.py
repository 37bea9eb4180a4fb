"""S4: a change is asked for by our own pages or by no browser; what another site's page can send is refused."""

import httpx2
import pytest

from tests.gateway.rig import ORIGIN, Rig

PROJECTS = "/api/client-portal/projects"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

FOREIGN = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "cross-site, own origin": {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    "unknown word": {"Sec-Fetch-Site": "same-origin-ish"},
    "empty word": {"Sec-Fetch-Site": ""},
    "upper case": {"Sec-Fetch-Site": "Same-Origin"},
    "other origin": {"Origin": "https://evil.test"},
    "null origin": {"Origin": "null"},
    "empty origin": {"Origin": ""},
    "other scheme": {"Origin": "https://portal.test:80"},
    "other port": {"Origin": f"{ORIGIN}:8081"},
    "own name in front": {"Origin": f"{ORIGIN}.evil.test"},
    "own name behind": {"Origin": "http://evil-portal.test"},
    "own name as user": {"Origin": "http://portal.test@evil.test"},
}
OWN = {
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "typed": {"Sec-Fetch-Site": "none"},
    "same-origin, origin of a second name": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"},
    "own origin": {"Origin": ORIGIN},
    "the host that was asked": {"Origin": "http://127.0.0.1:8080", "Host": "127.0.0.1:8080"},
    "no browser": {},
}


@pytest.fixture
def cookie(rig: Rig) -> dict[str, str]:
    return {"Cookie": f"portal_session={rig.identity.sign_in()[0]}"}


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN.keys())
async def test_foreign_change_is_refused(
    rig: Rig, http: httpx2.AsyncClient, cookie: dict[str, str], method: str, foreign: dict[str, str]
) -> None:
    seen = len(rig.service.seen)
    answer = await http.request(method, PROJECTS, headers=cookie | foreign, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "gateway.cross_origin")
    assert len(rig.service.seen) == seen


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("own", OWN.values(), ids=OWN.keys())
async def test_own_change_passes(
    http: httpx2.AsyncClient, cookie: dict[str, str], method: str, own: dict[str, str]
) -> None:
    assert (await http.request(method, PROJECTS, headers=cookie | own, json={})).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", [PROJECTS, "/api/client-portal/auth/login", "/sign-in", "/switch-client"])
async def test_form_of_another_site_is_refused_on_every_kind_of_route(
    http: httpx2.AsyncClient, cookie: dict[str, str], kind: str, path: str
) -> None:
    """The requests a page may send anywhere without asking first."""
    headers = cookie | {"Content-Type": kind, "Origin": "https://evil.test"}
    assert (await http.post(path, headers=headers, content=b'{"name": "x"}')).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_looking_is_free(http: httpx2.AsyncClient, cookie: dict[str, str], method: str) -> None:
    headers = cookie | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}
    answer = await http.request(method, PROJECTS, headers=headers)
    assert answer.status_code == 200
    assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
async def test_get_cannot_become_a_change(
    rig: Rig, http: httpx2.AsyncClient, cookie: dict[str, str], name: str
) -> None:
    await http.get(PROJECTS, headers=cookie | {name: "DELETE", "Sec-Fetch-Site": "cross-site"})
    seen = rig.service.seen[-1]
    assert (seen.method, seen.all(name.lower())) == ("GET", [])


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "LINK", "PURGE"])
async def test_other_methods_do_not_exist(http: httpx2.AsyncClient, cookie: dict[str, str], method: str) -> None:
    assert (await http.request(method, PROJECTS, headers=cookie)).status_code == 405


@pytest.mark.parametrize("twice", ["Sec-Fetch-Site", "Origin", "Content-Type"])
async def test_header_that_counts_once_is_refused_twice(rig: Rig, http: httpx2.AsyncClient, twice: str) -> None:
    headers = [(twice, "same-origin"), (twice, "cross-site"), ("Cookie", f"portal_session={rig.identity.sign_in()[0]}")]
    answer = await http.post(PROJECTS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "gateway.ambiguous_header")
