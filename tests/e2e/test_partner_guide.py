"""docs/partners.md, its commands run as they stand there."""

import json
import os
import re
import subprocess
from pathlib import Path

from gateway.routes import SERVICES
from services.identity.api_clients.models import SCOPES
from tests.isolation.routes import application
from tests.portal_stack import Portal

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "partners.md").read_text()
PLAIN, KEY = (re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL) for kind in ("sh", "sh key"))


def run(commands: list[str], folder: Path, **variables: str) -> None:
    """All of them in one shell, which stops at the first that fails."""
    shell = ["sh", "-euc", "\n".join(commands)]
    told = os.environ | variables
    done = subprocess.run(shell, cwd=folder, env=told, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def read(path: Path) -> dict[str, object]:
    return json.loads(path.read_text())


def test_a_partner_gets_from_its_first_token_to_a_change(portal: Portal, tmp_path: Path) -> None:
    assert len(PLAIN) == 7
    birch = portal.me("birch")["client_id"]
    made = portal.api_client(birch)
    run(PLAIN, tmp_path, PORTAL=portal.gateway, CLIENT_ID=made["id"], CLIENT_SECRET=made["client_secret"])
    assert read(tmp_path / "token.json")["scope"] == "events:read projects:read projects:write"
    assert read(tmp_path / "whoami.json")["client_id"] == birch
    assert read(tmp_path / "project.json")["client_id"] == birch
    milestone = read(tmp_path / "milestone.json")
    told = "finished Stock synchronised"
    assert portal.until(lambda: told in portal.as_("birch").get("/activity").text)
    assert milestone["name"] == "Stock synchronised"
    plan = portal.as_("birch").get(f"/api/client-portal/projects/{milestone['project_id']}").json()["milestones"]
    assert [each["name"] for each in plan].count("Stock synchronised") == 1
    assert "data:" in (tmp_path / "events.txt").read_text()


def test_a_partner_may_prove_itself_with_its_own_key(portal: Portal, tmp_path: Path) -> None:
    assert len(KEY) == 2
    run(KEY[:1], tmp_path)
    made = portal.api_client(None, "projects:read", auth_method="private_key_jwt", jwks=read(tmp_path / "jwks.json"))
    issuer = portal.client().get("/.well-known/oauth-authorization-server").json()["issuer"]
    run([KEY[1].replace('"$PORTAL/oauth', f'"{portal.gateway}/oauth')], tmp_path, PORTAL=issuer, CLIENT_ID=made["id"])
    assert read(tmp_path / "token.json")["expires_in"] == 600


def test_the_table_names_every_scope_and_every_scope_opens_a_route() -> None:
    assert re.findall(r"^\| `(\w+:\w+)` \|", GUIDE, re.MULTILINE) == list(SCOPES)
    opened = {
        handler.opt.get("scope")
        for service in SERVICES
        for route in application(service).routes
        for handler in getattr(route, "route_handlers", ())
    }
    assert opened - {None, ""} == set(SCOPES)
