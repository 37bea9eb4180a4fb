"""In which language the gateway refuses, and in which one it asks for a page."""

import httpx2
import pytest

from tests.gateway.rig import Rig

API = "/api/client-portal/projects"


@pytest.mark.parametrize(
    ("accepted", "language", "title", "detail"),
    [
        ("de-DE, en;q=0.5", "de", "Anmeldung erforderlich", "Bitte melden Sie sich zuerst an."),
        ("fr", "en", "Unauthorized", "Sign in first."),
        (None, "en", "Unauthorized", "Sign in first."),
    ],
)
async def test_a_refusal_is_in_the_language_that_is_accepted(
    http: httpx2.AsyncClient, accepted: str | None, language: str, title: str, detail: str
) -> None:
    answer = await http.get(API, headers={"Accept-Language": accepted} if accepted else {})
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.json() == {
        "type": "urn:portal:problem:auth.required", "title": title, "status": 401, "code": "auth.required", "detail": detail,
    }  # fmt: skip


async def test_what_stands_in_a_refusal_stands_in_it_in_every_language(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in()
    headers = {"Cookie": f"portal_session={cookie}", "Accept-Language": "de", "Origin": "http://portal.test"}
    answer = await http.post(API, headers=headers, content=b"x" * (1_000_001))
    assert answer.status_code == 413
    assert answer.json()["detail"] == "Hier sind höchstens 1000000 Bytes möglich."


@pytest.mark.parametrize(
    ("accepted", "language", "said"),
    [
        ("de", "de", ("Seite nicht gefunden", "Hier gibt es nichts, oder es ist nicht für Sie bestimmt.")),
        ("fr", "en", ("Page not found", "There is nothing here, or it is not yours to see.")),
    ],
)
async def test_a_page_that_refuses_is_in_the_language_that_is_accepted(
    http: httpx2.AsyncClient, accepted: str, language: str, said: tuple[str, str]
) -> None:
    answer = await http.post("/nothing", headers={"Accept": "text/html", "Accept-Language": accepted})
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, language)
    assert answer.headers["Vary"] == "Accept-Language"
    for part in (f'<html lang="{language}"', *said):
        assert part in answer.text


async def test_a_page_that_refuses_is_in_the_language_of_its_person(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(language="de")
    headers = {"Cookie": f"portal_session={cookie}", "Accept": "text/html", "Accept-Language": "en"}
    answer = await http.post("/projects", headers=headers | {"Origin": "http://portal.test"}, content=b"x" * 1_000_001)
    assert (answer.status_code, answer.headers["Content-Language"]) == (413, "de")
    assert "<h1>Zu groß</h1>" in answer.text


@pytest.mark.parametrize("language", ["de", "en", ""])
async def test_a_page_is_asked_for_in_the_language_of_its_person(
    rig: Rig, http: httpx2.AsyncClient, language: str
) -> None:
    """And the stream that a page shows, as no script can say it there; what others ask for in the one they accept."""
    cookie, *_ = rig.identity.sign_in(language=language)
    headers = {"Cookie": f"portal_session={cookie}", "Accept-Language": "fr"}
    for path, asked in (("/projects", language or "fr"), ("/api/events/all", language or "fr"), (API, "fr")):
        await http.get(path, headers=headers)
        assert rig.service.seen[-1].all("accept-language") == [asked]
    await http.get("/sign-in", headers={"Accept-Language": "fr"})
    assert rig.service.seen[-1].all("accept-language") == ["fr"]
