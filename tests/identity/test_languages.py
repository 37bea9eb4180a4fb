"""Refusals in the language of who reads them."""

from typing import Any

import pytest

from tests.identity.rig import ADMIN, Identity


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", "clients", {"name": ""}, {
            "status": 422, "code": "invalid", "title": "Inhalt nicht verwendbar",
            "detail": "Ein Teil der gesendeten Angaben ist nicht richtig.",
            "errors": [{"field": "name", "message": "Das ist leer."}],
        }),
        ("PUT", "people/01935f3c-7a00-7000-8000-000000000020/policies", {"policies": [], "group": "admin"}, {
            "status": 422, "code": "invalid", "title": "Inhalt nicht verwendbar",
            "detail": "Bitte geben Sie entweder die Berechtigungen oder eine Gruppe an.",
            "errors": [{"field": "policies", "message": "Bitte geben Sie entweder die Berechtigungen oder eine Gruppe an."}],
        }),
        ("GET", "nowhere", None, {
            "status": 404, "code": "not_found", "title": "Nicht gefunden",
            "detail": "Hier gibt es nichts, oder es ist nicht für Sie bestimmt.",
        }),
        ("DELETE", "policies", None, {
            "status": 405, "code": "http.method_not_allowed", "title": "Methode nicht erlaubt",
            "detail": "Diese Methode kann hier nicht verwendet werden.",
        }),
    ],
)  # fmt: skip
async def test_a_refusal_is_in_the_language_that_is_accepted(
    identity: Identity, method: str, path: str, body: Any, problem: dict[str, Any]
) -> None:
    """Whoever refuses: a rule, the schema, the router. The code stays what it is."""
    answer = await identity.api(ADMIN, method, path, json=body, headers={"Accept-Language": "de-CH, en;q=0.7"})
    assert answer.json() == {"type": f"urn:portal:problem:{problem['code']}", **problem}
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept-Language")
    english = await identity.api(ADMIN, method, path, json=body)
    assert (english.status_code, english.json()["code"]) == (problem["status"], problem["code"])
    assert english.headers["Content-Language"] == "en"
    assert english.json()["detail"] != problem["detail"]


async def test_permissions_are_named_in_the_language_too(identity: Identity) -> None:
    answer = await identity.api(ADMIN, "GET", "policies", headers={"Accept-Language": "de"})
    names = {each["key"]: each["name"] for each in (*answer.json()["policies"], *answer.json()["groups"])}
    assert (names["managePeople"], names["member"]) == ("Personen verwalten", "Mitglied")
    assert answer.headers["Content-Language"] == "de"


async def test_scopes_are_described_in_the_language_too(identity: Identity) -> None:
    answer = await identity.api(ADMIN, "GET", "api-clients/scopes", headers={"Accept-Language": "de"})
    assert {"key": "audit:read", "name": "Das Prüfprotokoll lesen"} in answer.json()["items"]
    assert answer.headers["Content-Language"] == "de"
