"""Partner tokens are narrow wherever they are shown: at the gateway and at every service's own port."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Self
from uuid import UUID, uuid4

import httpx2
import pytest
from joserfc.jwk import OKPKey

from services.identity.api_clients.models import SCOPES
from shared.actor import Actor
from shared.partners import LIVE_SECONDS
from tests.conftest import NewPortal
from tests.isolation.matrix import FOREIGN, ask, comparable, ids_of, is_told_nothing
from tests.isolation.routes import SERVICES, application
from tests.partners import PartnerSigner, new_key
from tests.portal_stack import API, PEOPLE, Portal

READS = {
    "identity": f"{API}/clients",
    "projects": f"{API}/projects",
    "activity": f"{API}/activity",
}
"""A route of each service that a token with every scope opens."""
SOON = 3
"""Seconds."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ports(portal: Portal) -> dict[str, str]:
    """Every address at which a token may be shown, with a route to ask for."""
    own = {service: portal.run.services[service] + path for service, path in READS.items()}
    return own | {f"{service} through the gateway": portal.gateway + path for service, path in READS.items()}


def issuer_of(portal: Portal) -> str:
    return portal.client().get("/.well-known/oauth-authorization-server").json()["issuer"]


def token_key(portal: Portal) -> dict[str, Any]:
    return json.loads((portal.folder / "secrets" / "token-key.json").read_text())


def test_a_token_opens_every_port_with_its_scope_and_none_without(portal: Portal) -> None:
    every, none = (portal.token(portal.api_client(None, *scopes)) for scopes in (SCOPES, ["events:read"]))
    with httpx2.Client(timeout=30) as http:
        for where, url in ports(portal).items():
            assert http.get(url, headers=bearer(every)).status_code == 200, where
            refused = http.get(url, headers=bearer(none))
            assert (refused.status_code, refused.json()["code"]) == (403, "auth.insufficient_scope"), where
            assert 'error="insufficient_scope", scope="' in refused.headers["www-authenticate"], where
        page = http.get(portal.run.services["portal"] + "/projects", headers=bearer(every))
        assert page.status_code in (303, 401)


def test_no_forgery_passes_at_any_port(portal: Portal) -> None:
    """G2: some of them are signed by identity's own key, as a token for somebody else or of another time would be."""
    birch = portal.me("birch")["client_id"]
    made = portal.api_client(birch)
    keys = PartnerSigner(OKPKey.import_key(token_key(portal)), issuer=issuer_of(portal))
    real = Actor(id=UUID(made["id"]), kind="partner", client_id=UUID(birch), scopes=frozenset(SCOPES))
    forged = keys.forgeries(real) | {
        "another version": keys.token(real, ver=2),
        "somebody who does not exist": keys.token(Actor(id=uuid4(), kind="partner", scopes=frozenset(SCOPES))),
    }
    assert len(forged) > 40
    with httpx2.Client(timeout=30) as http:
        for where, url in ports(portal).items():
            assert http.get(url, headers=bearer(keys.token(real))).status_code == 200, where
            for what, token in forged.items():
                if "\0" not in token and token.strip():
                    assert http.get(url, headers=bearer(token)).status_code == 401, f"{what} at {where}"


def test_a_bound_token_knows_of_one_client_only(portal: Portal) -> None:
    """Z3, T3: a token of Birch's with every scope, at the services' own ports, with Acme's ids and with nobody's."""
    birch = portal.me("birch")["client_id"]
    token = portal.token(portal.api_client(birch))
    ids = ids_of(portal)
    strangers = {name: str(uuid4()) for name in ids}
    wrong: list[str] = []
    with httpx2.Client(timeout=30) as http:
        for right in [each for each in FOREIGN if each.service != "portal"]:
            base = portal.run.services[right.service]
            foreign, random = (ask(http, right, each, base, headers=bearer(token)) for each in (ids, strangers))
            if not is_told_nothing(foreign) or comparable(foreign, ids) != comparable(random, strangers):
                wrong.append(f"{right.name}: {foreign.status_code} and {random.status_code}")
        assert wrong == []
        for service, path in READS.items():
            found = http.get(portal.run.services[service] + path, headers=bearer(token))
            assert found.status_code == 200
            assert ids["client_id"] not in found.text
            assert "Acme" not in found.text
        assert [each["id"] for each in http.get(ports(portal)["identity"], headers=bearer(token)).json()["items"]] == [
            birch
        ]


def test_writes_of_a_bound_token_stay_with_its_client(portal: Portal) -> None:
    birch, acme = portal.me("birch")["client_id"], portal.me("approver")["client_id"]
    made = portal.api_client(birch, name="Stock keeper")
    token = portal.token(made)
    with httpx2.Client(base_url=portal.run.services["projects"], headers=bearer(token), timeout=30) as http:
        body = {"name": "Stock", "status": "on_track"}
        assert http.post(f"{API}/projects", json=body | {"client_id": acme}).status_code == 404
        own = http.post(f"{API}/projects", json=body | {"client_id": birch})
        assert own.status_code == 201, own.text
        path = f"{API}/projects/{own.json()['id']}"
        assert http.patch(path, json={"description": "By a machine"}).status_code == 200
        milestone = http.post(f"{path}/milestones", json={"name": "Counted", "target_on": "2031-01-01"})
        assert http.post(f"{API}/milestones/{milestone.json()['id']}/complete").status_code == 200
    with httpx2.Client(base_url=portal.run.services["identity"], headers=bearer(token), timeout=30) as http:
        assert http.post(f"{API}/clients", json={"name": "Another"}).status_code == 403
        assert http.patch(f"{API}/clients/{acme}", json={"name": "Mine"}).status_code == 404
        contact = http.post(f"{API}/clients/{birch}/contacts", json={"first_name": "Ada", "last_name": "Moss"})
        assert contact.status_code == 201, contact.text
        for way_in in ({"sign_in_methods": ["password"]}, {"active": False}, {"portal_enabled": False}):
            assert http.patch(f"{API}/clients/{birch}", json=way_in).status_code == 403, way_in
        assert http.patch(f"{API}/clients/{birch}", json={"settings": {"erp": 4711}}).status_code == 200
    staff = portal.as_("admin")

    def recorded() -> Any:
        found = staff.get(f"{API}/audit", params={"client_id": birch, "actor_id": made["id"]}).json()["items"]
        return (
            found
            if {"project_created", "milestone_completed", "contact_created"} <= {each["type"] for each in found}
            else None
        )

    records = portal.until(recorded)
    assert {(each["actor"]["kind"], each["actor"]["name"]) for each in records} == {("partner", "Stock keeper")}
    assert all(each["session"]["ip"] for each in records)


