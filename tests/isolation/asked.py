"""Runs Schemathesis, which asks an API what its description promises, with what fits and what does not (decision 0113)."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from shared.actor import Actor
from tests.portal_stack import ROOT, Portal

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("PORTAL_FUZZ_EXAMPLES", "2")
"""How many made-up requests each operation gets, beside those that its description calls for."""
COMMAND = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]


def findings_in_service(portal: Portal, service: str, actor: Actor, ids: dict[str, str], folder: Path) -> str:
    """What it has to say of a service, asked at its own port as `actor`; "" for nothing."""
    asked_as = {"ASKED_AS": msgspec.json.encode(actor).decode(), "ASKED_SERVICE": service}
    return _run(portal, f"{portal.run.services[service]}/schema/openapi.json", ids, folder, asked_as)


def findings_at_gateway(portal: Portal, ids: dict[str, str], folder: Path) -> str:
    """What it has to say of what all services answer through the gateway, asked by a partner system of all clients."""
    token = portal.token(portal.api_client(None))
    address = f"{portal.gateway}/docs/openapi.json"
    return _run(portal, address, ids, folder, {"ASKED_WITH": token}, "--include-method=GET", "--phases=fuzzing")


def _run(portal: Portal, address: str, ids: dict[str, str], folder: Path, told: dict[str, str], *more: str) -> str:
    config = folder / "schemathesis.toml"
    known = [f'"path.{name}" = "{value}"' for name, value in ids.items()]
    config.write_text("\n".join([CONFIG.read_text(), "[parameters]", *known, ""]))
    # The order of a set is part of what is made up.
    same = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "ASKED_FOLDER": str(portal.folder)}
    # Which characters Unicode has is worked out by the first run, for all of them.
    same |= {"HYPOTHESIS_STORAGE_DIRECTORY": str(portal.folder.parent / "hypothesis")}
    ran = subprocess.run(
        [*COMMAND, "--config-file", str(config), "run", address, f"--max-examples={EXAMPLES}", *more],
        cwd=folder,
        env=os.environ | same | told,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr
