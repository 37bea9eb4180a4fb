"""Hooks of Schemathesis: as whom it asks, and what it never says (asked.py)."""

import os
from pathlib import Path
from typing import Any

import msgspec
import schemathesis

from shared.actor import Actor
from tests.portal_stack import StackSigner

NOWHERE = "http://127.0.0.1:9/"
_sent: set[tuple[str, str]] = set()
"""What was wrong with the requests that an operation was sent."""


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
    """What is wrong with a request is sent once: a wrong parameter would come alone and beside all others, and one of
    the path five times as the same address, as the ids that we have take its place. Of bodies with a value of another
    type, half of all requests, each operation is sent one: that each field of each body refuses every other type is
    proved by test_types.py, without asking over the network.
    """
    wrong = _wrong(case)
    if not wrong:
        return True
    known = (case.operation.label, wrong) in _sent
    _sent.add((case.operation.label, wrong))
    return not known


def _wrong(case: schemathesis.Case) -> str:
    """What is wrong with a request that was made to be refused for one reason; "" where it may have others."""
    said: Any = case.meta.phase.data if case.meta and case.meta.generation.mode.is_negative else None
    scenario, place, name = (getattr(said, each, None) for each in ("scenario", "parameter_location", "parameter"))
    if scenario == "incorrect_type" and place == "body":
        return "body"
    values: Any = {"query": case.query, "path": case.path_parameters}.get(place) if scenario else None
    return f"{name}={values.get(name)}" if values and name else ""