def test_a_revoked_one_is_out_everywhere_within_a_second(portal: Portal) -> None:
    """A7, with caches that were hot until the very moment."""
    made = portal.api_client(None)
    token, everywhere = portal.token(made), ports(portal)
    with httpx2.Client(timeout=30) as http:
        for _ in range(3):
            assert {http.get(url, headers=bearer(token)).status_code for url in everywhere.values()} == {200}
        staff = portal.sign_in(PEOPLE["admin"])
        assert staff.delete(f"{API}/api-clients/{made['id']}").status_code == 204
        time.sleep(LIVE_SECONDS)
        assert {
            where: http.get(url, headers=bearer(token)).status_code for where, url in everywhere.items()
        } == dict.fromkeys(everywhere, 401)


def test_its_stream_ends_with_it(portal: Portal) -> None:
    birch = portal.me("birch")["client_id"]
    made = portal.api_client(birch)
    url = f"{portal.gateway}/api/events/{birch}"
    with httpx2.Client(timeout=30) as http, http.stream("GET", url, headers=bearer(portal.token(made))) as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        next(lines)
        assert portal.sign_in(PEOPLE["admin"]).delete(f"{API}/api-clients/{made['id']}").status_code == 204
        assert "event: closed" in list(lines)


@pytest.fixture(scope="module")
def rotating(new_portal: NewPortal) -> Iterator[Portal]:
    """A portal of its own: its key changes, and whoever looked for a key looks again after `SOON`."""
    with new_portal("rotating", **{"shared.tokens:REFRESH_SECONDS": SOON}) as portal:
        yield portal


class Partner:
    """Asks without pause at every port, with a token it holds and with new ones. Waits where it is told to (503)."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._made = portal.api_client(None)
        self._held = portal.token(self._made)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers: Counter[int] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def progresses(self, more: int = 30) -> None:
        target = self.answers[200] + more
        self._portal.until(lambda: self.answers[200] >= target)

    def _run(self) -> None:
        form = {"grant_type": "client_credentials"}
        with httpx2.Client(timeout=30) as http:
            while not self._stop.is_set():
                secret = (self._made["id"], self._made["client_secret"])
                new = http.post(f"{self._portal.gateway}/oauth/token", data=form, auth=secret)
                tokens = [self._held] + ([new.json()["access_token"]] if new.status_code == 200 else [])
                asked = [
                    http.get(url, headers=bearer(token)) for url in ports(self._portal).values() for token in tokens
                ]
                self.answers.update(answer.status_code for answer in [new, *asked])
                time.sleep(0.3)


def published(portal: Portal) -> list[dict[str, Any]]:
    """The keys that tokens are checked with; none while nobody answers."""
    answer = portal.client().get("/oauth/jwks.json")
    return answer.json()["keys"] if answer.status_code == 200 else []


def test_the_key_is_rotated_under_load_and_no_token_is_refused(rotating: Portal) -> None:
    """G6: the new key is published; it signs; the old one is withdrawn. Each step is a restart of identity."""
    file = rotating.folder / "secrets" / "token-key.json"
    old, new = token_key(rotating), new_key("next").as_dict(private=True)

    def restart_with(*keys: dict[str, Any]) -> None:
        file.write_text(json.dumps({"keys": keys}))
        rotating.reload()
        before = rotating.run.processes["identity"]
        os.kill(before, signal.SIGTERM)
        rotating.until(lambda: rotating.reload() or rotating.run.processes["identity"] != before)

    with Partner(rotating) as partner:
        partner.progresses()
        restart_with(old, new)
        time.sleep(SOON + 1)  # as docs/operations.md has it: whoever looked for a key just before looks again
        restart_with(new, old)
        partner.progresses()
    assert set(partner.answers) - {200, 502, 503, 504} == set(), partner.answers
    restart_with(new)
    kids = rotating.until(lambda: [key["kid"] for key in published(rotating)])  # it is starting again
    assert kids == ["next"]
    withdrawn = PartnerSigner(OKPKey.import_key(old), issuer=issuer_of(rotating))
    made = rotating.api_client(None)
    stolen = withdrawn.token(Actor(id=UUID(made["id"]), kind="partner", scopes=frozenset(SCOPES)))
    with httpx2.Client(timeout=30) as http:
        for where, url in ports(rotating).items():
            assert http.get(url, headers=bearer(stolen)).status_code == 401, where
            assert http.get(url, headers=bearer(rotating.token(made))).status_code == 200, where


def test_every_service_is_shown_tokens() -> None:
    """All that have a route with a scope; what is told people is for nobody else."""
    assert set(READS) == {
        service
        for service in SERVICES
        for route in application(service).routes
        for handler in getattr(route, "route_handlers", ())
        if handler.opt.get("scope")
    }
