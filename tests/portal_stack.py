"""The whole portal, as `make up` starts it, for the tests that need all of it: isolation, end to end, faults."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from joserfc.jwk import OKPKey

from ops.stack.state import Run
from shared.actor import Actor
from shared.testing.claims import Signer
from tests.starter import STARTER

ROOT = Path(__file__).parent.parent
READY_SECONDS = 200
PASSWORD = "demo-portal-2026"
PEOPLE = {
    "admin": "admin@northwind.example",
    "member": "member@northwind.example",
    "subcontractor": "subcontractor@northwind.example",
    "approver": "approver@acme.example",
    "viewer": "viewer@acme.example",
    "feedback": "feedback@acme.example",
    "birch": "approver@birch.example",
}
API = "/api/client-portal"
QUICK = {"PORTAL_PASSWORD_MEMORY": "8"}
"""Settings of a portal under test: a password hash takes no time."""
PROVEN_SECONDS = 300
"""How long a kept session is used: its proof of who somebody is has to be fresh, which is ten minutes."""


class StackSigner(Signer):
    """Signs with the running gateway's own key: what a stolen or forwarded claims token could do at a service's port."""

    def __init__(self, folder: Path) -> None:
        kept = json.loads((folder / "secrets" / "claims-key.json").read_text())
        self.key = OKPKey.import_key(kept["keys"][0] if "keys" in kept else kept)
        self.jwks = folder / "secrets" / "jwks.json"

    def token(self, actor: Actor, *audience: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return super().token(actor, *audience, header={"kid": self.key.kid} | (header or {}), **claims)


class _Renewing(httpx2.Auth):
    """An access token, and a new one before it is ten minutes old."""

    def __init__(self, draw: Callable[[], str]) -> None:
        self._draw = draw
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:  # type: ignore[override]
        if time.monotonic() > self._until:
            self._token, self._until = self._draw(), time.monotonic() + 300
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


@dataclass
class Portal:
    """A running portal with the demo data."""

    folder: Path
    run: Run
    _sessions: dict[str, httpx2.Client] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        return self.run.gateway

    def as_(self, who: str) -> httpx2.Client:
        """A client as one of `PEOPLE`, as `viewing` (the administrator viewing as Acme), as `partner` (a system of
        Birch's with every scope) or `anonymous`; kept for the session, except that people sign in anew before their proof gets old.
        """
        if who in PEOPLE and time.monotonic() > self._until.get(who, 0.0):
            self.forget(who)
        if who not in self._sessions:
            self._sessions[who] = self.new(who)
            self._until[who] = time.monotonic() + PROVEN_SECONDS
        return self._sessions[who]

    def new(self, who: str) -> httpx2.Client:
        """The same, with a session of its own."""
        if who == "viewing":
            return self._viewing(self.me("approver")["client_id"])
        if who == "partner":
            return self._partner(self.me("birch")["client_id"])
        return self.sign_in(PEOPLE[who]) if who in PEOPLE else self.client()

    def _viewing(self, client_id: str) -> httpx2.Client:
        http = self.sign_in(PEOPLE["admin"])
        answer = http.post(f"{API}/auth/view-as", json={"client_id": client_id})
        assert answer.status_code == 200, answer.text
        return http

    def api_client(self, client_id: str | None, *scopes: str, **more: Any) -> dict[str, Any]:
        """A new partner system of this client or of all, with these scopes or every one; its secret included."""
        staff = self.sign_in(PEOPLE["admin"])  # somebody who has just proven who they are
        known = [each["key"] for each in staff.get(f"{API}/api-clients/scopes").json()["items"]]
        body = {"name": "Warehouse", "scopes": list(scopes) or known, "client_id": client_id}
        made = staff.post(f"{API}/api-clients", json=body | more)
        assert made.status_code == 201, made.text
        return made.json()

    def webhook(self, client_id: str | None, **more: Any) -> dict[str, Any]:
        """A new webhook of this client or of all, its secret included; it leads nowhere unless told otherwise."""
        staff = self.sign_in(PEOPLE["admin"])
        body = {"name": "Warehouse", "url": "http://127.0.0.1:9/", "client_id": client_id}

        def make() -> httpx2.Response | None:
            """None while notifications does not know the client yet: its event may still be on its way."""
            answer = staff.post(f"{API}/webhooks", json=body | more)
            return None if answer.status_code == 404 else answer

        made: httpx2.Response = self.until(make)
        assert made.status_code == 201, made.text
        assert staff.post(f"{API}/webhooks/{made.json()['id']}/test").status_code == 201
        return made.json()

    def _partner(self, client_id: str) -> httpx2.Client:
        http = self.client()
        made = self.api_client(client_id)
        http.auth = _Renewing(lambda: self.token(made))
        return http

    def token(self, api_client: dict[str, Any]) -> str:
        """An access token for an api client as it was created, secret included."""
        keys = (api_client["id"], api_client["client_secret"])
        answer = self.client().post("/oauth/token", data={"grant_type": "client_credentials"}, auth=keys)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def forget(self, who: str) -> None:
        """Sign in anew next time: something ended the kept session."""
        self._sessions.pop(who, None)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.gateway, timeout=30)

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx2.Client:
        """A new session of its own."""
        http = self.client()
        answer = http.post(f"{API}/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return http

    def me(self, who: str) -> dict[str, Any]:
        return self.as_(who).get(f"{API}/auth/me").json()

    def actor(self, who: str) -> Actor:
        """The same person as the services see it in a claims token."""
        me = self.me(who)
        known = {name: me[name] for name in Actor.__struct_fields__ if name in me}
        return msgspec.convert(known, Actor)

    def signer(self) -> StackSigner:
        return StackSigner(self.folder)

    def until(self, told: Any, seconds: float = 60) -> Any:
        """Ask `told` until it answers something true; that answer. What takes longer is asked less often."""
        end, pause = time.monotonic() + seconds, 0.03
        while time.monotonic() < end:
            if found := told():
                return found
            time.sleep(pause)
            pause = min(pause * 1.3, 0.25)
        raise AssertionError(f"not within {seconds} s")

    def reload(self) -> None:
        """Read the process ids again after something was restarted."""
        self.run = msgspec.json.decode((self.folder / "run.json").read_bytes(), type=Run)


@contextmanager
def running_portal(folder: Path, constants: Mapping[str, float] | None = None, **environment: str) -> Iterator[Portal]:
    """Start, wait until ready with the demo data in it, and stop again. `constants` as in `tests.starter.Order`."""
    # One address asks more in a minute here than an office does in an hour; the limits have tests of their own.
    names = ("REQUESTS", "SESSION_REQUESTS", "SIGN_INS")
    limits = {f"PORTAL_{name}_PER_MINUTE": "1000000" for name in names}
    told = os.environ | {"PORTAL_DATA": str(folder), "PORTAL_PORT": "0"} | limits | environment
    log = folder.parent / f"{folder.name}.out"
    log.write_text("")
    launcher = STARTER.start(told, log, constants or {})
    try:
        end = time.monotonic() + READY_SECONDS
        while not (folder / "run.json").exists():
            if launcher.has_ended(0.05) or time.monotonic() > end:
                raise AssertionError(f"the portal did not start:\n{log.read_text()[-6000:]}")
        yield Portal(folder, msgspec.json.decode((folder / "run.json").read_bytes(), type=Run))
    finally:
        launcher.end(60)


def seeded(folder: Path) -> Path:
    """The data of a portal that was started once and stopped: made by whoever asks first, others wait for it.

    A copy of it starts in a third of the time. It is told not to wait for the disk: what a killed process wrote is with
    the kernel, and no test takes the machine's power away.
    """
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        data = folder / "data"
        if not (folder / "complete").exists():
            with running_portal(data, **QUICK):
                pass
            with (data / "postgres" / "postgresql.conf").open("a") as settings:
                settings.write("fsync = off\nfull_page_writes = off\n")
            (folder / "complete").touch()
    return data
