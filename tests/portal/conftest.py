"""The portal over the stand-in services, called as the gateway would call it."""

import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from services.portal.app import create_app
from services.portal.settings import PortalSettings
from tests.portal.standin import ACME, ANNA, CLARA, Standin, uid

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test", "use": "sig", "alg": "Ed25519"})
AUDIENCE = ["portal", "identity", "projects", "activity"]


def claims(**more: Any) -> str:
    """A claims token as the gateway mints it."""
    now = int(time.time())
    body = {
        "iss": "portal-gateway",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "sub": "",
        "kind": "anonymous",
        "ip": "203.0.113.9",
    }
    return jwt.encode(
        {"alg": "Ed25519", "kid": "test", "typ": "portal-claims+jwt"},
        {**body, **more},
        KEY,
        registry=JWSRegistry(algorithms=["Ed25519"]),
    )


def approver() -> str:
    return claims(
        sub=ANNA,
        name="Anna Keller",
        kind="client",
        cid=ACME,
        sid=uid(50),
        roles={uid(1): "approver", uid(2): "approver"},
        prim=True,
    )


def feedback() -> str:
    return claims(sub=uid(51), name="Mia Lorenz", kind="client", cid=ACME, sid=uid(52), roles={uid(1): "feedback_only"})


def admin() -> str:
    policies = ["manageClients", "managePeople", "managePortalAccess", "manageProjects", "viewAudit"]
    return claims(sub=CLARA, name="Clara Hoffmann", kind="staff", sid=uid(53), pol=policies)


@pytest.fixture(scope="session")
async def server() -> AsyncGenerator[Standin]:
    standin = Standin()
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
def standin(server: Standin) -> Standin:
    server.reset()
    return server


@pytest.fixture(scope="session")
async def portal(server: Standin, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Any]:
    folder: Path = tmp_path_factory.mktemp("portal")
    jwks = folder / "jwks.json"
    jwks.write_bytes(msgspec.json.encode(KeySet([KEY]).as_dict(private=False)))
    mails = folder / "mails"
    mails.mkdir()
    settings = PortalSettings(
        env="embedded",
        jwks=str(jwks),
        upstream_identity=server.url,
        upstream_projects=server.url,
        upstream_activity=server.url,
        company_name="Northwind Studio",
        mailbox_dir=str(mails),
    )
    app = create_app(settings)
    async with app.lifespan():
        yield app


@pytest.fixture
async def browse(portal: Any, standin: Standin) -> AsyncGenerator[Callable[..., httpx2.AsyncClient]]:
    """`browse(token)` is a browser of that person, behind the gateway; without a token nobody is signed in."""
    opened: list[httpx2.AsyncClient] = []

    def client(token: str = "") -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=portal)
        http = httpx2.AsyncClient(
            transport=transport, base_url="http://portal.test", headers={"Authorization": f"Bearer {token or claims()}"}
        )
        opened.append(http)
        return http

    yield client
    for http in opened:
        await http.aclose()
