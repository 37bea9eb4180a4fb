"""Hooks of Schemathesis: as whom it asks, and what it never says (asked.py)."""

import os
from pathlib import Path
from typing import Any

import msgspec
import schemathesis

from shared.actor import Actor
from tests.portal_stack import StackSigner

NOWHERE = "http://127.0.0.1:9/"
_mistyped: set[str] = set()
"""The operations that were sent a body with a value of another type."""


@schemathesis.auth(refresh_interval=20)
class Bearer:
    """The token of a partner, or the gateway's claims, which count for a minute."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        if "ASKED_WITH" in os.environ:
            return os.environ["ASKED_WITH"]
        actor = msgspec.json.decode(os.environ["ASKED_AS"], type=Actor)
        return StackSigner(Path(os.environ["ASKED_FOLDER"])).token(actor, os.environ["ASKED_SERVICE"])

    def set(self, case: schemathesis.Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """What a service would call is an address of this machine, where nobody answers."""
    if not isinstance(body, dict):
        return body
    return body | {name: NOWHERE for name in ("url", "issuer") if str(body.get(name)).lower().startswith("http")}


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Each operation is sent one body with a value of another type, which was half of all requests: that each field of
    each body refuses every other type is proved by test_types.py, without asking over the network.
    """
    said = case.meta.phase.data if case.meta else None
    if (getattr(said, "scenario", ""), getattr(said, "parameter_location", "")) != ("incorrect_type", "body"):
        return True
    if case.operation.label in _mistyped:
        return False
    _mistyped.add(case.operation.label)
    return True
